"""Keeps the embedded PostgreSQL running for as long as anybody uses it: `python -I -S keeper.py ORDERS`.

A small process of its own, standard library only, between the programs that use the server and the server itself:

- Users hold a shared lock on the *users file*; the kernel frees it however they die. Once nobody has held it for a
  second, the keeper takes it alone, stops the server and ends.
- The server is the keeper's child and gets SIGINT (a fast, clean shutdown) when the keeper dies, however it dies.
- When the server dies, the keeper ends, and the next connection starts a new one.

ORDERS is a JSON object: command, users, log, uid, gid (null unless the server must not run as root), pid_file.
"""

import ctypes
import fcntl
import json
import os
import signal
import subprocess
import sys
import time

TICK_S = 0.1
UNUSED_S = 1.0  # how long nobody must hold the users file before the server stops
RETRY_S = 15.0  # how long a server that is still dying may block the new one
STOP_S = 60.0
BLOCKED = ("lock file", "pre-existing shared memory")

_PR_SET_PDEATHSIG, _PR_SET_KEEPCAPS, _PR_CAP_AMBIENT, _AMBIENT_RAISE = 1, 8, 47, 2
_CAPABILITIES_V3 = 0x20080522
_DAC = (1, 2)  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH: to walk through folders that only root can enter


def main(orders):
    """Run the server until it dies or nobody uses it."""
    server = start(orders)
    if server is None:
        return 1
    with open(orders["users"], "a") as users:
        signal.signal(signal.SIGTERM, lambda *_: server.send_signal(signal.SIGINT))
        unused_since = None
        while server.poll() is None:
            time.sleep(TICK_S)
            if not alone(users):
                unused_since = None
            elif unused_since is None:
                unused_since = time.monotonic()
            elif time.monotonic() - unused_since > UNUSED_S and alone(users, keep=True):
                return stop(server)
    return server.returncode


def start(orders):
    """Start the server, again and again while the one before it is still dying; None when it does not start."""
    deadline = time.monotonic() + RETRY_S
    while True:
        forget_stale_pid(orders["pid_file"])
        with open(orders["log"], "ab") as log:
            begin = log.tell()
            server = subprocess.Popen(
                orders["command"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
                preexec_fn=lambda: become(orders["uid"], orders["gid"]),
            )  # fmt: skip
        waited = time.monotonic() + 0.5
        while server.poll() is None and time.monotonic() < waited:
            time.sleep(0.05)
        if server.poll() is None:
            return server
        with open(orders["log"], errors="replace") as log:
            log.seek(begin)
            said = log.read()
        if time.monotonic() > deadline or not any(words in said for words in BLOCKED):
            return None
        time.sleep(0.2)


def stop(server):
    """Ask for a fast shutdown, and insist after a minute."""
    server.send_signal(signal.SIGINT)
    try:
        return server.wait(STOP_S)
    except subprocess.TimeoutExpired:
        server.send_signal(signal.SIGQUIT)
        return server.wait()


def alone(users, keep=False):
    """Return whether nobody else holds the users file; with `keep`, go on holding it so that newcomers wait."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    if not keep:
        fcntl.flock(users, fcntl.LOCK_UN)
    return True


def forget_stale_pid(pid_file):
    """Remove a pid file whose process is not a PostgreSQL on this folder: PostgreSQL trusts any live process."""
    try:
        with open(pid_file) as file:
            pid = int(file.readline())
    except (OSError, ValueError):
        return
    if os.path.isdir("/proc/self") and not serves(pid, os.path.dirname(pid_file)):
        os.unlink(pid_file)


def serves(pid, data):
    """Return whether process `pid` is a live PostgreSQL on the folder `data`."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read().split(b"\0")
        with open(f"/proc/{pid}/stat") as file:
            state = file.read().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z" and os.path.basename(words[0]) == b"postgres" and os.fsencode(data) in words


def become(uid, gid):
    """In the child: give up root, keep the right to walk through closed folders, die with the keeper."""
    libc = ctypes.CDLL(None, use_errno=True)
    if uid is not None:
        libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
        mask = sum(1 << capability for capability in _DAC)
        header = (ctypes.c_uint32 * 2)(_CAPABILITIES_V3, 0)
        libc.capset(header, (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0))
        for capability in _DAC:
            libc.prctl(_PR_CAP_AMBIENT, _AMBIENT_RAISE, capability, 0, 0)
    if sys.platform == "linux":
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)


def detach():
    """Leave the terminal's process group and the parent, so that nobody has to bury this process."""
    os.setsid()
    if os.fork():
        os._exit(0)


if __name__ == "__main__":
    detach()
    sys.exit(main(json.loads(sys.argv[1])))
