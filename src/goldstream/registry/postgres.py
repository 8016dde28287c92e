"""The registry in the store: versions, the bytes of their folders, and every move of every alias."""

import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import psycopg
from psycopg.types.json import Jsonb

from goldstream.errors import RegistryError
from goldstream.registry import moves
from goldstream.registry.base import Move, Version
from goldstream.registry.folders import is_unharmed, pack, sha256_of, unpack
from goldstream.settings import Settings
from goldstream.store import Store, refusals

CHUNK = 4 << 20  # bytes

_VERSION = "version, name, created_at, labels, threshold, sha256, evidence"


class PostgresRegistry:
    """Implements `registry.base.Registry` on the store's tables."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._announcements = moves.Announcements(store)

    @classmethod
    def open(cls, store: Store, settings: Settings) -> Self:
        """Return the registry of the project whose store this is."""
        return cls(store)

    def register(self, folder: Path, *, name: str, labels: Sequence[str], threshold: float, evidence: Mapping[str, Any]) -> int:
        """Store the folder's content, once however often it is registered, and return its new version."""
        with self._connect() as conn, conn.transaction():
            sha256 = _keep(conn, folder)
            row = conn.execute(
                "INSERT INTO models (name, labels, threshold, sha256, evidence) VALUES (%s, %s, %s, %s, %s) RETURNING version",
                (name, list(labels), threshold, sha256, Jsonb(dict(evidence))),
            ).fetchone()
        assert row is not None
        return int(row[0])

    def take_over(self, versions: Sequence[tuple[Version, Path]]) -> None:
        """Store the folders' content; the store remembers the rest, and goes on counting after the newest version."""
        for _, folder in versions:
            with self._connect() as conn, conn.transaction():
                _keep(conn, folder)
        with self._connect() as conn:
            conn.execute("SELECT setval(pg_get_serial_sequence('models', 'version'), max(version)) FROM models")

    def fetch(self, version: int, into: Path) -> Path:
        """Write the version's folder below `into`, unless it is there unharmed, and return it; its bytes are checked."""
        sha256 = self.get(version).sha256
        folder = into / sha256
        if is_unharmed(folder, sha256):
            return folder
        with self._connect() as conn:
            chunks = conn.execute("SELECT bytes FROM model_chunks WHERE sha256 = %s ORDER BY number", (sha256,))
            data = b"".join(bytes(chunk) for (chunk,) in chunks)
        if sha256_of(data) != sha256:
            raise RegistryError(f"the bytes of model version {version} are damaged or missing; promote another version")
        try:
            unpack(data, folder)
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
            return moves.aliases(conn).get(alias)

    def move(self, alias: str, version: int, *, who: str, why: str) -> bool:
        """Let `alias` name `version`, remember it, and tell whoever follows the alias; False when it does so already."""
        self.get(version)
        with self._connect() as conn, conn.transaction():
            moves.one_at_a_time(conn)
            if moves.aliases(conn).get(alias) == version:
                return False
            moves.record(conn, alias, version, who=who, why=why)
        return True

    def rollback(self, alias: str, *, who: str, why: str) -> int:
        """Take back the newest move that has not been taken back; raises `RegistryError` when none is left."""
        with self._connect() as conn, conn.transaction():
            moves.one_at_a_time(conn)
            undone = moves.last_standing(conn, alias)
            moves.record(conn, alias, undone.before, who=who, why=why, undoes=undone.id)
        return undone.before

    def wait(self, timeout_s: float) -> bool:
        """Return True as soon as an alias or a threshold may have moved, False after `timeout_s`. Belongs to one thread."""
        return self._announcements.wait(timeout_s)

    def close(self) -> None:
        """Stop listening; a second call does nothing."""
        self._announcements.close()

    def thresholds(self) -> Mapping[int, float]:
        """Return the threshold in force for each version: the one it was registered with, unless it was moved since."""
        with self._connect() as conn:
            return moves.thresholds(conn)

    def refuse(self, alias: str, version: int, *, stays: int | None, who: str, why: str) -> None:
        """Remember that `who` follows the alias and would not take `version` over; `stays` goes on."""
        with self._connect() as conn:
            refusals.add(conn, alias, version, stays=stays, who=who, why=why)

    def history(self, alias: str | None = None) -> list[Move]:
        """Return the moves, newest first."""
        with self._connect() as conn:
            return moves.history(conn, alias)

    def _connect(self) -> psycopg.Connection[Any]:
        return self._store.connect(name="registry")


def _version(row: Sequence[Any]) -> Version:
    version, name, created_at, labels, threshold, sha256, evidence = row
    return Version(version, name, created_at, tuple(labels), threshold, sha256, evidence)


def _keep(conn: psycopg.Connection[Any], folder: Path) -> str:
    """Store a folder's content, once however often it comes, and return its checksum."""
    data = pack(folder)
    sha256 = sha256_of(data)
    for number, start in enumerate(range(0, len(data), CHUNK)):
        conn.execute(
            "INSERT INTO model_chunks (sha256, number, bytes) VALUES (%s, %s, %b) ON CONFLICT DO NOTHING",
            (sha256, number, data[start : start + CHUNK]),
        )
    return sha256
