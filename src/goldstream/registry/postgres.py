"""The registry in the store: versions, the bytes of their folders, and every move of every alias."""

import errno
import hashlib
import io
import shutil
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from goldstream.errors import RegistryError
from goldstream.registry.base import Move, Version
from goldstream.store import Store

CHUNK = 4 << 20  # bytes
LARGEST = 4 << 30  # bytes of a whole folder
CHANNEL = "goldstream_alias"  #: PostgreSQL channel on which moves are announced

_VERSION = "version, name, created_at, labels, threshold, sha256, evidence"
_NEWEST = "SELECT id, before, after FROM alias_moves WHERE alias = %s ORDER BY id DESC LIMIT 1"
_LAST_STANDING = """
    SELECT id, before FROM alias_moves m
    WHERE alias = %s AND undoes IS NULL AND NOT EXISTS (SELECT FROM alias_moves u WHERE u.undoes = m.id)
    ORDER BY id DESC LIMIT 1
"""
_MOVE = "INSERT INTO alias_moves (alias, before, after, undoes, who, why) VALUES (%s, %s, %s, %s, %s, %s)"


class PostgresRegistry:
    """Implements `registry.base.Registry` on the store's tables."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._listening: psycopg.Connection[Any] | None = None

    def register(self, folder: Path, *, name: str, labels: Sequence[str], threshold: float, evidence: Mapping[str, Any]) -> int:
        """Store the folder's content, once however often it is registered, and return its new version."""
        data = _pack(folder)
        sha256 = _sha256(data)
        with self._connect() as conn, conn.transaction():
            for number, start in enumerate(range(0, len(data), CHUNK)):
                conn.execute(
                    "INSERT INTO model_chunks (sha256, number, bytes) VALUES (%s, %s, %b) ON CONFLICT DO NOTHING",
                    (sha256, number, data[start : start + CHUNK]),
                )
            row = conn.execute(
                "INSERT INTO models (name, labels, threshold, sha256, evidence) VALUES (%s, %s, %s, %s, %s) RETURNING version",
                (name, list(labels), threshold, sha256, Jsonb(dict(evidence))),
            ).fetchone()
        assert row is not None
        return int(row[0])

    def fetch(self, version: int, into: Path) -> Path:
        """Write the version's folder below `into`, unless it is there unharmed, and return it; its bytes are checked."""
        sha256 = self.get(version).sha256
        folder = into / sha256
        if folder.exists() and _sha256(_pack(folder)) == sha256:
            return folder
        with self._connect() as conn:
            chunks = conn.execute("SELECT bytes FROM model_chunks WHERE sha256 = %s ORDER BY number", (sha256,))
            data = b"".join(bytes(chunk) for (chunk,) in chunks)
        if _sha256(data) != sha256:
            raise RegistryError(f"the bytes of model version {version} are damaged or missing; promote another version")
        try:
            _unpack(data, folder)
        except tarfile.TarError as error:
            raise RegistryError(f"model version {version} is no folder of plain files: {error}") from None
        return folder

    def versions(self) -> list[Version]:
        """Return all versions, newest first."""
        with self._connect() as conn:
            rows = conn.execute(f"SELECT {_VERSION} FROM models ORDER BY version DESC".encode())
            return [_version(row) for row in rows]

    def get(self, version: int) -> Version:
        """Return one version; raises `RegistryError` when there is none."""
        with self._connect() as conn:
            row = conn.execute(f"SELECT {_VERSION} FROM models WHERE version = %s".encode(), (version,)).fetchone()
        if row is None:
            raise RegistryError(f"there is no model version {version}; `goldstream models list` shows all")
        return _version(row)

    def alias(self, alias: str) -> int | None:
        """Return the version that `alias` names now."""
        with self._connect() as conn:
            row = conn.execute(_NEWEST, (alias,)).fetchone()
        return row[2] if row else None

    def move(self, alias: str, version: int, *, who: str, why: str) -> None:
        """Let `alias` name `version`, remember it, and tell whoever follows the alias."""
        self.get(version)
        with self._connect() as conn, conn.transaction():
            _one_at_a_time(conn, alias)
            row = conn.execute(_NEWEST, (alias,)).fetchone()
            conn.execute(_MOVE, (alias, row[2] if row else None, version, None, who, why))
            conn.execute("SELECT pg_notify(%s, %s)", (CHANNEL, alias))

    def rollback(self, alias: str, *, who: str, why: str) -> int:
        """Take back the newest move that has not been taken back; raises `RegistryError` when none is left."""
        with self._connect() as conn, conn.transaction():
            _one_at_a_time(conn, alias)
            newest = conn.execute(_NEWEST, (alias,)).fetchone()
            undone = conn.execute(_LAST_STANDING, (alias,)).fetchone()
            if newest is None or undone is None or undone[1] is None:
                raise RegistryError(f"{alias} has nothing to go back to; `goldstream models history` shows its moves")
            conn.execute(_MOVE, (alias, newest[2], undone[1], undone[0], who, why))
            conn.execute("SELECT pg_notify(%s, %s)", (CHANNEL, alias))
        return int(undone[1])

    def wait(self, timeout_s: float) -> bool:
        """Return True as soon as an alias may have moved, False after `timeout_s`. Belongs to one thread."""
        if self._listening is None:
            self._listening = self._store.connect(name="registry follower")
            self._listening.execute(f"LISTEN {CHANNEL}".encode())
            return True  # what moved before this was not heard
        try:
            return any(True for _ in self._listening.notifies(timeout=timeout_s, stop_after=1))
        except psycopg.Error:
            self._listening.close()
            self._listening = None
            raise

    def close(self) -> None:
        """Stop listening; a second call does nothing."""
        if self._listening is not None:
            self._listening.close()
            self._listening = None

    def history(self, alias: str | None = None) -> list[Move]:
        """Return the moves, newest first."""
        query = (
            "SELECT at, alias, before, after, who, why FROM alias_moves WHERE %s::text IS NULL OR alias = %s ORDER BY id DESC"
        )
        with self._connect() as conn:
            return [Move(*row) for row in conn.execute(query, (alias, alias))]

    def _connect(self) -> psycopg.Connection[Any]:
        return self._store.connect(name="registry")


def _version(row: Sequence[Any]) -> Version:
    version, name, created_at, labels, threshold, sha256, evidence = row
    return Version(version, name, created_at, tuple(labels), threshold, sha256, evidence)


def _one_at_a_time(conn: psycopg.Connection[Any], alias: str) -> None:
    conn.execute("SELECT pg_advisory_xact_lock(hashtextextended('alias ' || %s, 0))", (alias,))


def _pack(folder: Path) -> bytes:
    """The folder's plain files as one tar, with nothing in it that differs between two equal folders."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.is_symlink())
    if sum(file.stat().st_size for file in files) > LARGEST:
        raise RegistryError(f"{folder} is larger than {LARGEST >> 30} GiB; a registry in the store can't hold it")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for file in files:
            entry = tarfile.TarInfo(file.name)
            entry.size = file.stat().st_size
            with file.open("rb") as content:
                tar.addfile(entry, content)
    return buffer.getvalue()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _unpack(data: bytes, folder: Path) -> None:
    """Write the folder whole, or not at all; another process may be doing the same."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=folder.parent))
    try:
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            tar.extractall(partial / "model", filter="data")
        with suppress(FileNotFoundError):
            if _pack(folder) == data:  # another process was faster, and somebody may be reading it by now
                return
            folder.rename(partial / "damaged")
        (partial / "model").rename(folder)
    except OSError as error:
        if error.errno != errno.ENOTEMPTY:  # that is: another process was faster, with the same bytes
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
