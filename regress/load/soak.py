#!/usr/bin/env python3
"""A service under mixed load for a long time, while it is reloaded every few
seconds and one of its processes is killed every few more.

Two services run side by side, one of each isolation.  Nothing may be lost but
what the killed processes had: each client that was lost is looked up in the
log, which says whose it was.  And nothing may grow: when the load has just
begun, and at the end, it rests, and processes, descriptors and memory are
compared.  After that it is under load twice more, without a reload or a kill,
and each process that was there all the time is compared with itself.

usage: soak.py [option...]; --help names them.  Ends with 0 if all held.
"""

import argparse
import datetime
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

BALANCER = "127.0.3.1"
AT = "127.0.1.1+20"
KINDS = [
    f"echo do=echo weight=40 cert=client size=2000 from={AT}",
    f"bulk do=echo weight=2 cert=client size=4194304 from={AT}",
    f"idle do=echo weight=8 cert=client size=200 pause=20 from={AT}",
    "carried do=echo weight=10 cert=client size=500 "
    f"from={BALANCER} for=192.0.2.7",
    f"probe do=local weight=2 from={BALANCER}",
    f"nobody do=alerted weight=5 from={AT}",
    f"stranger do=alerted weight=5 cert=other from={AT}",
    f"revoked do=alerted weight=5 cert=revoked from={AT}",
    f"expired do=alerted weight=5 cert=expired from={AT}",
    f"garbage do=garbage weight=4 from={AT}",
    f"silent do=silent weight=1 pause=10 from={AT}",
]
VICTIMS = ["parent", "spawner", "worker"]
TITLES = {
    "parent": ("posternd: parent",),
    "spawner": ("postern-worker: spawner", "postern-worker: pool-spawner"),
    "worker": ("postern-worker: echo", "postern-worker: pool"),
}
# What a client that was never logged may have been lost by, and how much later
# it may have noticed: the parent that had just accepted it.
NOTICED_S = 3.0
# Clients of the dead are lost with them, and notice when they have the time.  A
# parent whose spawner was killed keeps those that it has, and drains.
DRAIN_S = 60
EXCUSED_S = {"parent": 15, "worker": 15, "spawner": DRAIN_S + 15}
# Those who never wait of themselves, and how long 99 of 100 of them may take.
PROMPT = ("echo", "carried", "probe", "nobody", "stranger", "revoked",
          "expired", "garbage")
PROMPT_S = 20
# These stay while nobody reloads or kills.
LASTING = ("posternd: supervisor", "posternd: exporter", "posternd: parent",
           "postern-worker: init", "postern-worker: pool") + TITLES["spawner"]
MIB = 1024 * 1024
# What it may have more at rest after one more load: a leak of 4 KiB a client
# is more within the minute of soak_test.  A pool keeps what a client's bytes
# once waited in, 64 KiB for each place among its descriptors.
SLACK = {"postern-worker: pool": MIB}
LOAD_S = 20


class Failed(Exception):
    """The soak cannot go on, or has found what must not be."""


# ---- processes ---------------------------------------------------------------


def read(path):
    try:
        with open(path, "rb") as f:
            return f.read()
    except OSError:  # it has gone
        return b""


def tree(pid):
    """This process and its descendants, nearest first."""
    found = [pid]
    for p in found:
        try:
            tasks = os.listdir(f"/proc/{p}/task")
        except OSError:
            continue
        for t in tasks:
            found += [int(c) for c in
                      read(f"/proc/{p}/task/{t}/children").split()]
    return found


def title(pid):
    return read(f"/proc/{pid}/cmdline").split(b"\0")[0].decode()


def kind_of(text):
    """Its title, without the number that a parent has."""
    return text.rstrip("0123456789").strip()


