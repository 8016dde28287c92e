"""One file, plain or compressed, or standard input: how it is opened, and how far it has been read."""

import gzip
import hashlib
import io
import shutil
import sys
import tempfile
from pathlib import Path
from typing import IO, NamedTuple

import msgspec
import zstandard

HEAD = 1024  #: bytes by which a file is recognised


class Progress(msgspec.Struct):
    """How far one file is."""

    rows: int = 0
    byte: int = 0
    head: str = ""  #: which file it was: a hash of its first `head_bytes`
    head_bytes: int = 0


class File(NamedTuple):
    """A file, or standard input."""

    name: str  #: what it is known by; `-` for standard input
    path: str

    def step(self, at: Progress, length: int, rows: int = 1) -> None:
        """Move on by `rows` of `length` bytes together, and remember how the file begins."""
        at.rows, at.byte = at.rows + rows, at.byte + length
        if at.head_bytes < HEAD and self.is_plain:
            at.head_bytes = min(at.byte, HEAD)
            at.head = self.head(at.head_bytes)

    @property
    def is_plain(self) -> bool:
        """Whether it can be read from any byte on."""
        return self.path != "-" and not self.path.endswith((".gz", ".zst"))

    def head(self, size: int) -> str:
        """Return a hash of its first `size` bytes."""
        with Path(self.path).open("rb") as stream:
            return hashlib.sha256(stream.read(size)).hexdigest()[:16]

    def open(self) -> IO[bytes]:
        """Return its bytes, unpacked."""
        if self.path == "-":
            return sys.stdin.buffer
        if self.path.endswith(".gz"):
            return gzip.open(self.path, "rb")  # type: ignore[return-value]
        if self.path.endswith(".zst"):
            packed = Path(self.path).open("rb")  # noqa: SIM115 - closed with what is returned
            return io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True))
        return Path(self.path).open("rb")

    def open_anywhere(self) -> IO[bytes]:
        """Return its bytes so that any place of them can be read: from a temporary file, where it is compressed."""
        if self.is_plain:
            return Path(self.path).open("rb")
        unpacked = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
        with self.open() as packed:
            shutil.copyfileobj(packed, unpacked)
        return unpacked
