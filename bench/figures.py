"""Figures of a run (results.json, loaded), and their ratios.

A row of results has the number of its round, so that what is compared is always
of one round, whoever was not measured in another.
"""

import statistics


def by_round(out, server, measure, figure):
    rows = out["results"].get(server, {}).get(measure, [])
    return {r["round"]: r[figure] for r in rows if r.get(figure) is not None}


def values(out, server, measure, figure):
    return list(by_round(out, server, measure, figure).values())


def median(out, server, measure, figure):
    v = values(out, server, measure, figure)
    return statistics.median(v) if v else None


def spread(out, server, measure, figure):
    v = values(out, server, measure, figure)
    return f"{min(v):.4g}-{max(v):.4g}" if v else ""


def best(out, names, measure, figure, better):
    """The best of these servers by its median: its name, or None."""
    found = [(median(out, n, measure, figure), n) for n in names]
    found = [f for f in found if f[0] is not None]
    if not found:
        return None
    return (max(found) if better == "high" else min(found))[1]


def quotient(over, under):
    """The median of the rounds' quotients; None where no round has both."""
    q = [over[n] / under[n] for n in over if under.get(n) and over[n]]
    return statistics.median(q) if q else None


def ratio(out, a, b, measure, figure, better):
    """How much better a is than b."""
    x, y = (by_round(out, n, measure, figure) for n in (a, b))
    return quotient(x, y) if better == "high" else quotient(y, x)


def against(out, name, names, measure, figure, better):
    """The ratio to the best of `names`, and its name; None, None."""
    peer = best(out, [n for n in names if n != name], measure, figure, better)
    if peer is None:
        return None, None
    return ratio(out, name, peer, measure, figure, better), peer


def peers(out, *kinds, per_connection=None):
    """Servers of these kinds, or of one class of them."""
    return [n for n, s in out["servers"].items() if s["kind"] in kinds and
            per_connection in (None, s["per_connection"])]


def memory(out, server, measure, connections):
    """KiB of an idle connection, the kernel's part included."""
    rows = out["results"].get(server, {}).get(measure, [])
    v = [(r["resident"] + r["kernel"]) / connections / 1024 for r in rows
         if r.get("resident") is not None and r.get("kernel") is not None]
    return statistics.median(v) if v else None
