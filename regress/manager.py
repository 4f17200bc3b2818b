"""A service manager, as far as its protocols go: for the tests.

usage: manager.py [option...] -- program [argument...]

    --notify PATH       a socket for sd_notify(3); "@NAME" is an abstract one
    --hear FILE         what came there, a message a line, "|" between its
                        lines, "PID: " before it
    --socket NAME=WHAT  hand a socket over: tcp:ADDRESS:PORT, unix:PATH, or one
                        that is of no use: udp:, connected:, bound:PORT, none:
    --set KEY=VALUE     of the environment; PID in it is the program's, "-"
                        alone takes the key away

It keeps the sockets open, as a service manager does.  The program's pid is
written to "manager.pid", and its exit status is ours.
"""

import os
import socket
import struct
import sys
import threading


def options(words):
    found = {"--notify": [], "--hear": [], "--socket": [], "--set": []}
    while words and words[0] != "--":
        found[words[0]].append(words[1])
        words = words[2:]
    return found, words[1:]


def address(path):
    return "\0" + path[1:] if path.startswith("@") else path


def notify_socket(path):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    s.bind(address(path))
    return s


def hear(s, file):
    with open(file, "w", buffering=1) as out:
        while True:
            text, anc, _, _ = s.recvmsg(65536, 1024)
            if not text:
                return
            pid = 0
            for level, kind, data in anc:
                if kind == socket.SCM_CREDENTIALS:
                    pid = struct.unpack("3i", data[:12])[0]
            out.write("%d: %s\n" % (pid,
                                    text.decode("latin-1").replace("\n", "|")))


def make_socket(what):
    kind, _, rest = what.partition(":")
    if kind == "none":
        return None
    if kind == "unix":
        s = socket.socket(socket.AF_UNIX)
        s.bind(rest)
        s.listen(16)
        return s
    if kind == "udp":
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind(("127.0.0.1", 0))
        return s
    if kind == "connected":
        a, b = socket.socketpair()
        os.set_inheritable(b.detach(), False)
        return a
    host, _, port = (":" + rest if kind == "bound" else rest).rpartition(":")
    host = host.strip("[]:") or "127.0.0.1"
    if rest.startswith("["):
        host = rest[1:rest.index("]")]
    s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((host, int(port)))
    if kind == "tcp":
        s.listen(128)
    return s


def main():
    opt, command = options(sys.argv[1:])
    env = dict(os.environ)
    hearing = []
    sockets = [w.partition("=") for w in opt["--socket"]]
    made = [make_socket(what) for _, _, what in sockets]
    for path in opt["--notify"]:
        heard = notify_socket(path)
        env["NOTIFY_SOCKET"] = path
        thread = threading.Thread(target=hear, args=(heard, opt["--hear"][0]),
                                  daemon=True)
        thread.start()
        hearing.append((heard, thread))
    pid = os.fork()
    if pid == 0:
        keep = [None if s is None else os.dup(s.fileno()) for s in made]
        high = [None if k is None else os.dup2(k, 200 + i)
                for i, k in enumerate(keep)]
        os.closerange(3, 200)
        for i, h in enumerate(high):
            if h is not None:
                os.dup2(h, 3 + i)
        os.closerange(200, 300)
        if sockets:
            env["LISTEN_PID"] = str(os.getpid())
            env["LISTEN_FDS"] = str(len(sockets))
            env["LISTEN_FDNAMES"] = ":".join(name for name, _, _ in sockets)
        for word in opt["--set"]:
            key, _, value = word.partition("=")
            env[key] = value.replace("PID", str(os.getpid()))
            if value == "-":
                del env[key]
        os.execvpe(command[0], command, env)
    with open("manager.pid.new", "w") as f:
        f.write("%d\n" % pid)
    os.rename("manager.pid.new", "manager.pid")
    _, status = os.waitpid(pid, 0)
    # What was said before the program's end is heard.
    for heard, thread in hearing:
        heard.shutdown(socket.SHUT_RD)
        thread.join()
    sys.exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128)


main()
