# Is a mutant noticed, by which case, and for the right reason?

import functools
import os
import queue
import re
import shutil
import signal
import subprocess
import tempfile
import time
from multiprocessing import get_context

import trial

# ---- which cases -------------------------------------------------------------

SEARCH = 240            # seconds; what is not noticed by then has survived
RESERVE = "lib/reserve_test:each_row"

# Those that notice most of it soonest, of each process; then all others in
# their directories, but for what is no mutant.
FIRST = {
    "supervisor": [
        "daemon/session_test:half_close", "daemon/process_test:pool_confined",
        "daemon/relay_test:tcp", "daemon/relay_test:tcp6",
        "daemon/relay_test:local",
        "daemon/hostcheck_test:by_name", "daemon/metrics_test:status",
        "daemon/metrics_test:agree", "daemon/explain_test:addresses",
        "audit/live_test:connection",
        "daemon/reload_test:new_files", "daemon/reload_test:new_address",
        "daemon/watch_test:revoked", "daemon/hostcheck_test:long_answer",
        "daemon/hostcheck_test:server_by_ipv6",
        "daemon/session_test:half_close -U", "daemon/log_test:syslog",
        "daemon/reload_test:second_term", "daemon/limits_test:killed",
        "daemon/start_test:worker_ends", "daemon/reload_test:queued",
        "systemd/notify_test:states"],
    "parent": [
        "daemon/session_test:half_close", "daemon/hostcheck_test:by_name",
        "daemon/relay_test:tcp",
        "daemon/watch_test:revoked", "daemon/watch_test:ca_swapped",
        "daemon/proxy_test:pieces", "daemon/reload_test:term_drains",
        "daemon/log_test:reader_gone_before", "daemon/log_test:syslog",
        "daemon/session_test:many_connection",
        "daemon/session_test:polled"],
    "resolver": [
        "daemon/hostcheck_test:by_name", "daemon/hostcheck_test:long_answer",
        "daemon/hostcheck_test:server_by_ipv6", "daemon/log_test:syslog"],
    "dialer": [
        "daemon/relay_test:tcp", "daemon/relay_test:tcp6",
        "daemon/relay_test:local", "daemon/relay_test:unreachable",
        "daemon/relay_test:full", "daemon/relay_test:full_local",
        "daemon/relay_test:again", "daemon/relay_test:dialer_dies",
        "daemon/log_test:last_words"],
    "dial-spawner": [
        "daemon/relay_test:local", "daemon/relay_test:tcp",
        "daemon/relay_test:tcp6",
        "daemon/relay_test:again", "daemon/relay_test:away",
        "daemon/relay_test:without_root", "daemon/log_test:last_words",
        "daemon/log_test:syslog"],
    "relay-spawner": [
        "daemon/relay_test:tcp", "daemon/relay_test:large",
        "daemon/relay_test:ends_first", "daemon/relay_test:worker_dies",
        "inside/relay_test:worker_spins",
        "daemon/process_test:ends_itself", "daemon/log_test:last_words"],
    "relay": [
        "daemon/relay_test:tcp", "daemon/relay_test:large",
        "daemon/relay_test:ends_first", "daemon/relay_test:closes",
        "daemon/relay_test:mute"],
    "exporter": [
        "daemon/metrics_test:status", "daemon/metrics_test:agree",
        "daemon/metrics_test:unix_socket", "daemon/log_test:syslog"],
    "spawner": [
        "daemon/session_test:half_close",
        "daemon/process_test:kill_session_worker",
        "inside/attack_test:worker_spins",
        "daemon/limits_test:no_processes", "daemon/log_test:last_words"],
    "pool-spawner": [
        "daemon/process_test:pool_confined", "daemon/session_test:sizes_pool",
        "daemon/process_test:ends_itself", "daemon/log_test:last_words"],
    "init": ["daemon/session_test:half_close",
             "daemon/process_test:kill_spawner",
             "inside/attack_test:worker_spins"],
    "echo": ["daemon/session_test:half_close",
             "daemon/session_test:sizes_connection"],
    "pool": ["daemon/session_test:sizes_pool", "daemon/session_test:deaf_pool",
             "daemon/session_test:many_pool"],
    "client": [
        "client/client_test:echo", "client/client_test:no_connection",
        "client/client_test:verbose", "client/client_test:blocked_output",
        "client/ping_test:endless", "client/ping_test:interrupted",
        "client/ping_test:writing", "client/inspect_test:many_names"],
    "looker": [
        "certgen/look_test:inspect", "certgen/look_test:others",
        "certgen/look_test:verify", "certgen/sign_test:csr",
        "certgen/revoke_test:many"],
    "explain": ["daemon/explain_test:order", "daemon/explain_test:addresses",
                "daemon/explain_test:files", "daemon/hostcheck_test:by_name",
                "daemon/explain_test:many_names"],
    "status": ["daemon/metrics_test:status",
               "daemon/metrics_test:status_nobody"],
}
DIRECTORIES = {"client": ["client"], "looker": ["certgen"]}
SERVICE = ["daemon", "systemd"]

