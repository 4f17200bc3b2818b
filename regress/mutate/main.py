#!/usr/bin/env python3
# `make mutate': are all rows of the tables needed, and all their limits minded?
#
# usage: main.py BUILD [--only TEXT | --missing] [--jobs N] [--anew]
#                [--write FILE]
#        main.py BUILD --check FILE
#        main.py BUILD --no-mutant PROCESS
#        main.py BUILD --no-search ...
#
# Each mutant (tables.py) is tried with the cases of its process until one
# notices; what was found with these very programs and that very case is not
# tried again, unless --anew. --only: those whose name has TEXT in it, or one
# of several with ; between. --missing: those of which the table of results
# says nothing yet, or nothing good. --write: into the table of results
# (report.py). --check: has that table all there is, and nothing that was not
# noticed? --no-mutant: a mutant that changes nothing, which nobody may notice,
# by all cases of that process's directories. --no-search: with the cases of
# judge.py's lists alone. Exit status 0: all were noticed.

import argparse
import datetime
import hashlib
import json
import os
import platform
import subprocess
import sys

sys.dont_write_bytecode = True

import judge                                                    # noqa: E402
import report                                                   # noqa: E402
import tables                                                   # noqa: E402

# ---- what is known already ---------------------------------------------------

def digest(*paths):
    sum_ = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as f:
            sum_.update(f.read())
    return sum_.hexdigest()[:20]


class Memory:
    """What was found with the same programs and the same case."""

    def __init__(self, build, anew):
        self.build = build
        self.path = os.path.join(build, "mutate", "found.json")
        inside = os.path.join(build, "inside")
        self.programs = digest(*(os.path.join(inside, n) for n in sorted(
            os.listdir(inside)) if not n.endswith((".a", "plan"))))
        self.found = {}
        if not anew and os.path.exists(self.path):
            self.found = json.load(open(self.path))

    def key(self, case):
        program = case.removesuffix(" -U").partition(":")[0]
        return self.programs + digest(os.path.join(self.build, "regress",
                                                   program))

    def get(self, mutant):
        known = self.found.get(mutant.name)
        if known and self.key(known[0]) == known[2]:
            return known[0], known[1]
        return None

    def put(self, mutant, case, how):
        self.found[mutant.name] = [case, how, self.key(case)]
        with open(self.path + ".new", "w") as f:
            json.dump(self.found, f, indent=0)
        os.rename(self.path + ".new", self.path)


# ---- a run -------------------------------------------------------------------

def git(*words):
    try:
        said = subprocess.run(("git",) + words, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL)
    except FileNotFoundError:       # it is not needed to have the sources
        return ""
    return said.stdout.decode().strip() if said.returncode == 0 else ""


def this_run(build):
    version = subprocess.run([os.path.join(build, "postern-audit"),
                              "--version"], stdout=subprocess.PIPE)
    commit = git("rev-parse", "--short", "HEAD")
    changed = git("status", "--porcelain", "--untracked-files=no")
    return "%s, %s%s, Linux %s, %s" % (
        datetime.date.today(), version.stdout.decode().split("\n")[0],
        " (%s%s)" % (commit, " and changes" if changed else "")
        if commit else "", platform.release(), platform.machine())


class Run:
    def __init__(self, options, wanted, last):
        self.options = options
        self.wanted = wanted
        self.last = last                # a Report
        os.makedirs(os.path.join(options.build, "mutate"), exist_ok=True)
        self.memory = Memory(options.build, options.anew)
        self.said = this_run(options.build)
        self.results = {}               # name: what the table says
        self.survivors = []

    def settle(self, mutant, text, seconds=None):
        self.results[mutant.name] = text
        if text.startswith(report.NOT_NOTICED):
            self.survivors.append(mutant.name)
        print("%-60s %s%s" % (mutant.name, text, "" if seconds is None else
                              " (%.1f s)" % seconds), flush=True)

    # What takes no trial.
    def known(self, mutant):
        if mutant.superfluous:
            return "%s: superfluous beside %s" % (report.NOT_NOTICED,
                                                  mutant.cover.text)
        if mutant.cover:
            return "not changed by " + mutant.cover.text
        found = self.options.write and self.memory.get(mutant)
        return ", ".join(filter(None, found)) if found else None

    def tried(self, mutant, case, how, seconds):
        if case is None:
            self.settle(mutant, report.NOT_NOTICED + (": " + how if how
                                                      else ""), seconds)
            return
        if self.options.write:
            self.memory.put(mutant, case, how)
        self.settle(mutant, ", ".join(filter(None, (case, how))), seconds)

    def last_case(self, mutant):
        entry = self.last.entries.get(mutant.key())
        return entry.case() if entry else None

    def go(self):
        left = []
        for mutant in self.wanted:
            text = self.known(mutant)
            if text is None:
                left.append(mutant)
            else:
                self.settle(mutant, text)
        if left:
            workers = judge.Workers(self.options.build,
                                    not self.options.no_search,
                                    min(self.options.jobs, len(left)))
            for outcome in workers.judge_all([(m, self.last_case(m))
                                              for m in left]):
                self.tried(*outcome)
        return self


