#!/usr/bin/env python3
"""Compare postern with its peers on this machine, in rounds.

Such machines change their speed from minute to minute, so only figures of one
round compare: each round takes every measure, and asks for it every server,
started anew, one after the other.  What is shown is the median over the rounds
of each figure, and of its ratio within a round.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import machine
import measures
import running
import servers
import show
import targets

ROUNDS = 5


def die(code, text):
    print(f"bench: {text}", file=sys.stderr)
    sys.exit(code)


def make_pki(build, where):
    def certgen(*args):
        subprocess.run([f"{build}/postern-certgen", *args], check=True,
                       stdout=subprocess.DEVNULL, cwd=where)

    by = ["--ca", "ca.pem", "--ca-key", "ca.key"]
    certgen("ca", "--cert", "ca.pem", "--key", "ca.key", "--name", "bench")
    certgen("server", *by, "--cert", "server.pem", "--key", "server.key",
            "--host", "localhost,127.0.0.1")
    certgen("client", *by, "--cert", "client.pem", "--key", "client.key",
            "--name", "bench")
    with open(f"{where}/both.pem", "w", encoding="ascii") as both:
        for name in "server.key", "server.pem":
            with open(f"{where}/{name}", encoding="ascii") as f:
                both.write(f.read())


def run_one(server, measure, port, seconds, group):
    command = [f"{server.build}/postern-bench", "-t", str(seconds)]
    if group.paths:
        command += ["-g", group.name]
    if not server.plain:
        command += ["-R", f"{server.pki}/ca.pem",
                    "-C", f"{server.pki}/client.pem",
                    "-K", f"{server.pki}/client.key"]
    command += server.options + measure.args + ["127.0.0.1", str(port)]
    p = subprocess.run(command, stdout=subprocess.PIPE, timeout=600,
                       stderr=subprocess.PIPE, check=False)
    if p.returncode == 76:
        die(76, f"{server.name}, {measure.name}: {p.stderr.decode().strip()}: "
            "this run says nothing")
    if p.returncode != 0:
        return None, p.stderr.decode().strip()
    return json.loads(p.stdout), None


def run_cell(server, measure, out, number):
    """One measure of a server that is started for it: none finds what another
    has left, in memory above all."""
    try:
        with running.Running(server) as r:
            report, why = run_one(server, measure, r.port, out["seconds"],
                                  r.group)
    except running.Absent as e:
        if server.kind == "postern":
            die(69, f"{server.name} {e}")
        out["failed"].setdefault(server.name, str(e))
        return
    if report is None:
        out["failed"].setdefault(f"{server.name}, {measure.name}", why)
        if server.kind == "postern":
            die(70, f"{server.name}, {measure.name}: {why}")
        return
    rows = out["results"].setdefault(server.name, {}).setdefault(
        measure.name, [])
    rows.append({"round": number} |
                {f: measures.dig(report, path) for f, (path, _) in
                 measure.figures.items()})


def arguments():
    p = argparse.ArgumentParser(prog="bench/run.py", description=__doc__)
    p.add_argument("--build", default="build", help="where all is built")
    p.add_argument("--rounds", type=int, default=ROUNDS)
    p.add_argument("--seconds", type=int, default=1, help="a measure's time")
    p.add_argument("--servers", help="only these, by commas")
    p.add_argument("--measures", help="only these, by commas")
    p.add_argument("--quick", action="store_true",
                   help="two minutes: few servers, few measures, two rounds")
    a = p.parse_args()
    if a.rounds < 1 or a.seconds < 1:
        p.error("rounds and seconds are at least 1")
    return a


def choose(all_of_them, names, what):
    if names is None:
        return all_of_them
    wanted = names.split(",")
    known = [x.name for x in all_of_them]
    for name in wanted:
        if name not in known:
            die(64, f"{name}: no such {what}; there are {', '.join(known)}")
    return [x for x in all_of_them if x.name in wanted]


def find_field(names, where, build):
    """The servers that are here, and what is to be said of the others."""
    field, skipped = [], []
    for cls in choose(servers.ALL, names, "server"):
        own = os.path.join(where, cls.name)
        os.mkdir(own)
        s = cls(own, where, build)
        if s.missing():
            skipped.append(f"{s.name}: {s.missing()} is not installed")
        else:
            field.append(s)
    for line in skipped:
        print(f"bench: skipped: {line}", file=sys.stderr)
    return field, skipped


def asked(server, measure):
    return measure.connections <= server.most + 100 and \
        (server.only is None or measure.name in server.only)


def not_asked(field, todo):
    """What is to be said of measures that a server is spared."""
    for s in field:
        names = [m.name for m in todo if m.connections > s.most + 100]
        if names:
            yield f"{s.name}: {', '.join(names)}: {s.no_more}"


def run_rounds(field, todo, out):
    began = time.monotonic()
    for n in range(1, out["rounds"] + 1):
        for m in todo:
            if n > m.rounds:
                continue
            turn = [s for s in field if asked(s, m)]
            # another order each time, and the same in another run
            random.Random(f"{n} {m.name}").shuffle(turn)
            print(f"bench: {(time.monotonic() - began) / 60:4.1f} min: round "
                  f"{n} of {out['rounds']}: {m.name}", file=sys.stderr)
            for s in turn:
                run_cell(s, m, out, n)
        out["limits"].append(machine.cryptography())


class Place:
    """Where a run's results go; what is there of an older one goes first, lest
    it be taken for that of one that fails.  A part never replaces the whole."""

    def __init__(self, build, whole):
        self.where = os.path.join(build, "bench")
        self.part = "" if whole else "part-"
        os.makedirs(self.where, exist_ok=True)
        for name in "results.json", *(f"{p}.svg" for p in show.PLOTS):
            try:
                os.unlink(self.path(name))
            except FileNotFoundError:
                pass

    def path(self, name):
        return os.path.join(self.where, self.part + name)


def compare(a, todo, names, where, place):
    build = os.path.abspath(a.build)
    make_pki(build, where)
    field, skipped = find_field(names, where, build)
    spared = list(not_asked(field, todo))
    out = {"machine": machine.machine(build), "rounds": a.rounds,
           "seconds": a.seconds, "skipped": skipped + spared, "failed": {},
           "servers": {s.name: {"kind": s.kind,
                                "per_connection": s.per_connection}
                       for s in field},
           "limits": [], "results": {}}
    run_rounds(field, todo, out)
    out["verdict"] = targets.verdict(out)
    with open(place.path("results.json"), "w", encoding="utf-8") as f:
        json.dump(out, f, indent=1)
    show.tables(out, [m for m in measures.ALL if m in todo])
    show.plots(out, place)


def main():
    a = arguments()
    todo = choose(measures.QUICK if a.quick and not a.measures else
                  measures.ALL, a.measures, "measure")
    names = a.servers
    if a.quick and names is None:
        names = "postern,postern-pool,go,nginx"
        a.rounds = min(a.rounds, 2)
    if os.geteuid() != 0:
        die(77, "needs root, to start the service and to count what servers "
            "cost")
    # Whoever ends it: its servers end with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    place = Place(a.build, not a.quick and not a.servers and not a.measures
                  and a.rounds >= ROUNDS)
    where = tempfile.mkdtemp(prefix="postern-bench.")
    os.chmod(where, 0o755)
    try:
        compare(a, todo, names, where, place)
    finally:
        shutil.rmtree(where)


if __name__ == "__main__":
    main()
