# What there is to be mutated: the rows of each process's table, as
# postern-audit tells them, and what a plan (regress/inside/plan.h) has to say
# for one to be without it.
#
# Of a row that stands in several groups of a table all copies go at once: the
# table has it as long as one is left.  Where another row of the same table
# allows all that the row does, and more, nothing changes without it: it is
# `covered'.  That is so in the tables of those who start others, which have the
# rows of all beneath them; of a process's own rows it is a mistake.

import json
import subprocess


class Limit:
    def __init__(self, said):
        self.argument = said["argument"]
        self.name = said["name"]
        self.text = said["text"]
        self.mask = said["mask"]
        self.value = said["value"]

    def key(self):
        return (self.argument, self.mask, self.value)

    # Does whatever this one lets pass also pass the other?
    def implies(self, other):
        if self.argument != other.argument:
            return False
        if self.mask is None:
            return self.value == other.value if other.mask is None else \
                self.value & other.mask == other.value
        return other.mask is not None and \
            other.mask & self.mask == other.mask and \
            self.value & other.mask == other.value


class Row:
    def __init__(self, call, limits):
        self.call = call
        self.limits = limits
        self.places = []        # (group, number in it, its limits, own?)
        self.reserve = True     # in all of them
        text = ", ".join(l.text for l in limits)
        self.text = call + (" if " + text if text else "")

    def own(self):
        return any(own for _, _, _, own in self.places)


def implied(limits, others):
    return all(any(l.implies(o) for l in limits) for o in others)


class Table:
    def __init__(self, said, own):
        self.process = said["process"]
        self.rows = []
        self.unused = []        # groups of another machine or build
        known = {}
        for group in said["groups"]:
            if not group["used"]:
                self.unused.append(group["group"])
                continue
            for number, row in enumerate(group["rows"]):
                limits = [Limit(l) for l in row["limits"]]
                key = (row["call"], frozenset(l.key() for l in limits))
                if key not in known:
                    known[key] = Row(row["call"], limits)
                    self.rows.append(known[key])
                known[key].places.append((group["group"], number, limits,
                                          group["group"] in own))
                known[key].reserve &= group["reserve"]

    # The row that allows all that `row` would with these limits, or None.
    def cover(self, row, limits):
        for other in self.rows:
            if other is not row and other.call == row.call and \
                    implied(limits, other.limits):
                return other
        return None


class Mutant:
    def __init__(self, table, row, limit=None):
        self.process = table.process
        self.row = row
        self.limit = limit      # None: the whole row goes
        left = row.limits if limit is None else \
            [l for l in row.limits if l is not limit]
        self.cover = table.cover(row, left)
        # What one removes must be missed by somebody, unless it is there again
        # by construction.
        self.superfluous = limit is None and self.cover is not None and \
            row.own() and self.cover.own()
        self.name = "%s: %s: %s" % (self.process, row.text,
                                    "removed" if limit is None else
                                    limit.name + " loosened")

    # What it is called in the table of results.
    def key(self):
        return (self.process, self.row.text,
                "removed" if self.limit is None else self.limit.name)

    def plan(self):
        lines = []
        for group, number, limits, _ in self.row.places:
            if self.limit is None:
                lines.append("%s remove %s %d" % (self.process, group, number))
            else:
                lines.append("%s loosen %s %d %d" % (
                    self.process, group, number, [l.key() for l in limits]
                    .index(self.limit.key())))
        return lines


# A mutant that is none, by which it is seen that survivors are.
class NoMutant:
    cover = limit = None
    superfluous = False

    def __init__(self, process):
        self.process = process
        self.row = Row("nothing", [])
        self.row.reserve = False
        self.name = process + ": nothing: removed"

    def key(self):
        return (self.process, self.row.text, "removed")

    def plan(self):
        return []


def read_tables(audit):
    said = json.loads(subprocess.run([audit, "policy", "--json"], check=True,
                                     stdout=subprocess.PIPE).stdout)
    tables = []
    for process in said["processes"]:
        own = [g["group"] for g in process["groups"] if g["own"]]
        tables.append(Table(process, own))
    return tables


def mutants_of(table):
    for row in table.rows:
        yield Mutant(table, row)
        for limit in row.limits:
            yield Mutant(table, row, limit)
