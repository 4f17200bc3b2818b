"""The figures as tables, with ratios, and as plots (gnuplot, SVG)."""

import os
import shutil
import statistics
import subprocess


def values(out, server, measure, figure):
    rows = out["results"].get(server, {}).get(measure, [])
    return [r[figure] for r in rows if r.get(figure) is not None]


def median(out, server, measure, figure):
    v = values(out, server, measure, figure)
    return statistics.median(v) if v else None


def spread(out, server, measure, figure):
    v = values(out, server, measure, figure)
    return f"{min(v):.4g}-{max(v):.4g}" if v else ""


def best(out, names, measure, figure, better):
    """The best of these servers by its median: (value, name)."""
    found = [(median(out, n, measure, figure), n) for n in names]
    found = [f for f in found if f[0] is not None]
    if not found:
        return None, None
    return max(found) if better == "high" else min(found)


def ratio(out, a, b, measure, figure, better):
    """How much better a is than b: the median of the rounds' ratios."""
    x, y = (values(out, n, measure, figure) for n in (a, b))
    pairs = [(p, q) for p, q in zip(x, y) if p and q]
    if not pairs:
        return None
    return statistics.median(p / q if better == "high" else q / p
                             for p, q in pairs)


def cell(v):
    return "-" if v is None else f"{v:.3g}" if v < 100 else f"{v:,.0f}"


def against(out, name, names, measure, figure, better):
    _, peer = best(out, [n for n in names if n != name], measure, figure,
                   better)
    if peer is None:
        return "-"
    r = ratio(out, name, peer, measure, figure, better)
    return "-" if r is None else f"{r:.2f} ({peer})"


def table(out, measure, figure, better, field):
    peers = [n for n, s in field.items() if s.kind in ("C", "Go")]
    print(f"\n{measure.name}: {figure} ({better}er is better)")
    print(f"  {'':14} {'median':>10} {'min-max':>20}  {'to best peer':22} "
          f"{'to best of its class':22}")
    for name, s in field.items():
        v = median(out, name, measure.name, figure)
        if v is None:
            continue
        same = [n for n in peers if n != name and
                field[n].per_connection == s.per_connection]
        print(f"  {name:14} {cell(v):>10} "
              f"{spread(out, name, measure.name, figure):>20}  "
              f"{against(out, name, peers, measure.name, figure, better):22} "
              f"{against(out, name, same, measure.name, figure, better):22}")


def tables(out, todo, field):
    m = out["machine"]
    print(f"{m['date']}, {m['cores']} cores of {m['cpu']}, Linux "
          f"{m['kernel']}; {out['rounds']} rounds of {out['seconds']} s")
    for measure in todo:
        for figure, (_, better) in measure.figures.items():
            table(out, measure, figure, better, field)
    for what, why in out["failed"].items():
        print(f"\nnot measured: {what}: {why}")
    print("\nbare cryptography (openssl speed, one core):")
    for line in out["limits"].values():
        print(f"  {line}")
    targets(out, field)


def per_connection_memory(out, server):
    """KiB of an idle connection: the median over the rounds, at 1,000."""
    rows = out["results"].get(server, {}).get("open-1000", [])
    v = [(r["resident"] + r["kernel"]) / 1000 / 1024 for r in rows
         if r.get("resident") is not None]
    return statistics.median(v) if v else None


def growth(out, server):
    few, many = (median(out, server, m, "per_s") for m in
                 ("echo-64x64", "open-5000"))
    return many / few if few and many else None


def beside(out, server):
    alone, with_bulk = (median(out, server, m, "p99_us") for m in
                        ("echo-64x64", "beside"))
    return with_bulk / alone if alone and with_bulk else None


def targets(out, field):
    """The comparison in one table: what postern is for."""
    c = [n for n, s in field.items() if s.kind == "C"]
    single = [n for n in c if field[n].per_connection]
    every = [n for n, s in field.items() if s.kind in ("C", "Go")]
    rows = [
        ("handshake, server CPU", "handshake", "cpu_us", "low"),
        ("64 B x 1, rate", "echo-64x1", "per_s", "high"),
        ("64 B x 64, rate", "echo-64x64", "per_s", "high"),
        ("bulk x 4, rate", "bulk-x4", "mb_per_s", "high"),
        ("bulk x 1, rate", "bulk-x1", "mb_per_s", "high"),
    ]
    print(f"\n{'':26} {'server':14} {'best C peer':20} "
          f"{'best of all':20} {'Go':8} {'process a connection':20}")
    for title, m, f, better in rows:
        for name in ("postern", "postern-pool"):
            if name not in field:
                continue
            print(f"{title:26} {name:14} "
                  f"{against(out, name, c, m, f, better):20} "
                  f"{against(out, name, every, m, f, better):20} "
                  f"{against(out, name, ['go'], m, f, better)[:4]:8} "
                  f"{against(out, name, single, m, f, better):20}")
    for name in field:
        print(f"{name:14} idle connection {cell(per_connection_memory(out, name))}"
              f" KiB; 5,000 open/64 open {cell(growth(out, name))}; "
              f"small p99 beside bulk/alone {cell(beside(out, name))}")


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
            v = [median(out, n, p, figure) for n in names]
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
