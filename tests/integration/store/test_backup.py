"""A project goes into one file and comes back, and nothing that does not belong there comes with it."""

import io
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from goldstream import settings
from goldstream.errors import StoreError
from goldstream.store import Store
from goldstream.store.backup import backup, restore

from .conftest import Server, until


@pytest.fixture
def archive(store: Store, tmp_path: Path) -> Path:
    """The backup of a small project whose settings name an embedded store of its own."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "goldstream.toml").write_text(f'[store]\nschema = "{store.schema}"\n')
    (project / "labeling.py").write_text("FUNCTIONS = []\n")
    (project / "words.txt").write_text("gold\n")
    (project / "link.txt").symlink_to("/etc/passwd")
    (project / ".secret").write_text("hidden")
    with store.connect(name="test") as conn:
        conn.execute("INSERT INTO logs (log, next_position) VALUES ('posts', 3)")
    out = tmp_path / "project.backup"
    backup(store, project / "goldstream.toml", out)
    return out


def members(archive: Path) -> dict[str, bytes]:
    with archive.open("rb") as packed:
        data = zstandard.ZstdDecompressor().stream_reader(packed).read()
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {info.name: tar.extractfile(info).read() for info in tar}  # type: ignore[union-attr]


def pack(archive: Path, content: dict[str, bytes], change: Callable[[tarfile.TarInfo], None] = lambda info: None) -> None:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name, text in content.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            change(info)
            tar.addfile(info, io.BytesIO(text))
    archive.write_bytes(zstandard.compress(data.getvalue()))


def test_a_project_comes_back(archive: Path, store: Store, server: Server, tmp_path: Path) -> None:
    server.folder, server.home = tmp_path / "back", tmp_path / "back" / ".goldstream"
    manifest = restore(archive, server.folder)
    assert [member.name for member in manifest.members] == [
        "store.dump", "project/goldstream.toml", "project/labeling.py", "project/words.txt",
    ]  # fmt: skip
    assert (server.folder / "words.txt").read_text() == "gold\n"
    section = settings.load(server.folder / "goldstream.toml").store
    with Store.open(section, server.folder) as restored, restored.connect(name="test") as theirs:
        with store.connect(name="test") as ours:
            query = "SELECT * FROM logs"
            assert theirs.execute(query).fetchall() == ours.execute(query).fetchall()


def test_a_backup_is_of_one_moment_while_streams_run(store: Store, server: Server, tmp_path: Path) -> None:
    (tmp_path / "goldstream.toml").write_text(f'[store]\nschema = "{store.schema}"\n')
    stop = threading.Event()

    def stream() -> None:
        with store.connect(name="stream") as conn:
            conn.execute("INSERT INTO logs (log) VALUES ('posts')")
            while not stop.is_set():
                with conn.transaction():
                    conn.execute("INSERT INTO cursors SELECT 'posts', next_position::text FROM logs")
                    conn.execute("UPDATE logs SET next_position = next_position + 1")

    writer = threading.Thread(target=stream)
    writer.start()
    try:
        with store.connect(name="watch") as conn:
            until(lambda: conn.execute("SELECT count(*) FROM cursors").fetchone() > (20,), "posts flow")  # type: ignore[operator]
        backup(store, tmp_path / "goldstream.toml", tmp_path / "out")
    finally:
        stop.set()
        writer.join()
    server.folder, server.home = tmp_path / "back", tmp_path / "back" / ".goldstream"
    restore(tmp_path / "out", server.folder)
    section = settings.load(server.folder / "goldstream.toml").store
    with Store.open(section, server.folder) as restored, restored.connect(name="test") as conn:
        query = "SELECT count(*), (SELECT next_position FROM logs) FROM cursors"
        row = conn.execute(query).fetchone()
    assert row is not None and row[0] == row[1] > 20


def test_only_its_owner_may_read_a_backup(archive: Path) -> None:
    assert archive.stat().st_mode & 0o077 == 0


def test_a_backup_is_never_overwritten(archive: Path, store: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="exists already"):
        backup(store, tmp_path / "project" / "goldstream.toml", archive)


def test_a_folder_that_is_not_empty_is_left_alone(archive: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is not empty"):
        restore(archive, tmp_path / "project")


@pytest.mark.parametrize("name", ["../evil.py", "/tmp/evil.py", "project/../../evil.py", "project/new.py"])
def test_a_file_that_does_not_belong_is_refused(name: str, archive: Path, tmp_path: Path) -> None:
    pack(archive, {**members(archive), name: b"evil"})
    with pytest.raises(StoreError, match="does not belong in a backup"):
        restore(archive, tmp_path / "back")
    assert not (tmp_path / "back").exists() and not list(tmp_path.rglob("evil.py"))


def test_a_link_instead_of_a_file_is_refused(archive: Path, tmp_path: Path) -> None:
    def link(info: tarfile.TarInfo) -> None:
        if info.name.endswith("words.txt"):
            info.type, info.linkname, info.size = tarfile.SYMTYPE, "/etc/passwd", 0

    pack(archive, members(archive), link)
    with pytest.raises(StoreError, match="does not belong in a backup"):
        restore(archive, tmp_path / "back")


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda content: {**content, "project/words.txt": b"lead\n"}, r"words\.txt is damaged"),
        (lambda content: {name: data for name, data in content.items() if "words" not in name}, "is missing"),
        (lambda content: {name: data for name, data in content.items() if "manifest" not in name}, "no manifest"),
    ],
)
def test_a_damaged_backup_is_refused(
    harm: Callable[[dict[str, bytes]], dict[str, bytes]], said: str, archive: Path, tmp_path: Path
) -> None:
    pack(archive, harm(members(archive)))
    with pytest.raises(StoreError, match=said):
        restore(archive, tmp_path / "back")
    assert not (tmp_path / "back").exists()


@pytest.mark.parametrize("harm", [lambda data: data[: len(data) // 2], lambda data: b"not an archive", lambda data: b""])
def test_half_a_backup_is_refused(harm: Callable[[bytes], bytes], archive: Path, tmp_path: Path) -> None:
    archive.write_bytes(harm(archive.read_bytes()))
    with pytest.raises(StoreError, match="is not a whole backup"):
        restore(archive, tmp_path / "back")
