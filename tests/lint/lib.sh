# shellcheck shell=sh
# What the lint checks share. A check is one executable file, tests/lint/NN-what:
# it sources this one, gives verdicts, and ends with done_checking. Its output is
# TAP; what is wrong stands below the verdict, as file:line: message.

cd "$(dirname "$0")/../.." || exit 1
LC_ALL=C.UTF-8
export LC_ALL

checks=0
bad=0

# verdict DESCRIPTION FINDINGS: nothing found is ok.
verdict() {
	checks=$((checks + 1))
	if [ -z "$2" ]; then
		echo "ok $checks - $1"
	else
		bad=$((bad + 1))
		echo "not ok $checks - $1"
		note "$2"
	fi
}

# note TEXT: a diagnostic.
note() {
	printf '%s\n' "$1" | sed 's/^/#   /'
}

done_checking() {
	echo "1..$checks"
	[ $bad = 0 ]
	exit
}

# tool NAME PACKAGE: a check without its tool is no check.
tool() {
	command -v "$1" >/dev/null && return 0
	verdict "$1 is here" "$1 is missing: package $2 (\`make deps\` installs it)"
	done_checking
}

# c_files [DIRECTORY...]: every C file of the program, or below the directories.
c_files() {
	[ $# -gt 0 ] || set -- agent collectors actions conf
	for d; do
		[ ! -d "$d" ] || find "$d" -name '*.[ch]'
	done | sort
}

# shell_files: every shell script, by its first line.
shell_files() {
	{
		find tests contrib -type f ! -name '*.[ch]' ! -path '*/corpus/*' 2>/dev/null
		echo .ci/run
	} | while read -r f; do
		[ -r "$f" ] || continue
		# "# shellcheck shell=…" is how a file that is only sourced says what it is.
		head -n 1 "$f" | grep -qE '^(#!.*(sh|bash)( |$)|# shellcheck shell=)' && echo "$f"
	done | sort
}

# code FILE...: the files' lines as "file:line:text", without comments and with
# empty strings, so that a word in them is code.
code() {
	awk '
	FNR == 1 { inside = 0 }
	{
		out = ""
		s = $0
		while (s != "") {
			if (inside) {
				i = index(s, "*/")
				if (!i)
					break
				s = substr(s, i + 2)
				inside = 0
			} else if (match(s, /\/\*|\/\/|"|\047/)) {
				t = substr(s, RSTART, RLENGTH)
				out = out substr(s, 1, RSTART - 1)
				s = substr(s, RSTART + RLENGTH)
				if (t == "/*") {
					inside = 1
				} else if (t == "//") {
					break
				} else {
					out = out t t
					s = past(s, t)
				}
			} else {
				out = out s
				break
			}
		}
		print FILENAME ":" FNR ":" out
	}
	# What follows the end of a string or character that began before s.
	function past(s, quote,    i, c) {
		for (i = 1; i <= length(s); i++) {
			c = substr(s, i, 1)
			if (c == "\\")
				i++
			else if (c == quote)
				return substr(s, i + 1)
		}
		return ""
	}' "$@"
}
