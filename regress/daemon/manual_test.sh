#! /usr/bin/env atf-sh
#
# What the manual says of the configuration: each key has its place there, and
# each example is one.

. "$(atf_get_srcdir)/../common.sh"

source=$(atf_get_srcdir)/../../..
page=$source/daemon/posternd.conf.5

# ---- verbs -------------------------------------------------------------------

# "section.key", those without a section with nothing before the dot.
keys_of_program() {
	cat "$source"/daemon/config*.c | tr '\n' ' ' |
	    grep -o '\[KEY_[A-Z0-9_]*\] = { "[a-z]*", "[a-z0-9-]*"' |
	    sed 's/.*{ "\(.*\)", "\(.*\)"/\1.\2/' | sort
}

# Entries of the lists below the sections' headings; one may have several keys.
keys_of_page() {
	awk '
	/^\.Ss Keys outside/ { section = ""; on = 1; next }
	/^\.Ss / { section = $2; on = NF == 2; next }
	/^\.Sh / { on = 0 }
	on && /^\.It Ic / {
		for (i = 1; i < NF; i++)
			if ($i == "Ic")
				print section "." $(i + 1)
	}' "$page" | sort
}

# Each example of the page, into DIR/N.conf: what stands between .Bd and .Ed,
# unless a comment of the page's before it says that it is something else.
examples_of_page() {
	awk -v dir="$1" '
	/^\.Bd / { on = before !~ /^\.\\" not a configuration/; text = ""; next }
	/^\.Ed/ && on {
		file = dir "/" ++n ".conf"
		printf "%s", text >file
		close(file)
		on = 0
	}
	on { gsub(/\\e/, "\\"); gsub(/\\&/, ""); text = text $0 "\n" }
	{ before = $0 }' "$page"
}

# Those of a text are indented by four blanks, and begin with a key.
examples_of_text() {
	awk -v dir="$1" '
	function done() {
		if (text ~ /^[a-z][a-z0-9-]* [={]/) {
			file = dir "/" ++n ".conf"
			printf "%s", text >file
			close(file)
		}
		text = ""
	}
	/^    / { text = text substr($0, 5) "\n"; next }
	# a blank line within braces
	/^$/ && text ~ /{[^}]*$/ { text = text "\n"; next }
	{ done() }
	END { done() }' "$2"
}

# Whatever the examples name.
make_files() {
	make_ca clients-ca
	issue server server clients-ca --host localhost
	issue client client clients-ca --name client
	certgen crl --ca clients-ca.pem --ca-key clients-ca.key \
	    --crl clients.crl
	cp clients-ca.pem company-ca.pem
	cp clients.crl company.crl
	cp client.pem clients.pem
}

# What an example leaves out, because it is about something else, is added: the
# files that this machine does not have at the default's place, host-check.
completed() {
	sed "s,\"/etc/postern/,\"$PWD/,g" "$1" | awk '
	{ text = text $0 "\n" }
	function lacks(key) {
		return text !~ "(^|\n)[ \t]*" key " *="
	}
	END {
		if (lacks("certificate"))
			print "certificate = server.pem"
		if (lacks("key"))
			print "key = server.key"
		more = (lacks("ca") ? "\tca = clients-ca.pem\n" : "") \
		    (lacks("host-check") ? "\thost-check = no\n" : "")
		if (!sub(/(^|\n)clients \{\n/, "&" more, text))
			print "clients {\n" more "}"
		printf "%s", text
	}'
}

# check_examples DIR LEAST: each is right; there must be at least so many.
check_examples() {
	count=0
	for example in "$1"/*.conf; do
		completed "$example" >posternd.conf
		is_root || set -- "$1" "$2" -U
		posternd -n ${3-} -f posternd.conf >out 2>&1 || {
			echo "the example:" >&2
			cat "$example" >&2
			echo "completed:" >&2
			cat posternd.conf >&2
			atf_fail "$example: $(cat out)"
		}
		atf_check_equal "configuration OK" "$(cat out)"
		count=$((count + 1))
	done
	test $count -ge "$2" || atf_fail "only $count examples were found"
}

# ---- cases -------------------------------------------------------------------

e2e_case keys "posternd.conf(5) has each key, in its section, and no other"
keys_body() {
	keys_of_program >program
	keys_of_page >page
	test "$(wc -l <program)" -gt 35 || atf_fail "not all keys were found"
	diff program page >&2 || atf_fail "the page (>) has other keys"
}

e2e_case examples "Each example of posternd.conf(5) is right"
examples_body() {
	make_files
	mkdir examples
	examples_of_page examples
	check_examples examples 11
}

e2e_case readme "So is each of README"
readme_body() {
	make_files
	mkdir examples
	examples_of_text examples "$source/README"
	check_examples examples 3
}
