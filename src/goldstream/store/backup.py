"""A whole project in one file, and back: what PostgreSQL holds, as of one moment, and the project's own small files.

The file is a tar archive, compressed with zstandard. Its first member, `manifest.json`, lists all the others with size
and SHA-256, and nothing is unpacked that it does not list. Restore only backups that you made: a backup holds a
project's Python files and SQL, and both are run.
"""

import hashlib
import io
import os
import subprocess
import tarfile
import tempfile
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import IO, Annotated

import msgspec
import psycopg
import zstandard

from goldstream import clock, settings
from goldstream.errors import StoreError
from goldstream.store import Store
from goldstream.store.server import binaries

FORMAT = 1
LARGEST_FILE = 10_000_000  #: bytes; larger files of a project are data, which have homes of their own
_MANIFEST, _DUMP, _FILES = "manifest.json", "store.dump", "project"
_LARGEST_MANIFEST = 10_000_000  # bytes
_LOCK_WAIT = "60s"


class Member(msgspec.Struct, frozen=True):
    """One file in a backup."""

    name: str
    bytes: Annotated[int, msgspec.Meta(ge=0)]
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """What a backup holds."""

    format: int
    goldstream: str  #: version that made it
    made_at: str
    settings: str  #: name of the settings file
    schema: str
    members: tuple[Member, ...]
    left_out: tuple[str, ...]  #: files of the project that are too large, or lie outside its folder


def backup(store: Store, settings_file: Path, out: Path) -> Manifest:
    """Write the project to `out` and return what is in it. Streams may run meanwhile; the copy is of one moment."""
    if out.exists():
        raise StoreError(f"{out} exists already; choose another name, or remove it")
    found, left_out = _project_files(settings_file)
    try:
        with tempfile.TemporaryDirectory(dir=out.absolute().parent, prefix=".backup-") as made:
            dump = Path(made) / _DUMP
            _run_tool(
                store, "pg_dump", "--format=custom", "--compress=0", "--no-owner", "--no-acl", "--schema", store.schema,
                "--lock-wait-timeout", _LOCK_WAIT, "--file", str(dump),
            )  # fmt: skip
            files = {_DUMP: dump, **{f"{_FILES}/{name}": path for name, path in found.items()}}
            manifest = Manifest(
                FORMAT, version("goldstream"), clock.now().isoformat(), settings_file.name, store.schema,
                tuple(Member(name, *_measure(path)) for name, path in files.items()), tuple(left_out),
            )  # fmt: skip
            archive = Path(made) / "archive"
            _pack(archive, manifest, files)
            archive.rename(out)
    except OSError as error:
        raise StoreError(f"{out}: the backup can't be written: {error.strerror or error}") from None
    return manifest


def restore(archive: Path, into: Path) -> Manifest:
    """Bring the project in `archive` back into the folder `into`, which must be empty or not there.

    Everything is checked before anything is kept. Raises `StoreError` when the archive is damaged, the folder is not
    empty, or the database that the settings name already holds something.
    """
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise StoreError(f"{into} is not empty; restore into a new folder")
    into.absolute().parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=into.absolute().parent, prefix=".restore-") as made:
        manifest = _unpack(archive, Path(made))
        project, dump = Path(made) / _FILES, Path(made) / _DUMP
        read = settings.load(project / manifest.settings)
        if into.exists():
            into.rmdir()
        project.rename(into)
        with Store.reach(read.store, into) as store:
            _refuse_used(store)
            _run_tool(store, "pg_restore", "--no-owner", "--no-acl", "--single-transaction", "--exit-on-error", str(dump))
    Store.open(read.store, into).close()
    return manifest


def _project_files(settings_file: Path) -> tuple[dict[str, Path], list[str]]:
    """Return the project's small files by name, and what is left out."""
    folder = settings_file.absolute().parent
    functions = Path(os.path.normpath(folder / settings.load(settings_file).labeling.functions))
    folders = {folder, functions.parent}
    found: dict[str, Path] = {}
    left_out = []
    for path in sorted(path for each in folders if each.is_dir() for path in each.iterdir()):
        if path.is_symlink() or not path.is_file() or path.name.startswith(".") or _is_compressed(path):
            continue
        if path.is_relative_to(folder) and path.stat().st_size <= LARGEST_FILE:
            found[path.relative_to(folder).as_posix()] = path
        elif path == functions or path.is_relative_to(folder):
            left_out.append(str(path))
    return found, left_out


def _is_compressed(path: Path) -> bool:
    """Whether it is data, or an older backup."""
    with path.open("rb") as file:
        return file.read(4) == b"\x28\xb5\x2f\xfd"


