#!/usr/bin/env python3
"""Hold the table of events in posternd(8) against the code that logs them.

usage: events.py SOURCE

Prints a line for each difference, and exits with 1 if there is one."""

import pathlib
import re
import sys

FUNCTION = re.compile(r"^(\w+)\(([^;{}]*?)\)\n\{\n(.*?)^\}", re.M | re.S)
STRING = re.compile(r'"([a-z0-9_-]+)"')
CALL = re.compile(
    r'\b(\w+)\(&?(\w+)((?:,\s(?:"(?:[^"\\]|\\.)*"|[^;"])*)?)\);')


def functions(source):
    """Each function's text, by its name and that of its file."""
    found = {}
    for part in ("lib", "daemon", "worker"):
        for path in sorted((source / part).glob("*.c")):
            for m in FUNCTION.finditer(path.read_text()):
                found[path.name, m[1]] = m[3]
    return found


def keys(file, body, known, line):
    """The keys that a body writes into the line of that name."""
    found = set()
    for call in CALL.finditer(body):
        name, variable, rest = call[1], call[2], call[3]
        if variable != line:
            continue
        second = rest[1:].split(",")[0]
        found.update(STRING.findall(second))
        helper = known.get((file, name))
        if helper is not None and name not in ("log_begin", "log_end"):
            found |= keys(file, helper, known, "l")
    return found


def logged(known):
    """As in the code: [(events begun in one place, keys)]."""
    places = [({"fatal"}, {"detail"})]
    for (file, _), body in known.items():
        for m in re.finditer(r"\blog_event(_limited)?\((.*?)\);", body,
                             re.S):
            name = STRING.search(m[2].split(",")[1])
            if name:
                places.append(({name[1]}, {"detail", "left_out"} if m[1]
                               else {"detail"}))
        for m in re.finditer(r"\blog_begin\(&(\w+), (.*?)\);", body, re.S):
            names = set(STRING.findall(m[2]))
            end = body.find(f"log_end(&{m[1]})", m.end())
            if names:  # none: in log_event() itself
                places.append((names, keys(file, body[m.end():end], known,
                                           m[1])))
    return places


def documented(page):
    """The same as in the manual."""
    events = {}
    table = page[page.index('.Bl -column "accept-failed"'):]
    table = table[:table.index("\n.El")]
    for name, words in re.findall(r"^\.It Li (\S+) Ta (.*) Ta$", table, re.M):
        events.setdefault(name, set()).update(
            re.findall(r"[a-z0-9_]+", words.replace(" or ", ", ")))
    return events


def main():
    source = pathlib.Path(sys.argv[1])
    places = logged(functions(source))
    page = documented((source / "daemon/posternd.8").read_text())
    code = set().union(*(names for names, _ in places))
    wrong = [f"{e}: not in posternd(8)" for e in sorted(code - page.keys())]
    wrong += [f"{e}: nobody logs it" for e in sorted(page.keys() - code)]
    for names, told in places:
        said = set().union(*(page.get(e, set()) for e in names))
        wrong += [f"{'/'.join(sorted(names))}: {k}= is not in posternd(8)"
                  for k in sorted(told - said)]
    for e in sorted(page.keys() & code):
        told = set().union(*(keys for names, keys in places if e in names))
        wrong += [f"{e}: nobody writes {k}=" for k in sorted(page[e] - told)]
    print("\n".join(wrong) or f"{len(page)} events")
    sys.exit(1 if wrong else 0)


main()
