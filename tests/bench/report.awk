# report.awk: see report.

BEGIN {
	FS = "\t"
	md = out "/report.md"
	json = out "/report.json"
	n_parts = split(parts, part_list, " ")
	read_measures()
	fit_growth()
	read_how()
	judge_all()
	write_md()
	write_json()
	exit
}

# --- what was measured ---------------------------------------------------------

# Keys: p part, c case, w who, f figure; a list of values a key, and for pairs the value
# of the nth measurement of a run.
function read_measures(   line, a, run, value) {
	while ((getline line < (out "/measures.tsv")) > 0) {
		if (split(line, a, "\t") < 8)
			continue
		take(a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8])
	}
	close(out "/measures.tsv")
}

function take(p, c, size, w, f, unit, value, run,   k, row) {
	if (!((p, w) in who_seen)) {
		who_seen[p, w] = 1
		who_of[p, ++n_who[p]] = w
	}
	row = c SUBSEP f
	if (!((p, row) in row_seen)) {
		row_seen[p, row] = 1
		row_of[p, ++n_rows[p]] = row
	}
	k = p SUBSEP c SUBSEP w SUBSEP f
	unit_of[p, c, f] = unit
	size_of[p, c] = size
	if (!(k in n))
		key_of[++n_keys] = k
	if (value == "failed") {
		n[k] += 0
		failed[k]++
		n_failed++
		return
	}
	v[k, ++n[k]] = value + 0
	nth[k, run]++
	pair[k, run, nth[k, run]] = value + 0
	if (run + 0 > last_run)
		last_run = run + 0
	if (nth[k, run] > last_nth)
		last_nth = nth[k, run]
}

function sorted(list, count,   i, j, t) {
	for (i = 2; i <= count; i++) {
		t = list[i]
		for (j = i - 1; j >= 1 && list[j] > t; j--)
			list[j + 1] = list[j]
		list[j + 1] = t
	}
}

function middle(list, count) {
	sorted(list, count)
	return count % 2 ? list[(count + 1) / 2] : (list[count / 2] + list[count / 2 + 1]) / 2
}

# Sets median, least, most, and the spread of a key; whether there is anything.
function stats(k,   i, list) {
	if (!(k in n) || n[k] == 0)
		return 0
	split("", list)
	for (i = 1; i <= n[k]; i++)
		list[i] = v[k, i]
	median = middle(list, n[k])
	least = list[1]
	most = list[n[k]]
	spread = median ? (most - least) / 2 / (median < 0 ? -median : median) * 100 : 0
	return 1
}

# The median of (a - plus) / b over what was measured side by side; of medians where
# nothing was. plus is a key or "".
function ratio(a, b, plus,   i, j, list, count, extra, ma, mb) {
	split("", list)
	count = 0
	extra = 0
	if (plus != "" && stats(plus))
		extra = median
	for (i = 1; i <= last_run; i++)
		for (j = 1; j <= last_nth; j++)
			if ((a, i, j) in pair && (b, i, j) in pair && pair[b, i, j] != 0)
				list[++count] = (pair[a, i, j] - extra) / pair[b, i, j]
	ratio_n = count
	if (count)
		return middle(list, count)
	if (!stats(a))
		return ""
	ma = median
	if (!stats(b) || median == 0)
		return ""
	mb = median
	return (ma - extra) / mb
}

# --- growth ------------------------------------------------------------------------

# The exponent e of value = a * size^e, by least squares over the logarithms of the
# medians: a measurement of its own, "FIGURE-exponent" of the case "wide" or "deep".
function fit_growth(   i, a, shape, x, y, g, k, cnt, sx, sy, sxx, sxy, order, m) {
	m = 0
	for (i = 1; i <= n_keys; i++) {
		split(key_of[i], a, SUBSEP)
		if (a[1] != "growth" || !stats(key_of[i]) || median <= 0)
			continue
		shape = a[2]
		sub(/-.*/, "", shape)
		g = shape SUBSEP a[3] SUBSEP a[4]
		if (!(g in cnt))
			order[++m] = g
		cnt[g]++
		x = log(size_of["growth", a[2]])
		y = log(median)
		sx[g] += x
		sy[g] += y
		sxx[g] += x * x
		sxy[g] += x * y
	}
	for (i = 1; i <= m; i++) {
		g = order[i]
		if (cnt[g] < 2)
			continue
		split(g, a, SUBSEP)
		take("growth", a[1], 0, a[2], a[3] "-exponent", "exponent", \
			(cnt[g] * sxy[g] - sx[g] * sy[g]) / (cnt[g] * sxx[g] - sx[g] * sx[g]), 1)
	}
}

# --- targets -----------------------------------------------------------------------

