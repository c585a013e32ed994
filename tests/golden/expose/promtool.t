#!/bin/sh
# The golden expositions through Prometheus' own parsers: text 0.0.4 must be without
# a finding, OpenMetrics must be read whole. PROMTOOL names the program; else the
# unpacked peers' is taken, or the system's. Speaks TAP; run from the top of the tree.

dir=tests/golden/expose
promtool=${PROMTOOL:-}
for p in build/peers/usr/bin/promtool build/peers/*/usr/bin/promtool "$(command -v promtool)"; do
	[ -n "$promtool" ] && break
	[ -x "$p" ] && promtool=$p
done
if [ -z "$promtool" ]; then
	echo '1..0 # SKIP no promtool (package prometheus)'
	exit 0
fi

n=0
failed=0
tell() { # STATUS NAME OUTPUT
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		echo "$3" | sed 's/^/# /'
		failed=1
	fi
}

for f in "$dir"/*.txt; do
	grep -q '^# EOF$' "$f" && continue
	out=$("$promtool" check metrics <"$f" 2>&1)
	status=$?
	[ -n "$out" ] && status=1
	tell "$status" "check metrics: ${f##*/}" "$out"
done

# Blocks need a time for every sample; every sample must arrive.
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
for f in "$dir"/*.txt; do
	grep -q '^# EOF$' "$f" || continue
	awk '/^#/ { print; next } { print $0, "1700000000" }' "$f" >"$tmp/timed"
	want=$(grep -vc '^#' "$f")
	out=$("$promtool" tsdb create-blocks-from openmetrics "$tmp/timed" "$tmp/blocks" 2>&1)
	got=$(echo "$out" | awk 'END { print $6 }')
	[ "$got" = "$want" ]
	tell $? "OpenMetrics, $want samples: ${f##*/}" "$out"
	rm -rf "$tmp/blocks"
done
echo "1..$n"
exit $failed