def _measure(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()


def _pack(archive: Path, manifest: Manifest, files: dict[str, Path]) -> None:
    with _private_file(archive) as raw:
        with zstandard.ZstdCompressor(level=3).stream_writer(raw, closefd=False) as packed:
            with tarfile.open(fileobj=packed, mode="w|") as tar:
                data = msgspec.json.encode(manifest)
                _add(tar, _MANIFEST, len(data), io.BytesIO(data))
                for member in manifest.members:
                    with files[member.name].open("rb") as file:
                        _add(tar, member.name, member.bytes, file)
        raw.flush()
        os.fsync(raw.fileno())


def _private_file(path: Path) -> IO[bytes]:
    """A new file that only this user can read: a backup holds everything."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _add(tar: tarfile.TarFile, name: str, size: int, file: IO[bytes]) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    tar.addfile(info, file)


def _unpack(archive: Path, folder: Path) -> Manifest:
    """Write what the manifest lists below `folder`; raises `StoreError` unless all of it is there and unharmed."""
    try:
        with archive.open("rb") as raw, zstandard.ZstdDecompressor().stream_reader(raw) as packed:
            with tarfile.open(fileobj=packed, mode="r|") as tar:
                members = iter(tar)
                manifest = _read_manifest(tar, next(members, None))
                waiting = {member.name: member for member in manifest.members}
                for info in members:
                    _write(tar, info, waiting.pop(info.name, None), folder)
    except (OSError, EOFError, tarfile.TarError, zstandard.ZstdError, msgspec.DecodeError) as error:
        raise StoreError(f"{archive} is not a whole backup: {error}") from None
    if waiting:
        raise StoreError(f"{archive} is not a whole backup: {', '.join(sorted(waiting))} is missing")
    return manifest


def _read_manifest(tar: tarfile.TarFile, info: tarfile.TarInfo | None) -> Manifest:
    file = tar.extractfile(info) if info and info.name == _MANIFEST and info.size <= _LARGEST_MANIFEST else None
    if file is None:
        raise tarfile.TarError("it has no manifest")
    manifest = msgspec.json.decode(file.read(), type=Manifest)
    if manifest.format != FORMAT:
        raise StoreError(f"the backup has format {manifest.format}, and this goldstream reads {FORMAT}; upgrade goldstream")
    return manifest


def _write(tar: tarfile.TarFile, info: tarfile.TarInfo, member: Member | None, folder: Path) -> None:
    path = PurePosixPath(info.name)
    if member is None or not info.isreg() or path.is_absolute() or ".." in path.parts or "\\" in info.name:
        raise tarfile.TarError(f"{info.name!r} does not belong in a backup")
    file = tar.extractfile(info)
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with target.open("xb") as out:
        while file is not None and (chunk := file.read(1 << 20)):
            out.write(chunk)
            digest.update(chunk)
            size += len(chunk)
    if (size, digest.hexdigest()) != (member.bytes, member.sha256):
        raise tarfile.TarError(f"{info.name} is damaged")


def _refuse_used(store: Store) -> None:
    with store.connect(name="restore") as conn:
        row = conn.execute("SELECT to_regnamespace(%s) IS NOT NULL", (store.schema,)).fetchone()
    if row and row[0]:
        raise StoreError(
            f"the database already has a schema {store.schema!r}; `goldstream reset` the project that it belongs to, "
            "or point store.dsn's variable to another database; then remove the new folder and restore again"
        )


def _run_tool(store: Store, tool: str, *arguments: str) -> None:
    """Run one of PostgreSQL's own programs on the store; raises `StoreError` with what it said."""
    parts = psycopg.conninfo.conninfo_to_dict(store.dsn)
    password = parts.pop("password", None)  # not as an argument, which everybody on this machine could read
    command = [str(_tools(store) / tool), "--dbname", psycopg.conninfo.make_conninfo("", **parts), *arguments]
    environment = {**os.environ, **({"PGPASSWORD": str(password)} if password else {})}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL)
    if done.returncode:
        said = [line for line in done.stderr.strip().splitlines() if "error" in line.lower()] or [done.stderr.strip()]
        raise StoreError(f"{tool} failed: {' · '.join(said[:2])}")


def _tools(store: Store) -> Path:
    """The folder of programs that suit the server: those of 18 write what 16 and before can't read."""
    folder = binaries()
    with store.connect(name="backup") as conn:
        server = conn.info.server_version // 10_000
    older = folder.parents[1] / "pginstall" / "bin"  # the wheel holds PostgreSQL 16 too
    return older if server <= 16 and (older / "pg_dump").exists() else folder