class Process:
    """What one has of the system at this moment."""

    def __init__(self, pid):
        self.kind = kind_of(title(pid))
        rollup = read(f"/proc/{pid}/smaps_rollup")
        size = {m.group(1): int(m.group(2)) * 1024 for m in re.finditer(
            rb"^(Pss\w*): +([0-9]+) kB", rollup, re.M)}
        self.pss = size.get(b"Pss", 0)
        # Pages of files are shared with whatever else runs on the machine.
        self.memory = self.pss - size.get(b"Pss_File", 0)
        try:
            self.descriptors = len(os.listdir(f"/proc/{pid}/fd"))
        except OSError:
            self.descriptors = 0


class Sum:
    """What all of a service's processes have, by kind and in all."""

    def __init__(self, pid):
        self.kinds = {}
        self.each = {}  # pid: Process
        for child in tree(pid):
            p = Process(child)
            if p.kind == "":
                continue  # it has just ended
            self.each[child] = p
            had = self.kinds.get(p.kind, (0, 0, 0, 0))
            self.kinds[p.kind] = tuple(a + b for a, b in zip(
                had, (1, p.descriptors, p.memory, p.pss)))
        self.processes, self.descriptors, self.memory, self.pss = (
            sum(v[i] for v in self.kinds.values()) for i in range(4))

    def __str__(self):
        return (f"{self.processes} processes, {self.descriptors} descriptors, "
                f"{self.memory / MIB:.1f} MiB of their own, PSS "
                f"{self.pss / MIB:.1f}")


# ---- the log -----------------------------------------------------------------

FIELD = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|\S*)')
# Errors that a kill brings about; any other is one.
OF_KILLS = ("parent-died", "spawner-died", "worker-died", "worker-lost",
            "spawn-failed")


def seconds(text):
    """A line's time, since 1970."""
    return datetime.datetime.fromisoformat(
        text.replace("Z", "+00:00")).timestamp()


class Log:
    """The service's log as it grows: which process had which client?"""

    def __init__(self, path):
        self.file = open(path, encoding="ascii")
        self.rest = ""
        self.clients = {}  # address of the connection: (time, parent, worker)
        self.generation = 1
        self.reloads = 0
        self.count = {}
        self.workers_killed = 0
        self.errors = []

    def take(self, line):
        f = dict(FIELD.findall(line))
        event = f.get("event")
        self.count[event] = self.count.get(event, 0) + 1
        peer = f.get("proxy", f.get("peer"))
        if event in ("accept", "open"):
            self.clients.setdefault(peer, []).append(
                (seconds(f["time"]), int(f["pid"]), int(f.get("worker", 0))))
        elif event == "reload" and f.get("result") == "ok":
            self.generation = int(f["generation"])
            self.reloads += 1
        if event == "worker-died" and f.get("signal") == "KILL":
            self.workers_killed += 1
        if f.get("level") != "error":
            return
        if event in OF_KILLS and "status" not in f and \
                f.get("signal", "KILL") == "KILL":
            return
        self.errors.append(line)

    def whose(self, peer, at):
        """Parent and worker of a connection then; its port has others later."""
        had = [(p, w) for t, p, w in self.clients.get(peer, []) if t <= at]
        return had[-1] if had else (0, 0)

    def follow(self):
        text = self.rest + self.file.read()
        *lines, self.rest = text.split("\n")
        for line in lines:
            self.take(line)


# ---- a service and its clients -----------------------------------------------


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what, seconds, condition):
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise Failed(f"{what}: not within {seconds} s")
        time.sleep(0.05)