# Groups of another machine or build, which no mutant here is about.
def left_out(all_tables):
    return sorted({g for t in all_tables for g in t.unused})


# Rows that are no more go; those that were not tried keep what is said of them.
def write_report(path, run, all_tables, last):
    new = report.Report()
    new.runs = dict(last.runs)
    letter = new.letter(run.said)
    new.left_out = left_out(all_tables)
    for table in all_tables:
        for row in table.rows:
            new.order.append((table.process, row.text))
        for mutant in tables.mutants_of(table):
            key = mutant.key()
            if mutant.name in run.results:
                new.entries[key] = report.Entry(run.results[mutant.name],
                                                letter)
            else:
                new.entries[key] = last.entries.get(key, report.Entry(
                    report.NOT_NOTICED + ": not tried", letter))
    new.write(path)


# ---- the command -------------------------------------------------------------

def check(path, all_tables, last):
    there = {m.key() for t in all_tables for m in tables.mutants_of(t)}
    wrong = ["not in %s: %s: %s: %s" % ((path,) + key)
             for key in sorted(there - set(last.entries))]
    wrong += ["not in the tables any more: %s: %s: %s" % key
              for key in sorted(set(last.entries) - there)]
    wrong += ["not noticed: %s: %s: %s" % key for key in sorted(there)
              if key in last.entries and
              last.entries[key].text.startswith(report.NOT_NOTICED)]
    wrong += ["not said to be left out, or said and not so: %s" % group
              for group in sorted(set(left_out(all_tables)) ^
                                  set(last.left_out))]
    for line in wrong:
        print(line)
    if wrong:
        print("%d differences: `make mutate MISSING=1' tries these" %
              len(wrong))
    return 1 if wrong else 0


def parse():
    p = argparse.ArgumentParser()
    p.add_argument("build", type=os.path.abspath)
    p.add_argument("--only", default="")
    p.add_argument("--missing", action="store_true")
    p.add_argument("--jobs", type=int, default=os.cpu_count())
    p.add_argument("--anew", action="store_true")
    p.add_argument("--write")
    p.add_argument("--last", default="MUTATION")
    p.add_argument("--check")
    p.add_argument("--no-mutant")
    p.add_argument("--no-search", action="store_true")
    return p.parse_args()


# A text that no name has is a mistake, and not all well.
def check_only(options, all_tables):
    names = [m.name for t in all_tables for m in tables.mutants_of(t)]
    for text in options.only.split(";"):
        if not any(text in name for name in names):
            print("mutate: no mutant has this in its name: " + text,
                  file=sys.stderr)
            sys.exit(os.EX_USAGE)


def choose(options, all_tables, last):
    if options.no_mutant:
        if options.no_mutant not in [t.process for t in all_tables]:
            print("mutate: no such process: " + options.no_mutant,
                  file=sys.stderr)
            sys.exit(os.EX_USAGE)
        yield tables.NoMutant(options.no_mutant)
        return
    check_only(options, all_tables)
    for table in all_tables:
        for mutant in tables.mutants_of(table):
            if options.missing and last.good(mutant):
                continue
            if any(text in mutant.name for text in options.only.split(";")):
                yield mutant


def main():
    options = parse()
    all_tables = tables.read_tables(os.path.join(options.build,
                                                 "postern-audit"))
    last = report.Report().read(options.check or options.write or options.last)
    if options.check:
        return check(options.check, all_tables, last)
    run = Run(options, list(choose(options, all_tables, last)), last).go()
    if options.write:
        write_report(options.write, run, all_tables, last)
    print("%d mutants, %d of them not noticed" % (len(run.results),
                                                  len(run.survivors)))
    for name in run.survivors:
        print("not noticed: " + name)
    return 1 if run.survivors else 0


if __name__ == "__main__":
    sys.exit(main())
