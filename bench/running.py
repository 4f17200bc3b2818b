"""A server that runs: its cgroup, its start, its end."""

import itertools
import os
import signal
import socket
import ssl
import subprocess
import time

ROOT = "/sys/fs/cgroup"

NUMBERS = itertools.count()
# Beneath the ports that clients get, and none again soon: what is left of one
# server's connections (TIME_WAIT) is in no other's way.
FIRST, COUNT = 31000, 1768
PORTS = (FIRST + n % COUNT for n in itertools.count(os.getpid()))


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
        """A process that is gone from the list may hold it for a moment."""
        limit = time.monotonic() + 2
        for path in self.paths:
            while True:
                try:
                    os.rmdir(path)
                    break
                except OSError:
                    if time.monotonic() > limit:
                        break
                    time.sleep(0.01)


def free_port():
    for port in PORTS:
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def client_of(pki):
    context = ssl.create_default_context(cafile=f"{pki}/ca.pem")
    context.load_cert_chain(f"{pki}/client.pem", f"{pki}/client.key")
    return context


def echoes(port, context):
    """Has it echoed a byte?  Some listen before they can."""
    with socket.create_connection(("127.0.0.1", port), 5) as plain:
        s = plain if context is None else \
            context.wrap_socket(plain, server_hostname="localhost")
        s.sendall(b"?")
        heard = s.recv(1)
        if context is not None:
            s.close()
        return len(heard) == 1


def wait_until_it_echoes(port, process, context, seconds=20):
    limit = time.monotonic() + seconds
    while time.monotonic() < limit and process.poll() is None:
        try:
            if echoes(port, context):
                return True
        except OSError:
            pass
        time.sleep(0.02)
    return False


class Running:
    """A server with its backend, in a cgroup; ended by leaving the block."""

    def __init__(self, server):
        self.server = server
        self.port = free_port()
        self.processes = []
        # Of its own: what the kernel still has for the one before is not its.
        self.group = Group(f"postern-bench-{os.getpid()}-{next(NUMBERS)}")

    def start(self, command, port, plain):
        log = open(os.path.join(self.server.where, "log"), "ab")
        p = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                             stderr=log, preexec_fn=self.group.enter,
                             cwd=self.server.where)
        log.close()
        self.processes.append(p)
        context = None if plain else client_of(self.server.pki)
        if not wait_until_it_echoes(port, p, context):
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
                            str(backend)], backend, True)
            self.start(self.server.command(self.port, backend), self.port,
                       self.server.plain)
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
            time.sleep(0.01)
        self.group.remove()

    def __exit__(self, *_):
        self.end()
