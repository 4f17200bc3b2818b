# README's page for the administrator, as a script.  To be read by run.sh, which
# has $source, and machine.sh, which has the machine.

# shellcheck shell=sh disable=SC2154

# steps HEADING: the commands below it, with their # or $, each on one line.
steps() {
	awk -v heading="$1" '
	/^For the administrator$/ { page = 1 }
	/^Who may come in$/ { page = on = 0 }
	# a heading stands alone between blank lines, and is no sentence
	page && $0 == "" && before ~ /^[A-Z].*[^.:]$/ && above == "" {
		on = before == heading
	}
	on && /^    [#$] / { line = line substr($0, 5); open = 1 }
	on && open && !/^    [#$] / {
		sub(/^ */, "")
		line = line $0
	}
	on && open {
		if (sub(/\\$/, " ", line) == 0) {
			print line
			line = ""
			open = 0
		}
	}
	{ above = before; before = $0 }' "$source/README"
}

# What stands in README for a machine with the source, or is done beforehand.
done_elsewhere() {
	case $1 in
	'# ./bootstrap '* | '# make '*) return 0 ;;
	esac
	return 1
}

# Runs the commands that come in; each must succeed.  Input is what one types.
run_steps() {
	while read -r line; do
		done_elsewhere "$line" && continue
		command=${line#? }
		echo "  $line"
		case $line in
		'#'*) set -- in_machine ;;
		*) set -- in_machine_as_you ;;
		esac
		echo hello | "$@" sh -c "$command" >"$work/step.out" 2>&1 || {
			cat "$work/step.out" >&2
			in_machine journalctl --no-pager -n 30 >&2 || :
			die "README: $line: status $?"
		}
	done
}

# follow HEADING...: what stands below each.
follow() {
	for heading; do
		steps "$heading" >"$work/steps"
		test -s "$work/steps" || die "README has no $heading"
		run_steps <"$work/steps"
		ok "README: $heading"
	done
}