class Service:
    """One posternd, who visits it, and whom we have killed."""

    def __init__(self, isolation, where, options):
        self.isolation, self.where = isolation, where
        self.options = options
        self.port = free_port()
        self.process = self.visitors = self.log = None
        self.killed = []  # (time, kind, pid of the victim, of its parent)
        self.visited = open(f"{where}/{isolation}.visits", "w+b")
        self.heard = ""
        self.unread = 0
        self.figures = {}
        self.lost, self.excused = [], 0
        self.memory = []
        self.turn = 0

    # -- its beginning and end --

    def configure(self):
        path = f"{self.where}/{self.isolation}.conf"
        with open(path, "w", encoding="ascii") as f:
            f.write(f"""
listen = {{ "127.0.0.1:{self.port}" }}
certificate = "server.pem"
key = "server.key"
parents = 2
isolation = "{self.isolation}"
status-socket = "{self.isolation}.sock"
max-connections = 2000
metrics {{ listen = "unix:{self.isolation}.metrics" }}
log {{ level = "debug" }}
timeouts {{
	# however busy the machine is: what is lost then is no fault
	handshake = 5m
	drain = {DRAIN_S}s
}}
proxy {{ from = {{ "{BALANCER}" }} }}
clients {{
	ca = "ca.pem"
	crl = "ca.crl"
	host-check = "no"
}}
""")
        return path

    def start(self):
        path = f"{self.where}/{self.isolation}.log"
        with open(path, "ab") as log:
            self.process = subprocess.Popen(
                ["posternd", "-f", self.configure()], stderr=log,
                stdin=subprocess.DEVNULL, cwd=self.where)
        self.log = Log(path)
        wait_for(f"{self.isolation}: start", 60, self.is_ready)

    def is_ready(self):
        self.log.follow()
        if self.process.poll() is not None:
            raise Failed(f"{self.isolation}: does not start")
        return self.log.count.get("ready")

    def stop(self):
        """In order, with nothing left behind."""
        all_of_it = tree(self.process.pid)
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(180)
        if status != 0:
            raise Failed(f"{self.isolation}: ended with status {status}")
        for pid in all_of_it:
            if title(pid).startswith("postern"):
                raise Failed(f"{self.isolation}: process {pid} is left")

    def end(self):
        """Whatever state it is in."""
        for p in self.visitors, self.process:
            if p is not None and p.poll() is None:
                p.kill()
                p.wait()

    # -- its clients --

    def load(self):
        self.visitors = subprocess.Popen(
            [self.options.visitors, "-c", "1000", "-t", "100000", "-w", "600",
             "-r", str(self.options.rate), "-i", "1", "127.0.0.1", str(self.port),
             *KINDS], stdout=self.visited, cwd=self.where)

    def unload(self):
        self.visitors.send_signal(signal.SIGTERM)
        status = self.visitors.wait(300)
        self.visitors = None
        if status != 0:
            raise Failed(f"{self.isolation}: visitors ended with {status}")
        self.hear()
        for key in "begun", "done", "lost":
            self.figures[key] = self.figures.get(key, 0) + self.figures.pop(
                key + "-now", 0)

    def hear(self):
        """What the visitors say; whoever was lost is looked up in the log."""
        text = os.pread(self.visited.fileno(), 1 << 24, self.unread).decode()
        self.unread += len(text)
        *lines, self.heard = (self.heard + text).split("\n")
        # behind them, so that it has whatever they are about
        self.log.follow()
        for line in lines:
            word, _, rest = line.partition(" ")
            if word == "lost":
                self.judge(rest)
            elif word == "so-far":
                for key, n in FIELD.findall(rest):
                    self.figures[key + "-now"] = int(n)
            elif word == "kind":
                self.add_kind(rest)

    def add_kind(self, text):
        name = "kind " + text.split()[0]
        n = self.figures.setdefault(name, {})
        for key, value in FIELD.findall(text):
            if key in ("begun", "done", "lost"):
                n[key] = n.get(key, 0) + int(value)
            elif key == "p99":  # of all loads the slowest
                n[key] = max(n.get(key, 0), float(value.removesuffix("ms")))

    # -- who was it that lost a client? --

    def judge(self, text):
        """One that was lost: had a process that we killed had it?"""
        peer = text.split()[0]
        at = float(dict(FIELD.findall(text))["at"])
        parent, worker = self.log.whose(peer, at)
        for when, kind, pid, of in self.killed:
            if not when <= at < when + EXCUSED_S[kind]:
                continue
            own = (kind == "worker" and pid == worker) or \
                (kind != "worker" and of == parent)
            # it was accepted, and its parent killed before it could say so
            unknown = parent == 0 and kind == "parent" and \
                at - when < NOTICED_S
            if own or unknown:
                self.excused += 1
                return
        self.lost.append(f"{text} (parent {parent}, worker {worker})")

    # -- what is done to it --

    def reload(self):
        before = self.log.reloads
        self.process.send_signal(signal.SIGHUP)

        def taken():
            self.log.follow()
            return self.log.reloads > before or self.log.errors
        wait_for(f"{self.isolation}: reload", 120, taken)

    def kill_one(self):
        """A parent, a spawner or a worker in turn, whichever is found."""
        kind = VICTIMS[self.turn % len(VICTIMS)]
        self.turn += 1
        parent_of = {}
        candidates = []
        for pid in tree(self.process.pid):
            text = title(pid)
            if text.startswith(TITLES["parent"]):
                parent_of.update((c, pid) for c in tree(pid))
            if kind_of(text) in TITLES[kind]:
                candidates.append(pid)
        if not candidates:
            raise Failed(f"{self.isolation}: no {kind} is there")
        pid = candidates[len(self.killed) * 7 % len(candidates)]
        self.killed.append((time.time(), kind, pid, parent_of.get(pid, 0)))
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:  # it went by itself
            self.killed.pop()

    # -- how it is --

    def serving_only(self):
        """No client, and of the parents those that serve alone."""
        all_of_it = [title(p) for p in tree(self.process.pid)]
        parents = [t for t in all_of_it if t.startswith("posternd: parent")]
        return len(parents) == 2 and len(set(parents)) == 2

    def rest_anew(self):
        """The same when its parents are new."""
        self.reload()
        return self.rest()

    def rest(self):
        """What it has when nobody is there."""
        wait_for(f"{self.isolation}: old parents end", 120, self.serving_only)
        last, same = None, 0
        until = time.monotonic() + 60
        while same < 5 and time.monotonic() < until:
            time.sleep(0.2)
            now = Sum(self.process.pid)
            counts = (now.processes, now.descriptors)
            same = same + 1 if counts == last else 0
            last = counts
        return now

    def show(self, since):
        now = Sum(self.process.pid)
        self.memory.append(now.memory)
        f = self.figures
        done, begun = (f.get(k, 0) + f.get(k + "-now", 0)
                       for k in ("done", "begun"))
        print(f"{time.monotonic() - since:6.0f} s  {self.isolation}: "
              f"{begun} came, {done} as they should, {self.excused} lost by "
              f"those killed, {len(self.lost)} otherwise; "
              f"{self.log.reloads} reloads, {len(self.killed)} killed; {now}",
              flush=True)


