"""What is measured, and how a figure is read off postern-bench's report."""

import sys


class Measure:
    """`args` for postern-bench; `figures`: name -> (path, better)."""

    def __init__(self, name, args, figures, connections=0):
        self.name = name
        self.args = args
        self.figures = figures
        self.connections = connections  # that the server must hold
        # Thousands of connections take longer to make than to measure.
        self.rounds = 3 if connections >= 5000 else sys.maxsize


def dig(report, path):
    for key in path.split("."):
        if not isinstance(report, dict) or key not in report:
            return None
        report = report[key]
    return report


HANDSHAKE = {
    "per_s": ("handshakes.per_s", "high"),
    "cpu_us": ("server.us_each", "low"),
    "p50_us": ("handshakes.p50_us", "low"),
    "p99_us": ("handshakes.p99_us", "low"),
}
ECHO = {
    "per_s": ("echoes.per_s", "high"),
    "cpu_us": ("server.us_each", "low"),
    "p50_us": ("echoes.p50_us", "low"),
    "p99_us": ("echoes.p99_us", "low"),
    "p999_us": ("echoes.p999_us", "low"),
}
BULK = {
    "mb_per_s": ("bulk.mb_per_s", "high"),
    "ns_per_byte": ("server.ns_per_byte", "low"),
    "load_ns_per_byte": ("load.ns_per_byte", "low"),
}
MEMORY = {
    "per_s": ("echoes.per_s", "high"),
    "p50_us": ("echoes.p50_us", "low"),
    "p99_us": ("echoes.p99_us", "low"),
    "resident": ("server.resident", "low"),
    "kernel": ("server.kernel", "low"),
}
BESIDE = {
    "p99_us": ("echoes.p99_us", "low"),
    "per_s": ("echoes.per_s", "high"),
    "mb_per_s": ("bulk.mb_per_s", "high"),
}


def echo(size, n):
    return Measure(f"echo-{size}x{n}", ["-s", str(size), "--echoes", str(n)],
                   ECHO, n)


def bulk(n):
    return Measure(f"bulk-x{n}", ["--bulk", str(n)], BULK, n)


def open_echo(n):
    active = min(n, 64)
    return Measure(f"open-{n}", ["--echoes", str(active), "--idle",
                                 str(n - active)], MEMORY, n)


def open_handshake(n):
    return Measure(f"handshake-open-{n}", ["--handshakes", "16", "--idle",
                                           str(n)], HANDSHAKE, n + 16)


QUICK = [
    Measure("handshake", ["--handshakes", "16"], HANDSHAKE, 16),
    echo(64, 1), echo(64, 64), bulk(1), bulk(4), open_echo(1000),
    Measure("beside", ["--echoes", "64", "--bulk", "1"], BESIDE, 65),
]
ALL = QUICK + [
    echo(64, 1000), echo(1024, 1), echo(1024, 64), echo(1024, 1000), bulk(64),
    open_echo(10), open_echo(100), open_echo(5000),
    open_handshake(10), open_handshake(100), open_handshake(1000),
    open_handshake(5000),
]
