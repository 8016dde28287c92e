"""A model's folder as bytes and back: what a version's checksum is of, and how a folder is fetched whole or not at all.

Fetched folders stay in a cache, each under its checksum, until newer ones have been used instead of it.
"""

import errno
import hashlib
import io
import os
import shutil
import tarfile
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from goldstream.errors import RegistryError

LARGEST = 4 << 30  #: bytes of a whole folder
MOST_UNUSED = 8  #: folders that stay in a cache however long nobody uses them
UNUSED_S = 3_600.0  #: after which a folder beyond those goes; whoever fetched it has loaded it long since


def pack(folder: Path) -> bytes:
    """Return the folder's plain files as one tar, with nothing in it that differs between two equal folders."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.is_symlink())
    if sum(file.stat().st_size for file in files) > LARGEST:
        raise RegistryError(f"{folder} is larger than {LARGEST >> 30} GiB; a registry can't hold it")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for file in files:
            entry = tarfile.TarInfo(file.name)
            entry.size = file.stat().st_size
            with file.open("rb") as content:
                tar.addfile(entry, content)
    return buffer.getvalue()


def sha256_of(data: bytes) -> str:
    """Return the checksum by which a packed folder is known."""
    return hashlib.sha256(data).hexdigest()


def is_unharmed(folder: Path, sha256: str) -> bool:
    """Whether the folder is there, with exactly the files that have this checksum; if so, it is used from now on."""
    try:
        unharmed = sha256_of(pack(folder)) == sha256
    except FileNotFoundError:
        return False
    with suppress(PermissionError):
        os.utime(folder)
    return unharmed


def unpack(data: bytes, folder: Path) -> None:
    """Write the folder whole, or not at all; another process may be doing the same."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=folder.parent))
    try:
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            tar.extractall(partial / "model", filter="data")
        with suppress(FileNotFoundError):
            if pack(folder) == data:  # another process was faster, and somebody may be reading it by now
                return
            folder.rename(partial / "damaged")
        (partial / "model").rename(folder)
    except OSError as error:
        if error.errno != errno.ENOTEMPTY:  # that is: another process was faster, with the same bytes
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    _tidy(folder.parent)


def _tidy(cache: Path) -> None:
    """Remove folders that nobody has used for long, and what processes that were killed have left half written."""
    with suppress(OSError):  # another process tidies, too
        used = sorted(cache.iterdir(), key=_used_at, reverse=True)
        for folder in used[MOST_UNUSED:]:
            if _used_at(folder) < time.time() - UNUSED_S:
                shutil.rmtree(folder.rename(folder.with_name(f".partial-{folder.name}")), ignore_errors=True)


def _used_at(folder: Path) -> float:
    return folder.stat().st_mtime
