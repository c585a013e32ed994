# keys.awk: the key reference of ipvs-agent.ini.5, from the sample file, which is itself
# printed from the program's own tables. Reads the sample first, then ipvs-agent.ini.5.in,
# whose line @KEYS@ it replaces:
#
#   awk -f contrib/man/keys.awk conf/ipvs-agent.ini contrib/man/ipvs-agent.ini.5.in

# Text for mdoc: a backslash is one, and no line begins with a control character.
function text(s)
{
	gsub(/\\/, "\\e", s)
	sub(/^[.']/, "\\\\\\&&", s)
	return s
}

function out(s)
{
	keys = keys s "\n"
}

function end_list()
{
	if (in_list)
		out(".El")
	in_list = 0
}

# What the last comment said, once it is known to be no key's.
function end_comment()
{
	if (comment != "" && section != "")
		out(".Pp\n" text(comment))
	comment = ""
}

FNR == 1 {
	file++
}

file == 1 && /^;?\[/ {
	said = comment
	comment = ""
	end_list()
	section = $0
	gsub(/[];[]/, "", section)
	split(section, words, " ")
	out(".Ss [" words[1] (words[2] ? " " words[2] : "") "]")
	if (said != "")
		out(text(said))
	next
}

# ";key = default": the sentence above it is its own. "; key …" is a comment.
file == 1 && /^;[a-z0-9_]+ =/ {
	key = substr($0, 2, index($0, " =") - 2)
	value = substr($0, index($0, "=") + 2)
	if (!in_list)
		out(".Bl -tag -width Ds")
	in_list = 1
	if (key == last_key && comment == "") {
		if (value != "")
			out(".br\nDefault:\n.Ql " text(value))
	} else {
		out(".It Ic " key)
		if (comment != "")
			out(text(comment))
		if (value != "")
			out(".br\nDefault:\n.Ql " text(value))
	}
	last_key = key
	comment = ""
	next
}

file == 1 && /^; / {
	comment = comment (comment == "" ? "" : "\n") text(substr($0, 3))
	next
}

# A blank line parts sections, and the keys of one kind of probe from the others'.
file == 1 {
	end_list()
	end_comment()
	next
}

/^@KEYS@$/ {
	end_list()
	printf "%s", keys
	next
}

{
	print
}
