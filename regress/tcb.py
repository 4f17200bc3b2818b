#!/usr/bin/env python3
# How much code each process runs, and how much of it as root: `make tcb`.
# usage: tcb.py READELF OBJECTS LIBRARY...
#
# Counted are the lines, without blank ones and comments, of the functions of
# ours that can be reached from where a process begins, by calls or by having
# their address taken.  OBJECTS holds every source compiled without inlining and
# with a section for each function, so that what one refers to is what the
# relocations of its section name.  Tables are data, and not counted.
#
# As root a process runs what it calls before confine_drop_user() has returned:
# the calls of a function are taken in the order in which they stand.
#
# What is called in each of the libraries is counted in functions: their own
# code is theirs, and much more than ours.

import os
import re
import subprocess
import sys

# Where it begins, what of that is another process's, whether it stays root
# (None: it never is), and whether it has the service's key in its memory.
MAINS = ["parent_main", "resolver_main", "exporter_main",
         "dial_spawner_main", "explain_run",
         "status_run", "check_files", "reasons_print"]
PROCESSES = [
    ("supervisor", "daemon", "main", MAINS, True, False),
    ("parent", "daemon", "take_role", MAINS[1:], False, True),
    ("resolver", "daemon", "take_role",
     ["parent_main", "exporter_main", "dial_spawner_main"], False, False),
    ("dialer", "daemon", "take_role",
     ["parent_main", "exporter_main", "resolver_main"], False, False),
    ("dial-spawner", "daemon", "take_role",
     ["parent_main", "exporter_main", "resolver_main", "dialer_main"], False,
     False),
    ("exporter", "daemon", "take_role",
     ["parent_main", "resolver_main", "dial_spawner_main"], False, False),
    ("spawner", "worker", "main",
     ["init_main", "echo_main", "pool_main", "relay_main"], False, False),
    ("init", "worker", "init_main", [], None, False),
    ("echo", "worker", "echo_main", [], None, False),
    ("pool", "worker", "pool_main", [], None, False),
    ("relay", "worker", "relay_main", [], None, False),
    ("-n", "daemon", "check_files", [], False, True),
    ("--explain", "daemon", "explain_run", [], False, False),
    ("--status", "daemon", "status_run", [], False, False),
    ("kills", "audit", "audit_kills", [], False, False),
    ("coverage", "audit", "audit_coverage", [], False, False),
]
STOP = "confine_drop_user"


def die(text):
    sys.exit("tcb: " + text)


def readelf(*args):
    return subprocess.run([sys.argv[1], "-W", *args], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


# ---- what refers to what ----------------------------------------------------

class Object:
    """sections by name: the symbols and sections they refer to, in order."""

    def __init__(self, path, source):
        self.source = source
        self.refers = {}
        self.defines = {}        # symbol: (section, is it global?)
        number = {}
        for n, name in re.findall(r"^ *\[ *(\d+)\] (\S+)", readelf("-S", path),
                                  re.M):
            number[int(n)] = name
        for kind, bind, ndx, name in re.findall(
                r"^ *\d+: \S+ +\S+ (\w+) +(\w+) +\w+ +(\S+) (\S+)",
                readelf("-s", path), re.M):
            if ndx.isdigit() and kind in ("FUNC", "OBJECT", "NOTYPE", "TLS"):
                self.defines[name] = (number[int(ndx)], bind != "LOCAL")
        section = None
        for line in readelf("-r", path).splitlines():
            head = re.match(r"Relocation section '\.rela?(\S+)'", line)
            if head:
                section = self.refers.setdefault(head.group(1), [])
            entry = re.match(r"([0-9a-f]{12,}) +\S+ +\S+ +\S+ +(\S+)", line)
            if entry and section is not None:
                section.append((int(entry.group(1), 16), entry.group(2)))
        for refers in self.refers.values():
            refers.sort()


class Program:
    def __init__(self, objects):
        self.objects = objects
        self.globals = {}
        for o in objects:
            for name, (section, is_global) in o.defines.items():
                if is_global:
                    self.globals[name] = (o, section)

    # A node is (object, section), or (None, name) for what is not ours.
    def node(self, o, name):
        if name.startswith("."):
            return (o, name)
        if name in o.defines:
            return (o, o.defines[name][0])
        return self.globals.get(name, (None, name))

    def edges(self, node, cut):
        o, section = node
        if o is None:
            return []
        nodes = [self.node(o, name) for _, name in o.refers.get(section, [])]
        return [n for n in nodes if function_of(n) not in cut]

    def find(self, function):
        found = [(o, s) for o in self.objects
                 for n, (s, _) in o.defines.items() if n == function]
        if len(found) != 1:
            die("%s: is there %d times" % (function, len(found)))
        return found[0]

    def reach(self, start, cut):
        seen, todo = set(), [start]
        while todo:
            node = todo.pop()
            if node not in seen:
                seen.add(node)
                todo += self.edges(node, cut)
        return seen

    # What is called up to the end of the call of `stop`; True if that is met.
    def reach_until(self, node, stop, cut, seen):
        if node == stop:
            seen |= self.reach(stop, cut)
            return True
        if node in seen:
            return False
        seen.add(node)
        for to in self.edges(node, cut):
            if stop in self.reach(to, cut):
                if self.reach_until(to, stop, cut, seen):
                    return True
            else:
                seen |= self.reach(to, cut)
        return False


# ---- lines ------------------------------------------------------------------

def without_comments(text):
    text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m.group().count("\n"), text,
                  flags=re.S)
    return re.sub(r"//.*", "", text)