# ---- the soak ----------------------------------------------------------------


def make_pki(where):
    def certgen(*args):
        subprocess.run(["postern-certgen", *args], check=True, cwd=where,
                       stdout=subprocess.DEVNULL)

    def issue(kind, name, by, *more):
        certgen(kind, "--ca", f"{by}.pem", "--ca-key", f"{by}.key", "--cert",
                f"{name}.pem", "--key", f"{name}.key", *more)

    for ca in "ca", "other-ca":
        certgen("ca", "--cert", f"{ca}.pem", "--key", f"{ca}.key", "--name",
                ca)
    issue("server", "server", "ca", "--host", "127.0.0.1")
    for name in "client", "revoked":
        issue("client", name, "ca", "--name", name)
    issue("client", "expired", "ca", "--name", "expired", "--not-before",
          "2020-01-01T00:00:00Z", "--not-after", "2021-01-01T00:00:00Z")
    issue("client", "other", "other-ca", "--name", "other")
    certgen("revoke", "--ca", "ca.pem", "--ca-key", "ca.key", "--cert",
            "revoked.pem", "--crl", "ca.crl")


def drive(services, seconds, options, since, undisturbed=False):
    """Load for so long; reload and kill meanwhile, unless undisturbed."""
    for s in services:
        s.load()
    begun = time.monotonic()
    never = float("inf")
    next_reload = never if undisturbed else begun + options.reload
    next_kill = never if undisturbed else begun + options.kill * 2 / 3
    next_line = begun + options.every
    while (now := time.monotonic()) < begun + seconds:
        time.sleep(0.2)
        for s in services:
            s.hear()
            if s.process.poll() is not None:
                raise Failed(f"{s.isolation}: has ended")
            if s.visitors.poll() is not None:
                raise Failed(f"{s.isolation}: its visitors have ended")
        # Of a reload the end is waited for, so that no kill strikes one that
        # starts.
        if now >= next_kill:
            next_kill += options.kill
            for s in services:
                s.kill_one()
        if now >= next_reload:
            next_reload = max(next_reload + options.reload, now)
            for s in services:
                s.reload()
        if now >= next_line:
            next_line += options.every
            for s in services:
                s.show(since)
    for s in services:
        s.unload()