# Who sees that a limit is loose.
LOOSE = {
    "dialer": ["audit/live_test:relay"],
    "dial-spawner": ["audit/live_test:relay"],
    "relay-spawner": ["audit/live_test:relay"],
    "relay": ["audit/live_test:relay"],
    "pool-spawner": ["audit/live_test:pool"],
    "pool": ["audit/live_test:pool"],
    "client": ["inside/matrix_test:client"],
    "looker": ["inside/matrix_test:looker"],
    "explain": ["inside/matrix_test:explain"],
    "status": ["inside/matrix_test:exporter"],
}
LIVE = ["audit/live_test:connection"]


@functools.lru_cache(maxsize=None)
def cases_in(build, directory):
    at = os.path.join(build, "regress", directory)
    found = []
    for name in sorted(os.listdir(at)):
        if not name.endswith("_test"):
            continue
        said = subprocess.run([os.path.join(at, name), "-s", at, "-l"],
                              stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL).stdout.decode()
        for line in said.split("\n"):
            if line.startswith("ident: "):
                found.append("%s/%s:%s" % (directory, name, line[7:]))
    return found


# What noticed it the last time comes first.
def candidates(mutant, build, last, search):
    if last and os.path.exists(os.path.join(build, "regress",
                                            last.partition(":")[0])):
        yield last
    if mutant.limit is not None:
        yield from LOOSE.get(mutant.process, LIVE)
    elif mutant.row.reserve:
        yield RESERVE
    else:
        yield from FIRST[mutant.process]
        for directory in DIRECTORIES.get(mutant.process, SERVICE):
            if search:
                yield from cases_in(build, directory)


# ---- is it noticed? ----------------------------------------------------------


class Judge:
    def __init__(self, build, search, top):
        self.build = build
        self.search = search            # in all other cases, too?
        self.controls = os.path.join(top, "controls")
        self.place = trial.Place(build, top)

    # A case that fails without any mutant notices nothing.
    def control(self, case, again=False):
        mark = os.path.join(self.controls, case.replace("/", "."))
        if not again and os.path.exists(mark):
            return open(mark).read()
        seen = self.place.run(case, [])
        said = seen.verdict + (" killed" if seen.killed() else "")
        with open(mark + str(os.getpid()), "w") as f:
            f.write(said)
        os.rename(f.name, mark)
        return said

    # How the case has noticed; None: it has not.
    def how(self, mutant, case, seen):
        if mutant.limit is not None:
            return "" if right_reason(mutant, seen) else None
        if named_at_start(mutant, seen.text):
            return "at the start"
        if seen.killed() and self.control(case) == "passed":
            return "killed"
        return "failed" if self.fails_by_turns(mutant, case) else None

    # It has failed with the mutant.  What fails now and then, because the
    # machine is busy, does so without it, too.
    def fails_by_turns(self, mutant, case):
        return self.control(case, True).startswith("passed") and \
            self.place.run(case, mutant.plan()).noticed() and \
            self.control(case, True).startswith("passed")

    def judge(self, mutant, last):
        tried = set()
        end = time.monotonic() + SEARCH
        for case in candidates(mutant, self.build, last, self.search):
            if case in tried:
                continue
            if time.monotonic() > end:
                return None, "by %d cases" % len(tried)
            tried.add(case)
            seen = self.place.run(case, mutant.plan())
            if not seen.noticed() or \
                    not self.control(case).startswith("passed"):
                continue
            how = self.how(mutant, case, seen)
            if how is not None:
                return case, how
        return None, "by %d cases" % len(tried)


