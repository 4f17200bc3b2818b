#!/usr/bin/env python3
"""Compare postern with its peers on this machine, in rounds.

Such machines change their speed from minute to minute, so only figures of one
round compare: each round asks every server in turn, and what is shown is the
median over the rounds of each figure, and of its ratio within a round.
"""

import argparse
import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import measures
import servers
import show
import targets

ROOT = "/sys/fs/cgroup"


def die(code, text):
    print(f"bench: {text}", file=sys.stderr)
    sys.exit(code)


class Absent(Exception):
    """A peer that is installed and does not start: a fact, not our end."""


class Group:
    """A cgroup for one server's processes; None where there can be none."""

    def __init__(self, name):
        self.name = name
        self.paths = []
        places = [f"{ROOT}/cpuacct", f"{ROOT}/memory"]
        if not all(os.path.isdir(p) for p in places):
            places = [ROOT]
        for place in places:
            path = os.path.join(place, name)
            try:
                os.makedirs(path, exist_ok=True)
            except OSError:
                self.paths = []
                return
            self.paths.append(path)

    def enter(self):
        for path in self.paths:
            with open(f"{path}/cgroup.procs", "w", encoding="ascii") as f:
                f.write("0")

    def pids(self):
        found = set()
        for path in self.paths:
            with open(f"{path}/cgroup.procs", encoding="ascii") as f:
                found.update(int(line) for line in f)
        return found

    def remove(self):
        for path in self.paths:
            try:
                os.rmdir(path)
            except OSError:
                pass


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_until_open(port, process, seconds=20):
    limit = time.monotonic() + seconds
    while time.monotonic() < limit and process.poll() is None:
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.05)
    return False


class Running:
    """A server with its backend, in a cgroup; ended by leaving the block."""

    def __init__(self, server):
        self.server = server
        self.port = free_port()
        self.processes = []
        self.group = Group(f"postern-bench-{os.getpid()}")

    def start(self, command, port):
        log = open(os.path.join(self.server.where, "log"), "ab")
        p = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                             stderr=log, preexec_fn=self.group.enter,
                             cwd=self.server.where)
        log.close()
        self.processes.append(p)
        if not wait_until_open(port, p):
            raise Absent("does not start: " + self.last_words())

    def last_words(self):
        with open(os.path.join(self.server.where, "log"),
                  encoding="utf-8", errors="replace") as f:
            lines = f.read().split("\n")
        return next((x for x in reversed(lines) if x), "it says nothing")

    def __enter__(self):
        backend = 0
        try:
            if self.server.backend:
                backend = free_port()
                self.start([f"{self.server.build}/bench/plain-echo",
                            str(backend)], backend)
            self.start(self.server.command(self.port, backend), self.port)
        except BaseException:
            self.end()
            raise
        return self

    def end(self):
        for p in reversed(self.processes):
            p.send_signal(signal.SIGTERM)
        for p in self.processes:
            try:
                p.wait(5)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
        limit = time.monotonic() + 10
        while self.group.paths and self.group.pids() and \
                time.monotonic() < limit:
            for pid in self.group.pids():
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            time.sleep(0.05)
        self.group.remove()

    def __exit__(self, *_):
        self.end()


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


def measure_all(running, todo, out, number):
    server = running.server
    for measure in todo:
        if measure.connections > server.most + 100:
            continue
        report, why = run_one(server, measure, running.port, out["seconds"],
                              running.group)
        if report is None:
            out["failed"].setdefault(f"{server.name}, {measure.name}", why)
            if server.kind == "postern":
                die(70, f"{server.name}, {measure.name}: {why}")
            continue
        rows = out["results"].setdefault(server.name, {}).setdefault(
            measure.name, [])
        rows.append({"round": number} |
                    {f: measures.dig(report, path) for f, (path, _) in
                     measure.figures.items()})


def run_server(server, todo, out, number):
    try:
        with Running(server) as running:
            measure_all(running, todo, out, number)
    except Absent as e:
        if server.kind == "postern":
            die(69, f"{server.name} {e}")
        out["failed"].setdefault(server.name, str(e))


def openssl_limits():
    """What bare cryptography allows on one core, as openssl measures it."""
    lines = {}
    for name, args in (("ecdsa", ["ecdsap256"]), ("x25519", ["ecdhx25519"]),
                       ("aes-256-gcm", ["-bytes", "16384", "-evp",
                                        "aes-256-gcm"])):
        p = subprocess.run(["openssl", "speed", "-seconds", "1", *args],
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                           check=False)
        if p.returncode == 0:
            lines[name] = p.stdout.decode().strip().splitlines()[-1]
    return lines


def version_of(command):
    try:
        p = subprocess.run(command, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, check=False)
    except OSError:
        return "?"
    return p.stdout.decode(errors="replace").strip().splitlines()[0]


def machine(build):
    model = "?"
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        for line in f:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return {
        "date": time.strftime("%Y-%m-%d"),
        "cpu": model,
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "versions": {
            "postern": version_of([f"{build}/posternd", "-V"]),
            "openssl": version_of(["openssl", "version"]),
            "go": version_of(["go", "version"]),
            "nginx": version_of(["nginx", "-v"]),
            "haproxy": version_of(["haproxy", "-v"]),
            "hitch": version_of(["hitch", "--version"]),
            "stunnel": version_of(["sh", "-c",
                                   "stunnel4 -version 2>&1 | grep ^stunnel"]),
            "socat": version_of(["sh", "-c", "socat -V | sed -n 2p"]),
        },
    }


def arguments():
    p = argparse.ArgumentParser(prog="bench/run.py", description=__doc__)
    p.add_argument("--build", default="build", help="where all is built")
    p.add_argument("--rounds", type=int, default=5)
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


def run_rounds(field, todo, out):
    for n in range(out["rounds"]):
        # another order each time: nobody is always first
        turn = field[n % len(field):] + field[:n % len(field)]
        for s in turn:
            print(f"bench: round {n + 1} of {out['rounds']}: {s.name}",
                  file=sys.stderr)
            run_server(s, todo, out, n + 1)


def compare(a, todo, names, where):
    build = os.path.abspath(a.build)
    make_pki(build, where)
    field, skipped = find_field(names, where, build)
    out = {"machine": machine(build), "rounds": a.rounds,
           "seconds": a.seconds, "skipped": skipped, "failed": {},
           "servers": {s.name: {"kind": s.kind,
                                "per_connection": s.per_connection}
                       for s in field},
           "limits": openssl_limits(), "results": {}}
    run_rounds(field, todo, out)
    out["verdict"] = targets.verdict(out)
    place = os.path.join(build, "bench")
    with open(os.path.join(place, "results.json"), "w", encoding="utf-8") as f:
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
    where = tempfile.mkdtemp(prefix="postern-bench.")
    os.chmod(where, 0o755)
    try:
        compare(a, todo, names, where)
    finally:
        shutil.rmtree(where)


if __name__ == "__main__":
    main()
