# One case of the suite, run by itself with the test-only programs before the
# built ones, under a plan.  Whatever it leaves behind is ended: whoever runs
# trials is its reaper.

import ctypes
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

PATIENCE = 120          # seconds; whatever takes longer hangs
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
NOBODY, NOGROUP = 65534, 65534
LARGEST = 4 << 20       # of a file in which there may be evidence


class BadPlan(Exception):
    pass


# What was seen, in all that the case has left in its directory.
class Trial:
    def __init__(self, verdict, why, text):
        self.verdict = verdict          # passed, failed, skipped or hung
        self.why = why
        self.text = text

    # What hangs may do so for the load of the machine, and is no evidence.
    def noticed(self):
        return self.verdict == "failed"

    def killed(self):
        return re.search(r"signal=SYS|killed SYS|Bad system call|SIGSYS|"
                         r"status 159", self.text) is not None


# ---- nothing is left over ----------------------------------------------------

# Called once by each process that runs trials: orphans become its children.
def become_reaper():
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    if prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0 or \
            prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, stop)


def stop(*_):
    end_all()
    os._exit(1)


def beneath(pid):
    try:
        for task in os.listdir("/proc/%d/task" % pid):
            path = "/proc/%d/task/%s/children" % (pid, task)
            for child in open(path).read().split():
                yield int(child)
                yield from beneath(int(child))
    except OSError:
        pass                    # it has gone meanwhile


# The kernel's list of children may lack some while others end: so it is read
# again until there is none.
def end_all():
    while True:
        for pid in list(beneath(os.getpid())):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.01)
        except ChildProcessError:
            return


# ---- the case ----------------------------------------------------------------

class Place:
    """A directory with the programs, a plan, and room for one case."""

    def __init__(self, build, top):
        self.build = build
        self.top = tempfile.mkdtemp(dir=top)
        os.chmod(self.top, 0o755)
        self.inside = os.path.join(self.top, "inside")
        self.work = os.path.join(self.top, "work")
        shutil.copytree(os.path.join(build, "inside"), self.inside,
                        ignore=shutil.ignore_patterns("*.a", "plan"))

    def environment(self):
        return {
            "PATH": ":".join((self.inside, self.build, os.environ["PATH"],
                              "/usr/sbin", "/sbin")),
            "HOME": self.work, "TMPDIR": self.work, "TZ": "UTC",
            # as atf's own runner says it
            "__RUNNING_INSIDE_ATF_RUN": "internal-yes-value",
            # for cases that have a plan of their own (inside_verbs.sh)
            "MUTANT": os.path.join(self.inside, "plan"),
        }

    def program(self, case):
        name = case.partition(":")[0]
        # This one is built with mutated tables (inside.mk).
        if name == "lib/reserve_test":
            return os.path.join(self.inside, "reserve_test")
        return os.path.join(self.build, "regress", name)

    # CASE is "daemon/session_test:idle", with " -U" behind it: not as root.
    def start(self, case, part):
        command = []
        if case.endswith(" -U"):
            command = ["setpriv", "--reuid", str(NOBODY), "--regid",
                       str(NOGROUP), "--clear-groups"]
            os.chown(self.work, NOBODY, NOGROUP)
        name = case.removesuffix(" -U")
        command += [self.program(name), "-s", os.path.dirname(
            os.path.join(self.build, "regress", name)), "-r",
            os.path.join(self.work, ".result"),
            name.partition(":")[2] + part]
        return subprocess.Popen(
            command, cwd=self.work, env=self.environment(),
            stdin=subprocess.DEVNULL, start_new_session=True,
            stdout=open(os.path.join(self.work, ".output"), "a"),
            stderr=subprocess.STDOUT)

    def run(self, case, plan):
        shutil.rmtree(self.work, ignore_errors=True)
        os.mkdir(self.work)
        with open(os.path.join(self.inside, "plan"), "w") as f:
            f.write("".join(line + "\n" for line in plan))
        try:
            verdict, why = self.wait(self.start(case, ""))
        finally:
            end_all()
        trial = Trial(verdict, why, self.all_text())
        if "there is no such row" in trial.text:
            raise BadPlan("%s, under: %s" % (case, "; ".join(plan)))
        return trial

    def wait(self, case):
        # Orphans are reaped meanwhile: a pid namespace waits for that.
        end = time.monotonic() + PATIENCE
        while (reaped := os.waitpid(-1, os.WNOHANG)[0]) != case.pid:
            if time.monotonic() > end:
                return "hung", "no end in %d s" % PATIENCE
            if reaped == 0:
                time.sleep(0.01)
        case.returncode = 0
        try:
            said = open(os.path.join(self.work, ".result")).read().strip()
        except OSError:
            return "failed", "it ended without a result"
        word, _, why = said.partition(": ")
        return ("failed" if word == "broken" else word), why

    def all_text(self):
        text = []
        for at, dirs, names in os.walk(self.work):
            dirs[:] = [d for d in dirs if d != "inside"]
            for name in names:
                text.append(read_text(os.path.join(at, name)))
        return "\n".join(text)


def read_text(path):
    if os.path.islink(path) or not os.path.isfile(path):
        return ""
    try:
        with open(path, "rb") as f:
            said = f.read(LARGEST)
            return "" if said.startswith(b"\x7fELF") else \
                said.decode("utf-8", "replace")
    except OSError:
        return ""
