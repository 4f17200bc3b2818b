# The table of results, MUTATION: written for people, and read again: for which
# case has noticed a mutant the last time, and by a test, for what is there.
#
#   parent
#     dup3 if newfd == 9, flags == O_CLOEXEC
#           removed: daemon/watch_test:ca_swapped, killed
#           newfd, flags: audit/live_test:connection

import re
import textwrap

HEAD = """\
Each row of each table, removed, and each of its limits, loosened
=================================================================

`make mutate' has made this table; do not edit it. It has each row of each
process's table removed, and each limit on an argument left out, one at a time,
in a test build of the programs (regress/inside), and runs the cases of that
process until one notices. What is here beside each is that case. Of a loosened
limit it is postern-audit live, which has to find that very filter wrong in the
processes on which it lies, and nothing else; or, for programs that are no part
of the service, the matrix in which all calls are tried.

    at the start    the service refused to start, and named the call and who
                    made it
    killed          the kernel killed a process, and so the case failed
    failed          the case failed, twice, and did not without the mutant,
                    by turns
    not changed by  nothing is missing: the table also has the row named, which
                    allows as much. In the tables of those who start others,
                    which by construction have all the rows of these.
    -U              the case was run by a user who is not root

"""

# The list ends with the only full stop.
LEFT_OUT = """Not in this build, and so not tried, are the rows that only
another machine has (*-new where there are x86_64's older calls, as here, and
*-old elsewhere) or a build with sanitizers, of which these programs are not
made: the groups %s."""
NOT_NOTICED = "NOT NOTICED"
ROW = re.compile(r"^  (\S.*)$")
RESULT = re.compile(r"^        (\S.*)$")


class Entry:
    """What is said of a mutant: a case and how, or a row that covers it."""

    def __init__(self, text, run):
        self.text = text
        self.run = run          # the letter of the run that found it

    def case(self):
        case = self.text.partition(", ")[0]
        return case if re.match(r"^[a-z]+/[a-z_]+:[a-z_0-9]+( -U)?$",
                                case) else None


def left_out_of(lines):
    said = re.search(r"Not in this build[^.]*: the groups ([^.]*)\.",
                     " ".join(lines))
    return said[1].split(", ") if said else []


class Report:
    def __init__(self):
        self.runs = {}          # letter: date, version, machine
        self.entries = {}       # (process, row's text, "removed" or a limit)
        self.order = []         # (process, row's text), as in the tables
        self.left_out = []

    def letter(self, said):
        for letter, run in self.runs.items():
            if run == said:
                return letter
        letter = chr(ord(max(self.runs, default="`")) + 1)
        self.runs[letter] = said
        return letter

    def good(self, mutant):
        entry = self.entries.get(mutant.key())
        return entry is not None and not entry.text.startswith(NOT_NOTICED)

    # ---- reading --------------------------------------------------------------

    def read(self, path):
        try:
            lines = open(path).read().split("\n")
        except FileNotFoundError:
            return self
        self.left_out = left_out_of(lines)
        process = row = None
        for line in lines:
            run = re.match(r"^Run ([a-z]): (.*)$", line)
            if run:
                self.runs[run[1]] = run[2]
            elif re.match(r"^[a-z][a-z-]*$", line):
                process = line
            elif process and ROW.match(line):
                row = ROW.match(line)[1]
                self.order.append((process, row))
            elif row and RESULT.match(line):
                self.read_results(process, row, RESULT.match(line)[1])
        return self

    def read_results(self, process, row, text):
        whats, _, said = text.partition(": ")
        run = re.search(r" \[([a-z])\]$", said)
        entry = Entry(re.sub(r" \[[a-z]\]$", "", said),
                      run[1] if run else "a")
        for what in whats.split(", "):
            self.entries[process, row, what] = entry

    # ---- writing --------------------------------------------------------------

    # A run that is in no entry any more is forgotten; the oldest is "a".
    def rename_runs(self):
        used = sorted({e.run for e in self.entries.values()})
        names = {run: chr(ord("a") + i) for i, run in enumerate(used)}
        self.runs = {names[r]: self.runs.get(r, "?") for r in used}
        for entry in set(self.entries.values()):
            entry.run = names[entry.run]

    # What has the same result is told at once.
    def results_of(self, process, row):
        groups = {}
        for (p, r, what), entry in self.entries.items():
            if (p, r) == (process, row):
                said = entry.text + ("" if entry.run == "a" else
                                     " [%s]" % entry.run)
                groups.setdefault(said, []).append(what)
        return ["%s: %s" % (", ".join(whats), said)
                for said, whats in groups.items()]

    def write(self, path):
        self.rename_runs()
        with open(path, "w") as f:
            f.write(HEAD)
            for run, said in self.runs.items():
                f.write("Run %s: %s\n" % (run, said))
            f.write("\n" + textwrap.fill(
                LEFT_OUT % ", ".join(self.left_out), 80,
                break_on_hyphens=False) + "\n")
            before = None
            for process, row in self.order:
                if process != before:
                    f.write("\n%s\n" % process)
                before = process
                f.write("  %s\n" % row)
                f.write("".join("        %s\n" % line for line in
                                self.results_of(process, row)))
