"""What this machine is, and what its bare cryptography takes."""

import os
import platform
import subprocess
import time


def speed(*args):
    """The last words of openssl speed: figures; [] if it has none to tell."""
    try:
        p = subprocess.run(["openssl", "speed", "-seconds", "1", *args],
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                           check=False)
        return p.stdout.decode().split("\n")[-2].split() \
            if p.returncode == 0 else []
    except (OSError, IndexError):
        return []


def cryptography():
    """Of one core, as openssl measures it: us, and ns a byte one way."""
    row = {}
    found = speed("ecdsap256")
    if found:
        row["sign_us"] = 1e6 / float(found[-2])
        row["verify_us"] = 1e6 / float(found[-1])
    found = speed("ecdhx25519")
    if found:
        row["x25519_us"] = 1e6 / float(found[-1])
    found = speed("-bytes", "16384", "-evp", "aes-256-gcm")
    if found:
        row["gcm_ns_per_byte"] = 1e6 / float(found[-1].rstrip("k"))
    return row


def version_of(command, line=0):
    try:
        p = subprocess.run(command, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, check=False)
        return p.stdout.decode(errors="replace").strip().splitlines()[line]
    except (OSError, IndexError):
        return "?"


def machine(build):
    model = "?"
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        for line in f:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return {
        "date": time.strftime("%Y-%m-%d"),
        "cpu": model,
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "versions": {
            "postern": version_of([f"{build}/posternd", "-V"]),
            # what it runs with, and the package it was built with
            "libtls": version_of([f"{build}/posternd", "-V"], 1) + ", " +
            version_of(["pkg-config", "--modversion", "libtls"]),
            "openssl": version_of(["openssl", "version"]),
            "go": version_of(["go", "version"]),
            "nginx": version_of(["nginx", "-v"]),
            "haproxy": version_of(["haproxy", "-v"]),
            "hitch": version_of(["hitch", "--version"]),
            "stunnel": version_of(["sh", "-c",
                                   "stunnel4 -version 2>&1 | grep ^stunnel"]),
            "socat": version_of(["sh", "-c", "socat -V | sed -n 2p"]),
            # it does not tell its own
            "tlswrapper": version_of(["dpkg-query", "-W", "tlswrapper"]),
        },
    }
