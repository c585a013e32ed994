# shellcheck shell=bash
# How many times a second one core judges a rule: ../rules.c, 1,000 services of 10
# realservers each, three ways. Nobody else has rules to stand beside. It needs no kernel
# but a processor, so it runs on the machine as it is.
#
#   judged   a comparison with the median of its peers, values as they are
#   sampled  the same, with a new value for each realserver before each round
#   rate     rate() over a window of 5 minutes
#
# where: here
# deadline: 60

part_rules() {
	local name rate

	how rules ours "build/bench/rules"
	"${RULES:-$REPO/build/bench/rules}" >"$RUN/rules" || diag "$(cat "$RUN/rules")"
	for name in judged sampled rate; do
		rate=
		case $name in
		judged) rate=$(sed -n 's/^peers, judged only *\([0-9]*\) .*/\1/p' "$RUN/rules") ;;
		sampled) rate=$(sed -n 's/^peers, sampled .* judged *\([0-9]*\) a .*/\1/p' "$RUN/rules") ;;
		rate) rate=$(sed -n 's/^rate over .* only *\([0-9]*\) a .*/\1/p' "$RUN/rules") ;;
		esac
		measure rules "$name" 10000 ours rate 1/s "$rate"
	done
}
