# shellcheck shell=bash
# Scrape: rendering and sending all the text to a client on the same machine, beside the
# same server sending the same bytes from memory, turn by turn, seven times each
# (build/bench/scrape). On this machine as it is, over a table of invented values.
#
# where: here
# runs: 3
# deadline: 120

part_scrape() {
	local shape figure who value size=100000

	how scrape ours "build/bench/scrape"
	how scrape bytes "the same, sending from memory"
	"${SCRAPE:-$REPO/build/bench/scrape}" $size >"$RUN/scrape" || return
	# wide: ... / rendering N ms / scrape N ms / from memory N ms ...
	while read -r shape figure who value; do
		measure scrape "$(case_of "$shape" $size)" $size "$who" "$figure" ms "$value"
	done < <(awk '
		/^(wide|deep):/ { shape = substr($1, 1, 4) }
		$1 == "rendering" { print shape, "rendering", "ours", $2 }
		$1 == "scrape" { print shape, "sending", "ours", $2 }
		$1 == "from" { print shape, "sending", "bytes", $3 }
		$1 == "snapshot" { print shape, "snapshot", "ours", $2 }
		$1 == "gzip" { print shape, "gzip", "ours", $2 }' "$RUN/scrape")
}
