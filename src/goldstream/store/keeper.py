"""Keeps the embedded PostgreSQL running for as long as anybody uses it: `python -I -S keeper.py ORDERS`.

A small process of its own, standard library only, between the programs that use the server and the server itself:

- Users hold a shared lock on the *users file*; the kernel frees it however they die. Once nobody has held it for a
  second, the keeper takes it alone, stops the server and ends.
- The server is the keeper's child and gets SIGINT (a fast, clean shutdown) when the keeper dies, however it dies.
- When the server dies, the keeper ends, and the next connection starts a new one.
- The server and all its processes inherit a lock on the *alive file*. A new server starts only when that is free, so
  nothing of the one before it can still write; then, and only then, is a pid file that was left behind removed.

ORDERS is a JSON object, written by `server.py`: `bin`, `folder` and `socket` (folders), `initdb` and `options`
(arguments), `files` (name → text, written into the data folder), `uid` and `gid` (null unless the server must not run
as root). The keeper also inherits an open, locked file, whose lock says that a keeper lives.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import IO, Any

TICK_S = 0.2
UNUSED_S = 1.0  # how long nobody must hold the users file before the server stops
STOP_S = 60.0  # how long a fast shutdown may take before it is made an immediate one
CLEAR_S = 60.0  # how long what is left of an earlier server may take to end
INSIST_S = (2.0, 15.0)  # when what is left gets SIGQUIT, and when SIGKILL

_PR_SET_PDEATHSIG, _PR_SET_KEEPCAPS, _PR_CAP_AMBIENT, _AMBIENT_RAISE = 1, 8, 47, 2
_CAPABILITIES_V3 = 0x20080522
_DAC = (1, 2)  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH: to walk through folders that only root can enter


Orders = dict[str, Any]
Server = subprocess.Popen[bytes]


class Failure(Exception):
    """The server can't be started, for a reason that the log should give."""


def main(orders: Orders) -> int:
    """Run the server until it dies or nobody uses it."""
    folder = orders["folder"]
    with open(os.path.join(folder, "postgres.users"), "a") as users, open(alive_file(folder), "a") as alive:
        try:
            server = start(orders, alive)
        except (Failure, OSError, subprocess.SubprocessError) as failure:
            print(f"FATAL:  keeper: {failure}", file=sys.stderr, flush=True)
            return 1
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