def compare(service, before, after):
    """Nothing may have grown: what is wrong, in words."""
    wrong = []
    print(f"\n{service.isolation}, at rest: first and last\n"
          f"{'':30}processes  descriptors  KiB of its own             PSS")
    kinds = sorted(set(before.kinds) | set(after.kinds))
    none = (0, 0, 0, 0)
    for kind in kinds:
        a, b = before.kinds.get(kind, none), after.kinds.get(kind, none)
        print(f"{kind:28}{a[0]:6} {b[0]:4}  {a[1]:6} {b[1]:4}"
              f"  {a[2] // 1024:8} {b[2] // 1024:8}"
              f"  {a[3] // 1024:8} {b[3] // 1024:8}")
        if a[:2] != b[:2]:
            wrong.append(f"{kind}: {b[0]} with {b[1]} descriptors, and were "
                         f"{a[0]} with {a[1]}")
        # these two have been there all the time
        if kind in ("posternd: supervisor", "posternd: exporter") and \
                b[2] > a[2] * 1.1 + MIB / 2:
            wrong.append(f"{kind}: {b[2]} bytes, and had {a[2]}")
    if after.memory > before.memory * 1.1 + 2 * MIB:
        wrong.append(f"memory: {after.memory} bytes, and was {before.memory}")
    print(f"in all: {before}\n        {after}")
    third = len(service.memory) // 3
    if third >= 3:
        early = statistics.median(service.memory[:third])
        late = statistics.median(service.memory[-third:])
        print(f"under load: {early / MIB:.1f} MiB in the first third, "
              f"{late / MIB:.1f} in the last, {max(service.memory) / MIB:.1f} "
              "at most (who is there at once depends on the machine)")
    return wrong


def compare_each(new, before, after):
    """Nobody may have grown who was there all the time."""
    wrong = []
    # Not all that use up a parent's workers have it make as many again.
    usual = {}
    for p in new.each.values():
        usual[p.kind] = max(usual.get(p.kind, 0), p.descriptors)
    print("each at rest, after a load and after one more: KiB of its own")
    for pid, p in before.each.items():
        if p.kind not in LASTING:
            continue
        now = after.each.get(pid)
        if now is None or now.kind != p.kind:
            wrong.append(f"{p.kind}: process {pid} has gone")
            continue
        print(f"{p.kind:28}{pid:8}  {p.memory // 1024:8} "
              f"{now.memory // 1024:8}")
        if now.memory > p.memory * 1.05 + SLACK.get(p.kind, MIB / 4):
            wrong.append(f"{p.kind}: process {pid} has {now.memory} bytes, "
                         f"and had {p.memory}")
        if now.descriptors > max(p.descriptors, usual.get(p.kind, 0)):
            wrong.append(f"{p.kind}: process {pid} has {now.descriptors} "
                         f"descriptors, and had {p.descriptors}")
    return wrong


