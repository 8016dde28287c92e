"""The registry in the store: bytes that somebody has tampered with."""

import hashlib
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from goldstream.errors import RegistryError
from goldstream.registry.postgres import PostgresRegistry
from goldstream.store import Store


@pytest.fixture
def registry(store: Store) -> PostgresRegistry:
    return PostgresRegistry(store)


@pytest.fixture
def register(registry: PostgresRegistry, tmp_path: Path) -> Callable[[str], int]:
    """Register a folder with one file."""

    def run(content: str) -> int:
        folder = tmp_path / "made" / content
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.json").write_text(content)
        return registry.register(folder, name="m", labels=("no", "yes"), threshold=0.4, evidence={"f1": 0.8})

    return run


def smuggle(store: Store, data: bytes) -> int:
    """Put `data` where a model's folder should be, as somebody who can write to the database would."""
    sha256 = hashlib.sha256(data).hexdigest()
    with store.connect(name="test") as conn:
        conn.execute("INSERT INTO model_chunks (sha256, number, bytes) VALUES (%s, 0, %b)", (sha256, data))
        row = conn.execute(
            "INSERT INTO models (name, labels, threshold, sha256, evidence) VALUES ('m', '{a,b}', 0.5, %s, '{}') RETURNING version",
            (sha256,),
        ).fetchone()
    assert row is not None
    return int(row[0])


def archive(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname = kind, target
        tar.addfile(entry)
    return buffer.getvalue()


def test_damaged_bytes_are_not_written(
    registry: PostgresRegistry, register: Callable[[str], int], store: Store, tmp_path: Path
) -> None:
    version = register("one")
    with store.connect(name="test") as conn:
        conn.execute("UPDATE model_chunks SET bytes = %b", (b"other",))
    with pytest.raises(RegistryError, match="damaged or missing"):
        registry.fetch(version, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    "data",
    [
        archive("../../out.txt"),
        archive("link", tarfile.SYMTYPE, "../../out.txt"),
        archive("link", tarfile.LNKTYPE, "/etc/passwd"),
        archive("pipe", tarfile.FIFOTYPE),
        b"no archive",
    ],
    ids=["above", "link", "hard link", "pipe", "none"],
)
def test_an_archive_with_path_tricks_writes_nothing(
    registry: PostgresRegistry, store: Store, tmp_path: Path, data: bytes
) -> None:
    version = smuggle(store, data)
    with pytest.raises(RegistryError, match="is no folder of plain files"):
        registry.fetch(version, tmp_path / "a" / "cache")
    assert [path for path in tmp_path.rglob("*") if path.name not in ("a", "cache")] == []


def test_an_absolute_name_stays_below_the_folder(registry: PostgresRegistry, store: Store, tmp_path: Path) -> None:
    outside = tmp_path / "out.txt"
    folder = registry.fetch(smuggle(store, archive(str(outside))), tmp_path / "cache")
    assert not outside.exists()
    assert (folder / str(outside).lstrip("/")).exists()