def start(orders: Orders, alive: IO[str]) -> Server:
    """Start the server, once nothing is left of an earlier one; makes its data folder when there is none."""
    data = os.path.join(orders["folder"], "postgres")
    clear(alive, data)
    rights = needed_rights(orders)
    if not os.path.exists(os.path.join(data, "PG_VERSION")):
        initialise(orders, data, rights)
    for name in ("postmaster.pid", os.path.join(orders["socket"], ".s.PGSQL.5432.lock")):
        path = os.path.join(data, name)
        if os.path.lexists(path):
            os.unlink(path)  # PostgreSQL would believe in any process that has this number by now
    for name, text in orders["files"].items():
        with open(os.path.join(data, name), "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(text)
        give(file.name, orders)
    return run(orders, rights, "postgres", "-D", data, *orders["options"], pass_fds=[alive.fileno()])


def clear(alive: IO[str], data: str) -> None:
    """Take the alive file's lock for the new server, making whatever still holds it end."""
    begin = time.monotonic()
    sent = 0
    while not alone(alive, keep=True) or leftovers(data):
        waited = time.monotonic() - begin
        if waited > CLEAR_S:
            raise Failure(f"another PostgreSQL uses {data}, perhaps in another container; stop it first")
        signals = (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL)
        if sent < len(signals) and waited >= (0.0, *INSIST_S)[sent]:
            for pid in leftovers(data):
                send(pid, signals[sent])
            sent += 1
        time.sleep(0.05)


def leftovers(data: str) -> list[int]:
    """Return the processes of PostgreSQL servers on the folder `data`; a number in a file is never trusted."""
    if not os.path.isdir("/proc/self") or not os.path.isdir(data):
        return []
    home = os.stat(data)
    return [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and serves(pid, home)]


def serves(pid: str, home: os.stat_result) -> bool:
    """Return whether process `pid` is a live PostgreSQL that works in the folder whose stat is `home`."""
    try:
        return os.path.basename(os.readlink(f"/proc/{pid}/exe")).startswith("postgres") and os.path.samestat(
            os.stat(f"/proc/{pid}/cwd"), home
        )
    except OSError:  # gone, a zombie, or another user's
        return False


def send(pid: int, number: int) -> None:
    """Send a signal to a process that may have ended by now."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def initialise(orders: Orders, data: str, rights: Sequence[int]) -> None:
    """Make the data folder, under another name until it is whole, so that a crash leaves no half-made one."""
    new = data + ".new"
    shutil.rmtree(new, ignore_errors=True)
    os.mkdir(new, 0o700)
    give(new, orders)
    made = run(orders, rights, "initdb", "-D", new, *orders["initdb"])
    if made.wait():
        raise Failure(f"the data folder {new} could not be made")
    os.rename(new, data)


def run(orders: Orders, rights: Sequence[int], program: str, *arguments: str, pass_fds: Sequence[int] = ()) -> Server:
    """Start one of PostgreSQL's programs as the user it must run as."""
    parent = os.getpid()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return subprocess.Popen(
        [os.path.join(orders["bin"], program), *arguments], stdin=subprocess.DEVNULL, cwd="/",
        env={**environment, "LC_ALL": "C"}, preexec_fn=lambda: become(orders, rights, parent), pass_fds=pass_fds,
    )  # fmt: skip


def give(path: str, orders: Orders) -> None:
    """Make `path` belong to the server's user."""
    if orders["uid"] is not None:
        os.chown(path, orders["uid"], orders["gid"])


def needed_rights(orders: Orders) -> Sequence[int]:
    """Return the capabilities that a server without root needs to get at its files: none, if folders let it pass."""
    if orders["uid"] is None:
        return ()
    child = os.fork()
    if child == 0:
        try:
            become(orders, (), os.getppid())
            os.chdir("/")
            passes = os.access(os.path.join(orders["bin"], "postgres"), os.R_OK | os.X_OK)
            os._exit(0 if passes and all(os.access(orders[name], os.X_OK) for name in ("folder", "socket")) else 1)
        except BaseException:
            os._exit(2)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code == 2:
        raise Failure("PostgreSQL refuses to run as root, and this root may not become another user: not permitted")
    return () if code == 0 else tuple(right for right in _DAC if permitted() >> right & 1)


def permitted() -> int:
    """Return the mask of the capabilities that this process may use."""
    with open("/proc/self/status") as file:
        return next(int(line.split()[1], 16) for line in file if line.startswith("CapPrm:"))


def become(orders: Orders, rights: Sequence[int], parent: int) -> None:
    """In a child: give up root but for `rights`, and die with the keeper, the process `parent`."""
    libc = ctypes.CDLL(None, use_errno=True)
    if orders["uid"] is not None:
        libc.prctl(_PR_SET_KEEPCAPS, 1 if rights else 0, 0, 0, 0)
        os.setgroups([])
        os.setgid(orders["gid"])
        os.setuid(orders["uid"])
        if rights:
            mask = sum(1 << right for right in rights)
            header = (ctypes.c_uint32 * 2)(_CAPABILITIES_V3, 0)
            libc.capset(header, (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0))
        for right in rights:
            libc.prctl(_PR_CAP_AMBIENT, _AMBIENT_RAISE, right, 0, 0)
    if sys.platform == "linux":
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)


def stop(server: Server) -> int:
    """Ask for a fast shutdown, and insist after a while."""
    server.send_signal(signal.SIGINT)
    try:
        return server.wait(STOP_S)
    except subprocess.TimeoutExpired:
        server.send_signal(signal.SIGQUIT)
        return server.wait()


def alone(file: IO[str], *, keep: bool = False) -> bool:
    """Return whether nobody else holds the lock on `file`; with `keep`, go on holding it so that newcomers wait."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    if not keep:
        fcntl.flock(file, fcntl.LOCK_UN)
    return True


def alive_file(folder: str) -> str:
    """Return the file whose lock the server and all its processes hold."""
    return os.path.join(folder, "postgres.alive")


def detach() -> None:
    """Leave the terminal's process group and the parent, so that nobody has to bury this process."""
    os.setsid()
    if os.fork():
        os._exit(0)


if __name__ == "__main__":
    os.umask(0o077)
    detach()
    sys.exit(main(json.loads(sys.argv[1])))
