"""The figures as tables, with ratios, and as plots (gnuplot, SVG)."""

import os
import shutil
import subprocess

import bounds
import figures
import targets


def cell(v):
    return "-" if v is None else f"{v:.3g}" if v < 100 else f"{v:,.0f}"


def against(out, name, names, measure, figure, better):
    r, peer = figures.against(out, name, names, measure, figure, better)
    return "-" if r is None else f"{r:.2f} ({peer})"


def table(out, measure, figure, better):
    every = figures.peers(out, "C", "Go")
    print(f"\n{measure.name}: {figure} ({better}er is better)")
    print(f"  {'':14} {'median':>10} {'min-max':>20}  {'to best peer':22} "
          f"{'to best of its class':22}")
    for name, s in out["servers"].items():
        v = figures.median(out, name, measure.name, figure)
        if v is None:
            continue
        same = figures.peers(out, "C", "Go",
                             per_connection=s["per_connection"])
        print(f"  {name:14} {cell(v):>10} "
              f"{figures.spread(out, name, measure.name, figure):>20}  "
              f"{against(out, name, every, measure.name, figure, better):22} "
              f"{against(out, name, same, measure.name, figure, better):22}")


def memory_table(out):
    print("\nidle connection, KiB of all processes and of the kernel for them")
    for name in out["servers"]:
        few, many = (figures.memory(out, name, f"open-{n}", n) for n in
                     (1000, 5000))
        if few is not None or many is not None:
            print(f"  {name:14} of 1,000 {cell(few):>6}   of 5,000 "
                  f"{cell(many):>6}")


def tables(out, todo):
    m = out["machine"]
    print(f"{m['date']}, {m['cores']} cores of {m['cpu']}, Linux "
          f"{m['kernel']}; {out['rounds']} rounds of {out['seconds']} s")
    for measure in todo:
        for figure, (_, better) in measure.figures.items():
            table(out, measure, figure, better)
    memory_table(out)
    for what in out["skipped"]:
        print(f"\nskipped: {what}")
    for what, why in out["failed"].items():
        print(f"\nnot measured: {what}: {why}")
    bounds.tell(out)
    targets.tell(out["verdict"])


ECHOES = ["echo-64x1", "echo-64x64", "echo-64x1000"]
OPEN = [10, 100, 1000, 5000]
COLOURS = ["#b2182b", "#ef8a62", "#e377c2", "#fddbc7", "#00add8", "#1b7837",
           "#2166ac", "#f0c000", "#762a83", "#8c510a", "#777777"]
# name -> panels: title, figure, measures
PLOTS = {
    "throughput": [
        ("echoes a second, 64 B", "per_s", ECHOES),
        ("bulk, MB/s", "mb_per_s", ["bulk-x1", "bulk-x4", "bulk-x64"]),
        ("full handshakes a second", "per_s", ["handshake"]),
    ],
    "latency": [
        ("p50 of an echo, us", "p50_us", ECHOES),
        ("p99 of an echo, us", "p99_us", ECHOES),
        ("p99.9 of an echo, us", "p999_us", ECHOES),
    ],
    "growth": [
        ("echoes a second of 64 clients (of 10 in the first), so many open",
         "per_s", [f"open-{n}" for n in OPEN]),
        ("full handshakes a second beside so many open", "per_s",
         [f"handshake-open-{n}" for n in OPEN]),
    ],
}


def write_points(out, path, figure, points):
    """The data of a panel, for gnuplot; the servers that have some."""
    def value(name, measure):
        return figures.median(out, name, measure, figure)

    names = [n for n in out["servers"] if n != "loopback" and
             any(value(n, p) is not None for p in points)]
    with open(path, "w", encoding="ascii") as f:
        print("#", *names, file=f)
        for p in points:
            v = [value(n, p) for n in names]
            if any(x is not None for x in v):
                print(p.removeprefix("handshake-"),
                      *("NaN" if x is None else f"{x:.6g}" for x in v),
                      file=f)
    return names


def bars(out, data, names):
    """The command that draws them; a server has one colour in all plots."""
    every = list(out["servers"])
    return "plot " + ", ".join(
        f"'{data}' using {i}:xtic(1) title '{n}' lc rgb "
        f"'{COLOURS[every.index(n) % len(COLOURS)]}'"
        for i, n in enumerate(names, 2)) + "\n"


def plot(out, place, name):
    """Draws the panels that have points; None, or why there is no plot."""
    script = ""
    panels = 0
    for i, (title, figure, points) in enumerate(PLOTS[name]):
        data = os.path.join(place.where, f"{name}-{i}.dat")
        names = write_points(out, data, figure, points)
        if not names:
            continue
        panels += 1
        script += f"set title '{title}'\n" + bars(out, data, names)
    if panels == 0:
        return "nothing of it was measured"
    svg = place.path(f"{name}.svg")
    head = (f"set terminal svg size 900,{360 * panels} noenhanced\n"
            f"set output '{svg}'\n"
            "set key outside\nset style data histogram\n"
            "set style fill solid 0.8\nset logscale y\n"
            f"set multiplot layout {panels},1\n")
    p = subprocess.run(["gnuplot"], input=(head + script).encode(),
                       stderr=subprocess.PIPE, check=False)
    if p.returncode == 0:
        return None
    try:
        os.unlink(svg)
    except FileNotFoundError:
        pass
    return f"gnuplot: {p.stderr.decode(errors='replace').strip()}"


def plots(out, place):
    print(f"\nall figures: {place.path('results.json')}")
    if shutil.which("gnuplot") is None:
        print("no plots: gnuplot is not installed")
        return
    for name in PLOTS:
        why = plot(out, place, name)
        print(f"plot: {place.path(name + '.svg')}" if why is None else
              f"no plot of {name}: {why}")
