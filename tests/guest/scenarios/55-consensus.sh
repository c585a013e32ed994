# shellcheck shell=bash
# Three web servers carry a copy of one page each, and one copy is old. Its server answers
# as well as the others, so its probe is good; but its answer's digest is not theirs. The
# rule takes it out after `for`, and metrics, explain, status and the API say why. While too
# few answer to tell who is right it stays out, and when its copy is repaired it returns. A
# deploy that goes through all copies within `for` takes nobody out. A fixed digest fails
# the probe of the old copy, and is unknown of one that is too long.
#
# peers: nginx
# deadline: 150
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../rules.sh disable=SC1091
. "$(dirname "$0")/../rules.sh"

COUNT=3
FOR=6
SAMPLES='[agent]
sample_interval = 500ms'

# page N TEXT: the copy of that server, in one step.
page() {
	printf '%s\n' "$2" >"$RUN/rs$1/page.new"
	mv "$RUN/rs$1/page.new" "$RUN/rs$1/page"
}

# sum TEXT: of a page.
sum() {
	local line

	line=$(printf '%s\n' "$1" | sha256sum)
	echo "${line%% *}"
}

# config DIGEST [LINE]: of the probe.
config() {
	local text

	text=$(web_ini $COUNT "scheduler = wrr")
	text=${text/probe = port/probe = page}
	printf '%s\n' "${text/'[agent]'/"$SAMPLES"}"
	cat <<-INI
		[probe page]
		url = http://www.example.net/page
		digest = $1
		interval = 500ms
		timeout = 450ms
		fall = 2
		${2:-}
		[rule stale]
		service = web
		expr = probe_stale == 1
		for = ${FOR}s
		action = quiesce
	INI
}

stale_are() { [ "$(metrics | series_values ipvs_probe_stale | tr '\n' ' ')" = "${1:+$1 }" ]; }
api() { "$LOOK" get "$NS-dir" $AGENT_PORT '/api/v1/services/web?max_age=0'; }
reason_of() { metric "ipvs_probe_failures_total{realserver=\"web$1\",reason=\"$2\"}"; }
failed_by() { [ -n "$(reason_of "$1" "$2")" ]; }

topology masq $COUNT || exit
for n in 1 2 3; do
	rs_start $n || exit
	page $n "release 2"
done
page 2 "release 1"
ok "the agent starts" agent_start < <(config consensus)

# The old copy.
ok "one differs" await 10 stale_are "0 1 0"
ok "and is up: its probe is good" await 5 verdicts_are 1 1 2 3
settles "100 0 100" "it leaves"
is "$(targets stale firing)" 1 "by the rule"
old=$(sum "release 1")
old=${old:0:12}
ok "explain says why" explains web/web2 "probe page: digest $old, differs from 2 of 3"
new=$(sum "release 2")
ok "of the others, too" explains web/web1 "probe page: digest ${new:0:12}, as 2 of 3 have it"
like "$(agent status)" "$old differs from 2 of 3" "status shows it"
like "$(api)" "\"digest\": ?\"$old\", ?\"stale\": ?true" "the API has it"

# Two are too few to tell who is right.
rs_stop 3
ok "with one gone nobody can tell" await 15 stale_are ""
stays "100 0 0" "and it stays out"
rs_start 3 || exit
settles "100 0 100" "the other returns"
ok "and they are compared again" await 10 stale_are "0 1 0"

# Repaired.
page 2 "release 2"
settles "100 100 100" "it returns when its copy is repaired"
ok "all agree" stale_are "0 0 0"

# A deploy, one after the other: it is over before `for`.
page 1 "release 3"
ok "the first one differs" await 5 stale_are "1 0 0"
page 2 "release 3"
ok "then the last one does" await 5 stale_are "0 0 1"
page 3 "release 3"
ok "and then nobody" await 5 stale_are "0 0 0"
is "$(detected stale)" 1 "a deploy within for takes nobody out"

# A digest that is known beforehand.
ok "a fixed digest" agent_reload < <(config "sha256:$(sum "release 3")" "max_body = 1KB")
two_passes
ok "is that of all" verdicts_are 1 1 2 3
page 2 "release 1"
settles "100 0 100" "another one is a failure"
ok "by its reason" failed_by 2 answer-digest
page 3 "$(printf '%02000d' 0)"
ok "a page that is too long is told" await 10 failed_by 3 answer-too-long
stays "100 0 100" "and unknown: it serves"

done_testing