def verdict(service):
    """What was lost, and what the log complains of."""
    wrong = [f"lost: {line}" for line in service.lost]
    wrong += [f"log: {line}" for line in service.log.errors]
    kinds = {v[1]: sum(k[1] == v[1] for k in service.killed)
             for v in service.killed}
    print(f"\n{service.isolation}: {service.log.reloads} reloads; killed: " +
          ", ".join(f"{n} {kind}s" for kind, n in sorted(kinds.items())) +
          f"; {service.excused} clients lost by those")
    for name, n in service.figures.items():
        if name.startswith("kind "):
            print(f"  {name[5:]:10} {n['begun']:8} came, {n['done']:8} as "
                  f"they should, {n['lost']:4} lost; 99 of 100 in "
                  f"{n['p99'] / 1e3:.1f} s")
            if name[5:] in PROMPT and n["p99"] > PROMPT_S * 1e3:
                wrong.append(f"{name[5:]}: slow")
    for event, n in (("parent-died", kinds.get("parent", 0)),
                     ("spawner-died", kinds.get("spawner", 0))):
        # one that was told to end before is not missed
        if service.log.count.get(event, 0) > n:
            wrong.append(f"{event}: {service.log.count.get(event, 0)} times, "
                         f"for {n} killed")
    # a parent that is killed may just have lost one
    n = kinds.get("worker", 0) + kinds.get("parent", 0)
    if service.log.workers_killed > n:
        wrong.append(f"worker-died signal=KILL: {service.log.workers_killed} "
                     f"times, for {n} killed")
    if service.log.count.get("log-dropped"):
        wrong.append("lines of the log were dropped")
    return wrong


def soak(services, options):
    since = time.monotonic()
    warm = max(10, options.seconds // 10)
    drive(services, warm, options, since)
    before = [s.rest_anew() for s in services]
    for s in services:
        s.memory.clear()
    drive(services, max(options.seconds - warm, 10), options, since)
    after = [s.rest_anew() for s in services]
    more = max(LOAD_S, warm)
    drive(services, more, options, since, undisturbed=True)
    once = [s.rest() for s in services]
    drive(services, more, options, since, undisturbed=True)
    twice = [s.rest() for s in services]
    wrong = []
    for s, a, b, c, d in zip(services, before, after, once, twice):
        s.hear()
        wrong += [f"{s.isolation}: {w}" for w in
                  verdict(s) + compare(s, a, b) + compare_each(b, c, d)]
        s.stop()
    return wrong


def arguments():
    p = argparse.ArgumentParser(prog="soak.py", description=__doc__)
    p.add_argument("--build", default="build", help="where all is built")
    p.add_argument("--seconds", type=int, default=1800)
    p.add_argument("--reload", type=float, default=10, metavar="SECONDS",
                   help="between reloads")
    p.add_argument("--kill", type=float, default=30, metavar="SECONDS",
                   help="between kills")
    p.add_argument("--every", type=float, default=30, metavar="SECONDS",
                   help="between lines of figures")
    p.add_argument("--rate", type=int, default=40,
                   help="clients a second, of each service")
    p.add_argument("--where", help="a directory for all it makes, which is "
                   "left there; else one that is removed if all held")
    return p.parse_args()


def main():
    options = arguments()
    if os.geteuid() != 0:
        sys.exit("soak: needs root, to see what each process has")
    build = os.path.abspath(options.build)
    os.environ["PATH"] = build + ":" + os.environ["PATH"]
    options.visitors = f"{build}/regress/load/visitors_helper"
    where = options.where or tempfile.mkdtemp(prefix="postern-soak.")
    where = os.path.abspath(where)
    os.makedirs(where, exist_ok=True)
    make_pki(where)
    # so that a service does not outlive who has started it
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    services = [Service(i, where, options) for i in ("connection", "pool")]
    try:
        for s in services:
            s.start()
        wrong = soak(services, options)
    except (Failed, subprocess.TimeoutExpired) as e:
        for s in services:
            if s.log is not None:
                s.hear()
        wrong = [str(e)] + [f"{s.isolation}: {w}" for s in services
                            if s.log is not None
                            for w in s.lost + s.log.errors]
    finally:
        for s in services:
            s.end()
    for w in wrong:
        print(f"soak: {w}", file=sys.stderr)
    if wrong:
        sys.exit(f"soak: failed; logs are in {where}")
    print("\nall held")
    if options.where is None:
        shutil.rmtree(where)


if __name__ == "__main__":
    main()