function judge_all(   line, a, m, note) {
	while ((getline line < (here "/notes.tsv")) > 0)
		if (line !~ /^#/ && split(line, a, "\t") >= 5)
			note[a[1], a[2], a[3], a[4]] = a[5]
	while ((getline line < (here "/targets.tsv")) > 0) {
		sub(/#.*/, "", line)
		m = split(line, a, /[ \t]+/)
		if (m < 7 || !part_wanted(a[1]))
			continue
		judge(a[1], a[2], a[3], a[4], a[5], a[6], a[7], m > 7 ? a[8] : "")
		if (target_verdict[n_targets] == "missed")
			target_note[n_targets] = note[a[1], a[2], a[3], a[4]]
	}
}

function part_wanted(p,   i) {
	for (i = 1; i <= n_parts; i++)
		if (part_list[i] == p)
			return 1
	return 0
}

# figure FIGURE of WHO, RELATION, FACTOR times OTHER's (OTHER:FIGURE when it is another
# figure; "limit", "median": the factor itself, for the worst or the median), PLUS a number or a figure of WHO's own.
function judge(p, c, f, w, relation, other, factor, plus,   a, key, k2, kp, seen, unit, verdict) {
	key = p SUBSEP c SUBSEP w SUBSEP f
	unit = unit_of[p, c, f]
	if (unit == "count" || unit == "exponent")
		unit = ""
	split(other, a, ":")
	k2 = p SUBSEP c SUBSEP a[1] SUBSEP (2 in a ? a[2] : f)
	seen = ""
	n_targets++
	target_spread[n_targets] = ""
	# A part may measure what the limit is on this machine.
	if ((other == "limit" || other == "median") && !(k2 in n)) {
		target_wanted[n_targets] = sign(relation) " " factor (unit == "" ? "" : " " unit)
		if (stats(key)) {
			seen = other == "median" ? median : relation == "<=" ? most : least
			seen_text = round3(seen) (unit == "" ? "" : " " unit)
		}
	} else if (plus ~ /^[0-9.]+$/) {
		target_wanted[n_targets] = sign(relation) " " other " + " plus
		if (stats(key)) {
			seen = median
			if (stats(k2))
				seen = seen - median
			else
				seen = ""
			seen_text = (seen < 0 ? "" : "+") sprintf("%.3f", seen)
		}
		factor = plus
	} else {
		kp = plus == "" ? "" : p SUBSEP c SUBSEP w SUBSEP plus
		target_wanted[n_targets] = sign(relation) " " factor " × " a[1] \
			(2 in a ? "'s " a[2] : "") (plus == "" ? "" : " + " plus)
		seen = ratio(key, k2, kp)
		seen_text = sprintf("%.2f ×", seen) (plus == "" ? "" : " (without " plus ")")
	}
	verdict = "not measured"
	if (seen != "")
		verdict = (relation == "<=" ? seen <= factor : seen >= factor) ? "met" : "missed"
	target_of[n_targets] = p SUBSEP c SUBSEP f SUBSEP w
	target_seen[n_targets] = seen == "" ? "" : seen_text
	target_number[n_targets] = seen
	target_verdict[n_targets] = verdict
	verdicts[verdict]++
}

function sign(relation) {
	return relation == "<=" ? "≤" : "≥"
}

# Three digits that count.
function round3(x,   y) {
	y = x < 0 ? -x : x
	if (y >= 100 || x == int(x))
		return sprintf("%.0f", x)
	if (y >= 10)
		return sprintf("%.1f", x)
	if (y >= 1)
		return sprintf("%.2f", x)
	if (y >= 0.01)
		return sprintf("%.3f", x)
	return sprintf("%.5f", x)
}

# --- Markdown ------------------------------------------------------------------------

function read_how(   line, a) {
	while ((getline line < (out "/how.tsv")) > 0)
		if (split(line, a, "\t") >= 3 && !((a[1], a[2]) in how)) {
			how[a[1], a[2]] = a[3]
			how_of[a[1], ++n_how[a[1]]] = a[2]
		}
	while ((getline line < (out "/made.tsv")) > 0)
		if (split(line, a, "\t") >= 2) {
			made_name[++n_made] = a[1]
			made_text[n_made] = a[2]
		}
}

function write_md(   i, p) {
	print "# What it costs, beside its peers\n" >md
	print "Made by `make bench`; figures are medians, with half their spread and the number of" >md
	print "measurements. Everybody is measured on the same table, on the same machine, in turn.\n" >md
	for (i = 1; i <= n_made; i++)
		print "- " made_name[i] ": " (made_name[i] == "command" ? "`" made_text[i] "`" : made_text[i]) >md
	print "" >md
	targets_md()
	for (i = 1; i <= n_parts; i++) {
		p = part_list[i]
		print "## " p "\n" >md
		about(p)
		table_md(p)
		commands_md(p)
	}
	close(md)
}

function targets_md(   i, a) {
	if (!n_targets)
		return
	print "## Targets\n" >md
	printf "%d met, %d missed, %d not measured.\n\n", verdicts["met"], verdicts["missed"], \
		verdicts["not measured"] >md
	print "| part | case | figure | wanted | seen | |" >md
	print "|---|---|---|---|---|---|" >md
	for (i = 1; i <= n_targets; i++) {
		split(target_of[i], a, SUBSEP)
		printf "| %s | %s | %s of %s | %s | %s | %s |\n", a[1], a[2], a[3], a[4], \
			target_wanted[i], target_seen[i], \
			target_verdict[i] == "missed" ? "**missed**" : target_verdict[i] >md
	}
	print "" >md
	for (i = 1; i <= n_targets; i++)
		if (target_verdict[i] == "missed" && target_note[i] != "") {
			split(target_of[i], a, SUBSEP)
			print "Missed, " a[1] " " a[2] " " a[3] ": " target_note[i] "\n" >md
		}
}

# The part's first comment, without what the harness reads there.
function about(p,   line, file, any, blank) {
	file = here "/parts/" p ".sh"
	while ((getline line < file) > 0 && line ~ /^#/) {
		sub(/^# ?/, "", line)
		if (line ~ /^(shellcheck|peers|runs|deadline|where)[: ]/)
			continue
		if (line == "") {
			blank = any
			continue
		}
		if (blank)
			print "" >md
		blank = 0
		any = 1
		print line >md
	}
	close(file)
	if (any)
		print "" >md
}

function table_md(p,   i, j, a, k, line) {
	if (!n_rows[p]) {
		print "Nothing was measured.\n" >md
		return
	}
	line = "| case | figure |"
	for (j = 1; j <= n_who[p]; j++)
		line = line " " who_of[p, j] " |"
	print line " ratios |" >md
	gsub(/[^|]+/, "---", line)
	print line "---|" >md
	for (i = 1; i <= n_rows[p]; i++) {
		split(row_of[p, i], a, SUBSEP)
		line = "| " a[1] " | " a[2] unit_text(unit_of[p, a[1], a[2]]) " |"
		for (j = 1; j <= n_who[p]; j++)
			line = line " " cell(p SUBSEP a[1] SUBSEP who_of[p, j] SUBSEP a[2]) " |"
		print line " " ratios(p, a[1], a[2]) " |" >md
	}
	print "" >md
}

function unit_text(unit) {
	return unit == "count" || unit == "exponent" ? "" : ", " unit
}

function cell(k) {
	if (!(k in n))
		return ""
	if (!stats(k))
		return "failed"
	return (k ~ /-exponent$/ ? sprintf("%.3f", median) : round3(median)) (n[k] > 1 ? sprintf(" ±%.0f %% (%d)", spread, n[k]) : "") \
		(failed[k] ? ", " failed[k] " failed" : "")
}

# Ours against the floor, the others against ours.
function ratios(p, c, f,   j, w, r, text) {
	if (unit_of[p, c, f] == "exponent")
		return ""
	r = ratio(p SUBSEP c SUBSEP "ours" SUBSEP f, p SUBSEP c SUBSEP "floor" SUBSEP f, "")
	if (r != "")
		text = sprintf("ours %.2f × floor", r)
	for (j = 1; j <= n_who[p]; j++) {
		w = who_of[p, j]
		if (w == "ours" || w == "floor")
			continue
		r = ratio(p SUBSEP c SUBSEP w SUBSEP f, p SUBSEP c SUBSEP "ours" SUBSEP f, "")
		if (r != "")
			text = text (text == "" ? "" : ", ") sprintf("%s %.2f × ours", w, r)
	}
	return text
}

function commands_md(p,   i) {
	for (i = 1; i <= n_how[p]; i++)
		print "- " how_of[p, i] ": " how[p, how_of[p, i]] >md
	if (n_how[p])
		print "" >md
}

# --- JSON ------------------------------------------------------------------------------

function quoted(text) {
	gsub(/\\/, "&&", text)
	gsub(/"/, "\\\"", text)
	gsub(/\t/, "\\t", text)
	gsub(/[[:cntrl:]]/, " ", text)
	return "\"" text "\""
}

function field(name, text) {
	return quoted(name) ":" quoted(text)
}

function number(x) {
	return sprintf("%.6g", x)
}

function write_json(   i, a, k, line) {
	print "{\"made\":[" >json
	for (i = 1; i <= n_made; i++)
		print "{" field("name", made_name[i]) "," field("text", made_text[i]) "}" (i < n_made ? "," : "") >json
	print "],\"measures\":[" >json
	for (i = 1; i <= n_keys; i++) {
		k = key_of[i]
		split(k, a, SUBSEP)
		line = "{" field("part", a[1]) "," field("case", a[2]) ",\"size\":" (size_of[a[1], a[2]] + 0) "," \
			field("who", a[3]) "," field("figure", a[4]) "," field("unit", unit_of[a[1], a[2], a[4]])
		if (stats(k))
			line = line ",\"median\":" number(median) ",\"least\":" number(least) \
				",\"most\":" number(most)
		line = line ",\"n\":" (n[k] + 0) ",\"failed\":" (failed[k] + 0) "}"
		print line (i < n_keys ? "," : "") >json
	}
	print "],\"targets\":[" >json
	for (i = 1; i <= n_targets; i++) {
		split(target_of[i], a, SUBSEP)
		line = "{" field("part", a[1]) "," field("case", a[2]) "," field("figure", a[3]) "," \
			field("who", a[4]) "," field("wanted", target_wanted[i])
		if (target_number[i] != "")
			line = line ",\"seen\":" number(target_number[i])
		print line "," field("verdict", target_verdict[i]) "}" (i < n_targets ? "," : "") >json
	}
	print "]}" >json
	close(json)
}
