# Metrics and status of the service that common.sh started.
#
#	get_metrics		ask; the format must be right; into "metrics"
#	metric NAME[{label="value"}]	its value then
#	get_status		posternd --status --json, into "status.json"
#	status EXPRESSION	of the document d, in Python

# shellcheck shell=sh disable=SC2154

# A strict reader of the text format, version 0.0.4: what it does not know it
# refuses.  Prints each sample as "NAME{LABELS} VALUE".
read_strictly() {
	python3 /dev/fd/3 3<<'END'
import re, sys
NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = "[a-zA-Z_][a-zA-Z0-9_]*"
TEXT = r'(?:[^"\\\n]|\\\\|\\"|\\n)*'
SAMPLE = re.compile("(%s)(?:\\{((?:%s=\"%s\")(?:,%s=\"%s\")*)\\})? "
    "(\\+Inf|[0-9]+(?:\\.[0-9]+)?(?:e[+-]?[0-9]+)?)" %
    (NAME, LABEL, TEXT, LABEL, TEXT))
UNITS = ("_seconds", "_bytes", "_info", "_total", "_bytes_total")
data = sys.stdin.buffer.read()
assert data.endswith(b"\n"), "the last line has no end"
text = data.decode("ascii")
kind, helped, seen, histogram = {}, set(), set(), {}
current = None
for line in text[:-1].split("\n"):
	def right(ok, why):
		if not ok:
			sys.exit("%s: %s" % (line, why))
	m = re.fullmatch("# HELP (%s) ([^\\\\]+)" % NAME, line)
	if m:
		current = m.group(1)
		right(current not in helped, "twice, or in two places")
		helped.add(current)
		continue
	m = re.fullmatch("# TYPE (%s) (counter|gauge|histogram)" % NAME,
	    line)
	if m:
		right(m.group(1) == current and current not in kind,
		    "TYPE belongs behind HELP")
		kind[current] = m.group(2)
		right((m.group(2) == "counter") ==
		    current.endswith("_total"),
		    "a counter, and no other, is a _total")
		right(re.fullmatch("postern_[a-z0-9_]*[a-z]", current),
		    "name")
		continue
	m = SAMPLE.fullmatch(line)
	right(m, "is no sample")
	name, labels, value = m.groups()
	family = name
	if kind.get(current) == "histogram":
		family = re.sub("_(bucket|sum|count)$", "", name)
		right(name != family, "part of a histogram")
	right(family == current and family in kind,
	    "outside of its family")
	right((name, labels) not in seen, "twice")
	seen.add((name, labels))
	if labels:
		keys = re.findall("(%s)=\"%s\"" % (LABEL, TEXT), labels)
		right(len(keys) == len(set(keys)), "label twice")
	if kind[family] == "histogram":
		histogram.setdefault(family, []).append(
		    (name[len(family):], labels, float(value)))
	print("%s%s %s" % (name, "{%s}" % labels if labels else "",
	    value))
assert helped == set(kind), "HELP without TYPE"
assert {n.split("{")[0] for n, _ in seen} >= set(
    f for f in kind if kind[f] != "histogram"), "a family is empty"
for family, parts in histogram.items():
	le = [float(re.fullmatch('le="(.*)"', l).group(1))
	    for p, l, v in parts if p == "_bucket"]
	counts = [v for p, l, v in parts if p == "_bucket"]
	assert le == sorted(set(le)) and le[-1] == float("inf"), le
	assert counts == sorted(counts), counts
	assert [p for p, l, v in parts][-2:] == ["_sum", "_count"]
	assert parts[-1][2] == counts[-1], "_count is not +Inf"
END
}

# From the address or socket that posternd.conf names.
ask_metrics() {
	curl -sS --max-time 20 --http1.1 "$@" "http://$metrics_at/metrics"
}

get_metrics() {
	ask_metrics "$@" >metrics.text 2>metrics.err ||
	    atf_fail "no metrics: $(cat metrics.err)"
	read_strictly <metrics.text >metrics 2>metrics.err ||
	    atf_fail "the format: $(cat metrics.err)"
}

metric() {
	awk -v name="$1" '
	substr($0, 1, length(name) + 1) == name " " { print $NF; found = 1 }
	END { exit !found }' metrics || atf_fail "there is no metric $1"
}

# metric_is NAME VALUE: asked anew, so that it can be waited for.
metric_is() {
	ask_metrics 2>/dev/null | grep -qxF "$1 $2"
}

ask_status() {
	posternd -f posternd.conf --status "$@"
}

get_status() {
	ask_status --json >status.json 2>status.err ||
	    atf_fail "no status: $(cat status.err)"
}

status() {
	python3 -c 'import json, sys
d = json.load(open("status.json"))
print(eval("(" + sys.argv[1] + ")"))' "$1" || atf_fail "no such status: $1"
}

# write_conf with metrics; sets $metrics_at.
write_metrics_conf() {
	metrics_at=127.0.0.1:$(free_port)
	write_conf metrics.listen=$metrics_at "$@"
}