def functions_of(path):
    """name: lines, of each function in the project's style."""
    found, name = {}, None
    lines = without_comments(open(path).read()).splitlines()
    for i, line in enumerate(lines):
        start = re.match(r"(?:[a-z][^;=]*[ *])?([a-z_][a-z0-9_]*)\(", line)
        if start and not line.endswith(";"):
            name, first = start.group(1), i
            if i > 0 and lines[i - 1].strip() and lines[i - 1][0] not in "}#":
                first = i - 1        # its type
        if line == "}" and name:
            found[name] = sum(1 for l in lines[first:i + 1] if l.strip())
            name = None
    return found


# Inline functions in the headers of libraries: their code, as what they call.
OF_LIBRARIES = re.compile("[A-Z]|(ossl|sk|lh|json)_")


class Lines:
    def __init__(self):
        self.known = {}

    def of(self, o, function):
        for path in [o.source] + HEADERS:
            if path not in self.known:
                self.known[path] = functions_of(path)
            if function in self.known[path]:
                return self.known[path][function]
        if not OF_LIBRARIES.match(function):
            die("%s: %s is not found" % (o.source, function))
        return 0


def function_of(node):
    o, section = node
    if o is not None and section.startswith(".text."):
        return section[len(".text."):]
    return None


# ---- the libraries ----------------------------------------------------------

def exported(path):
    return {m for m in re.findall(
        r"(?:FUNC|OBJECT|IFUNC) +(?:GLOBAL|WEAK) +DEFAULT +\d+ ([^@\s]+)",
        readelf("--dyn-syms", path))}


def libraries_of(nodes, libraries):
    count = {}
    for o, name in nodes:
        for lib, symbols in libraries:
            if o is None and name in symbols:
                count[lib] = count.get(lib, 0) + 1
                break
    return ", ".join("%s %d" % (lib, count[lib]) for lib, _ in libraries
                     if lib in count) or "none"


# ---- main -------------------------------------------------------------------

def objects_below(root):
    found = {}
    for directory in ("daemon", "worker", "audit", "lib"):
        for file in sorted(os.listdir(directory)):
            if file.endswith(".c") and file != "sanitizer.c":
                found.setdefault(directory, []).append(Object(
                    os.path.join(root, directory, file[:-1] + "o"),
                    os.path.join(directory, file)))
    return found


HEADERS = [os.path.join(d, f) for d in ("lib", "daemon", "worker", "audit")
           for f in sorted(os.listdir(d)) if f.endswith(".h")]


def main():
    found = objects_below(sys.argv[2])
    libraries = [(re.sub(r"^lib|\.so$", "", os.path.basename(path)),
                  exported(path)) for path in sys.argv[3:]]
    lines = Lines()
    print("%-11s %7s %7s  %-3s  %s" % ("process", "as root", "in all", "key",
                                      "functions of libraries"))
    for name, directory, entry, cut, stays, key in PROCESSES:
        program = Program(found[directory] + found["lib"])
        start = program.find(entry)
        everything = program.reach(start, cut)
        as_root = set()
        if stays:
            as_root = everything
        elif stays is not None and not program.reach_until(
                start, program.find(STOP), cut, as_root):
            die("%s: does not come to %s" % (name, STOP))

        def total(nodes):
            return sum(lines.of(n[0], function_of(n)) for n in nodes
                       if function_of(n))
        print("%-11s %7d %7d  %-3s  %s" % (
            name, total(as_root), total(everything), "yes" if key else "no",
            libraries_of(everything, libraries)))


main()
