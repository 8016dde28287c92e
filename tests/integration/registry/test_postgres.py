"""The registry in the store: versions and their bytes, and aliases that remember where they were."""

import hashlib
import io
import tarfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
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


def test_what_was_registered_is_fetched_again(
    registry: PostgresRegistry, register: Callable[[str], int], tmp_path: Path
) -> None:
    version = register("one")
    folder = registry.fetch(version, tmp_path / "cache")
    assert [(file.name, file.read_text()) for file in folder.iterdir()] == [("model.json", "one")]
    found = registry.get(version)
    assert (found.name, found.labels, found.threshold, found.evidence) == ("m", ("no", "yes"), 0.4, {"f1": 0.8})


def test_equal_folders_are_two_versions_of_the_same_bytes(registry: PostgresRegistry, register: Callable[[str], int]) -> None:
    first, second = register("one"), register("one")
    assert first != second
    assert registry.get(first).sha256 == registry.get(second).sha256


def test_several_may_fetch_at_once(registry: PostgresRegistry, register: Callable[[str], int], tmp_path: Path) -> None:
    version = register("one")
    with ThreadPoolExecutor(8) as pool:
        read = set(pool.map(lambda _: (registry.fetch(version, tmp_path / "cache") / "model.json").read_text(), range(64)))
    assert read == {"one"}  # a folder that was given out is not taken away again by a slower one
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [registry.get(version).sha256]


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


def test_rolling_back_twice_goes_back_two_steps(registry: PostgresRegistry, register: Callable[[str], int]) -> None:
    one, two, three = register("one"), register("two"), register("three")
    for version in (one, two, three):
        registry.move("champion", version, who="ann", why="better")
    assert registry.rollback("champion", who="ann", why="worse") == two
    assert registry.rollback("champion", who="ann", why="worse") == one
    assert registry.alias("champion") == one
    with pytest.raises(RegistryError, match="nothing to go back to"):
        registry.rollback("champion", who="ann", why="worse")
    moves = [(move.before, move.after, move.why) for move in registry.history("champion")]
    assert moves == [
        (two, one, "worse"),
        (three, two, "worse"),
        (two, three, "better"),
        (one, two, "better"),
        (None, one, "better"),
    ]


def test_a_version_that_is_not_there_is_said_so(registry: PostgresRegistry, tmp_path: Path) -> None:
    for ask in (
        lambda: registry.get(7),
        lambda: registry.fetch(7, tmp_path),
        lambda: registry.move("champion", 7, who="ann", why="better"),
    ):
        with pytest.raises(RegistryError, match="there is no model version 7"):
            ask()
