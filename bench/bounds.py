"""How near the figures are to what the machine allows."""

import statistics

import figures


def bare(out, name):
    v = [row[name] for row in out["limits"] if name in row]
    return statistics.median(v) if v else None


def plus(*terms):
    """Sum of (times, figure); None where a figure is not known."""
    if any(v is None for _, v in terms):
        return None
    return sum(n * v for n, v in terms)


def times(v, least):
    return "-" if None in (v, least) else f"{v:,.2f} ({v / least:.1f})" \
        if v < 100 else f"{v:,.0f} ({v / least:.1f})"


def tell_bare(out):
    """The CPU of each server beside its bare operations."""
    shake = plus((1, bare(out, "sign_us")), (2, bare(out, "verify_us")),
                 (2, bare(out, "x25519_us")))
    both = plus((2, bare(out, "gcm_ns_per_byte")))
    print("\nserver CPU beside the bare operations (openssl speed, plain echo;"
          " in\nparentheses how many times as much)")
    least = {"handshake": ("cpu_us", shake)}
    for m in "bulk-x1", "bulk-x4":
        least[m] = "ns_per_byte", plus((1, both), (1, figures.median(
            out, "loopback", m, "ns_per_byte")))
    print(f"  {'':16} {'handshake, us':>16} {'bulk x 1, ns/B':>16} "
          f"{'bulk x 4, ns/B':>16}")
    print(f"  {'bare':16} " + " ".join(
        f"{'-' if v is None else f'{v:.3g}':>16}" for _, v in least.values()))
    for name in out["servers"]:
        row = [times(figures.median(out, name, m, f), v)
               for m, (f, v) in least.items()]
        if name != "loopback" and any(x != "-" for x in row):
            print(f"  {name:16} " + " ".join(f"{x:>16}" for x in row))
    print("  bare handshake: an ECDSA signature, two verified (client's,"
          " CA's), two X25519;\n  bare bulk: AES-256-GCM there and back, and"
          " a plain echo over loopback"
          + ("" if both is None else f" (AES {both:.2f})"))


def allowed(cores, load, server):
    """MB/s that the processors allow, of ns a byte: the load is one process."""
    return min(1e3 / load, cores * 1e3 / (load + server))


def tell_processors(out):
    """In bulk the load takes a part of the same processors."""
    cores = out["machine"]["cores"]
    print(f"\nbulk: what {cores} processors allow, if the load's CPU comes on "
          "top of the server's\n  "
          f"{'':16} {'':8} {'load ns/B':>9} {'server ns/B':>11} "
          f"{'allows MB/s':>11} {'has':>7} {'':>5}")
    for m in "bulk-x1", "bulk-x4":
        for name in out["servers"]:
            load, server, has = (figures.median(out, name, m, f) for f in
                                 ("load_ns_per_byte", "ns_per_byte",
                                  "mb_per_s"))
            if None in (load, server, has):
                continue
            most = allowed(cores, load, server)
            print(f"  {name:16} {m:8} {load:9.2f} {server:11.2f} {most:11,.0f} "
                  f"{has:7,.0f} {has / most:5.0%}")
    for r in out["verdict"]:
        tell_left(out, cores, r)


def tell_left(out, cores, row):
    """What a target in bulk would leave the server."""
    m = {"bulk x 1": "bulk-x1", "bulk x 4": "bulk-x4"}.get(
        row["target"].split(",")[0])
    if m is None or row["peer"] is None:
        return
    load = figures.median(out, row["server"], m, "load_ns_per_byte")
    peer = figures.median(out, row["peer"], m, "mb_per_s")
    has = figures.median(out, row["server"], m, "ns_per_byte")
    if None in (load, peer, has):
        return
    rate = row["at_least"] * peer
    print(f"  {m}: {row['at_least']} times {row['peer']}'s {peer:,.0f} MB/s "
          f"would leave {row['server']} {cores * 1e3 / rate - load:.2f} ns/B; "
          f"it has {has:.2f}")


def tell(out):
    tell_bare(out)
    tell_processors(out)