# Whom the start may name for a row of these tables: them, or whom they start,
# who is under their filter until it has its own.
BENEATH = {
    "spawner": ["init", "echo"],
    "pool-spawner": ["init", "pool"],
    "relay-spawner": ["init", "relay"],
}


def named_at_start(mutant, text):
    return any(mutant.process in ("supervisor", who) or
               who in BENEATH.get(mutant.process, [])
               for who in re.findall(r" lacks=%s of=(\S+) " %
                                     mutant.row.call, text))


# Is it for the filter meant that the case has failed, and for nothing else?
def right_reason(mutant, seen):
    if "matrix" in LOOSE.get(mutant.process, LIVE)[0]:
        return any(said in seen.text for said in [
            " %s/%d/%s/" % (group, number, mutant.row.call)
            for group, number, _, _ in mutant.row.places])
    failed = [line for line in seen.text.split("\n") if " FAILED " in line]
    return failed and all("is not the table of %s:" % mutant.process in line
                          for line in failed)


# ---- several at once ---------------------------------------------------------

def serve(judge, tasks, results):
    trial.become_reaper()
    for number, mutant, last in iter(tasks.get, None):
        began = time.monotonic()
        try:
            case, how = judge.judge(mutant, last)
        except (trial.BadPlan, OSError) as e:
            case, how = None, "not tried: %s" % e
        results.put((number, case, how, time.monotonic() - began))


# A signal that comes just before it waits for the queue's lock is not seen.
def end(worker):
    while worker.is_alive():
        worker.terminate()
        worker.join(1)


class Workers:
    """Processes that judge mutants, and leave nothing behind."""

    def __init__(self, build, search, jobs):
        context = get_context("fork")
        self.top = tempfile.mkdtemp(prefix="postern-mutate.")
        os.chmod(self.top, 0o755)
        os.mkdir(os.path.join(self.top, "controls"))
        self.tasks, self.results = context.Queue(), context.Queue()
        # What nobody takes any more is not waited for.
        self.tasks.cancel_join_thread()
        self.workers = [context.Process(target=serve, args=(
            Judge(build, search, self.top), self.tasks, self.results))
            for _ in range(jobs)]
        signal.signal(signal.SIGTERM, lambda *_: exit(1))
        for worker in self.workers:
            worker.start()

    def next(self):
        while True:
            try:
                return self.results.get(timeout=5)
            except queue.Empty:
                if not all(w.is_alive() for w in self.workers):
                    exit("mutate: one that tries mutants has died")

    # Give each mutant, and what noticed it the last time, to somebody, and say
    # what came of it.
    def judge_all(self, all_):
        try:
            for number, (mutant, last) in enumerate(all_):
                self.tasks.put((number, mutant, last))
            for _ in all_:
                number, case, how, seconds = self.next()
                yield all_[number][0], case, how, seconds
        finally:
            for worker in self.workers:
                worker.terminate()
            for worker in self.workers:
                end(worker)
            shutil.rmtree(self.top, ignore_errors=True)
