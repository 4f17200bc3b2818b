#!/usr/bin/env python3
"""What postern is to reach beside its peers, and whether it does.

usage: bench/targets.py RESULTS.JSON    the verdict on a run that is over
"""

import json
import sys

import figures

HOLDS, SHORT, UNKNOWN = "holds", "short", "not measured"
POSTERN = ("postern", "postern-pool")

C = "best C peer"
ALL = "best of all"
GO = "Go"
SINGLE = "best process per connection"

# what, measure, figure, better, beside whom, least ratio of each isolation mode
RATIOS = [
    ("handshake, server CPU", "handshake", "cpu_us", "low", C, 1.1, 1.4),
    ("handshake, server CPU", "handshake", "cpu_us", "low", GO, None, 0.95),
    ("64 B x 1, rate", "echo-64x1", "per_s", "high", C, 1.15, 1.15),
    ("64 B x 64, rate", "echo-64x64", "per_s", "high", C, 1.0, 1.25),
    ("64 B x 64, rate", "echo-64x64", "per_s", "high", SINGLE, 1.8, None),
    ("64 B x 64, rate", "echo-64x64", "per_s", "high", GO, None, 0.95),
    ("bulk x 4, rate", "bulk-x4", "mb_per_s", "high", ALL, 1.3, 1.4),
    ("bulk x 1, rate", "bulk-x1", "mb_per_s", "high", ALL, 1.15, 1.15),
]


def peers_of(out, whom):
    return {
        C: figures.peers(out, "C"),
        ALL: figures.peers(out, "C", "Go"),
        GO: figures.peers(out, "Go"),
        SINGLE: figures.peers(out, "C", per_connection=True),
    }[whom]


def row(what, server, value, bound, at_most=False, peer=None):
    if value is None:
        verdict = UNKNOWN
    else:
        verdict = HOLDS if (value <= bound if at_most else value >= bound) \
            else SHORT
    return {"target": what, "server": server, "ours": value,
            "at_most" if at_most else "at_least": bound, "peer": peer,
            "verdict": verdict}


def ratios(out):
    for what, measure, figure, better, whom, *least in RATIOS:
        names = peers_of(out, whom)
        for server, bound in zip(POSTERN, least):
            if bound is None:
                continue
            value, peer = figures.against(out, server, names, measure, figure,
                                          better)
            yield row(f"{what}, to {whom}", server, value, bound, peer=peer)


def alone(out):
    """What is compared with nobody."""
    for server, kib, growth in (("postern", 130, 0.8),
                                ("postern-pool", 36, 0.9)):
        for n in 1000, 5000:
            yield row(f"idle connection of {n:,}, KiB in all", server,
                      figures.memory(out, server, f"open-{n}", n), kib, True)
        few, many = (figures.by_round(out, server, m, "per_s") for m in
                     ("echo-64x64", "open-5000"))
        yield row("round trips/s at 5,000 open, to 64 open", server,
                  figures.quotient(many, few), growth)
        calm, beside = (figures.by_round(out, server, m, "p99_us") for m in
                        ("echo-64x64", "beside"))
        yield row("small clients' p99 beside bulk, to alone", server,
                  figures.quotient(beside, calm), 2, True)


def verdict(out):
    return [r for r in [*ratios(out), *alone(out)]
            if r["server"] in out["servers"]]


def tell(rows):
    print(f"\n{'to reach':50} {'server':13} {'ours':>7} {'':2} {'bound':5}  "
          "verdict")
    for r in rows:
        what = r["target"] + (f" ({r['peer']})" if r["peer"] else "")
        ours = "-" if r["ours"] is None else f"{r['ours']:.3f}"
        sign, bound = ("<=", r["at_most"]) if "at_most" in r else \
            (">=", r["at_least"])
        print(f"{what:50} {r['server']:13} {ours:>7} {sign} {bound:<5}  "
              f"{r['verdict']}")
    count = [sum(r["verdict"] == v for r in rows) for v in
             (HOLDS, SHORT, UNKNOWN)]
    print(f"of {len(rows)} targets {count[0]} hold, {count[1]} are short, "
          f"{count[2]} were not measured")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        with open(sys.argv[1], encoding="utf-8") as f:
            out = json.load(f)
    except (OSError, ValueError) as e:
        print(f"targets.py: {sys.argv[1]}: {e}", file=sys.stderr)
        sys.exit(66)
    tell(verdict(out))


if __name__ == "__main__":
    main()
