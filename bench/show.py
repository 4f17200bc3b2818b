"""The figures as tables, with ratios, and as plots (gnuplot, SVG)."""

import os
import shutil
import subprocess

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
    print("\nbare cryptography (openssl speed, one core):")
    for line in out["limits"].values():
        print(f"  {line}")
    targets.tell(out["verdict"])


PLOTS = {
    "throughput": ("echoes a second, 64 B", "per_s",
                   ["echo-64x1", "echo-64x64", "echo-64x1000"]),
    "latency": ("p99 of an echo, us", "p99_us",
                ["echo-64x1", "echo-64x64", "echo-64x1000"]),
    "growth": ("echoes a second, 64 at work", "per_s",
               ["open-10", "open-100", "open-1000", "open-5000"]),
}


def plot(out, place, name):
    title, figure, points = PLOTS[name]
    data = os.path.join(place, f"{name}.dat")
    names = [n for n in out["results"] if n != "loopback"]
    with open(data, "w", encoding="ascii") as f:
        print("measure", *names, file=f)
        for p in points:
            v = [figures.median(out, n, p, figure) for n in names]
            if any(x is not None for x in v):
                print(p, *("NaN" if x is None else f"{x:.6g}" for x in v),
                      file=f)
    script = (f"set terminal svg size 900,500\nset output '{place}/{name}.svg'\n"
              f"set title '{title}'\nset key outside\nset style data "
              "histogram\nset style fill solid 0.8\nset logscale y\n"
              f"plot for [i=2:{len(names) + 1}] '{data}' using i:xtic(1) "
              "title columnheader(i)\n")
    subprocess.run(["gnuplot"], input=script.encode(), check=False,
                   stderr=subprocess.DEVNULL)


def plots(out, place):
    if shutil.which("gnuplot") is None:
        print("no plots: gnuplot is not installed")
        return
    for name in PLOTS:
        plot(out, place, name)
    print(f"plots and all figures: {place}/*.svg, {place}/results.json")
