"""The zstd dictionary of a Jetstream: with it, less than half the bytes come over the network.

v1 has one file for all hosts, which its repository holds; v2 gives its own to whoever asks
(`network.bsky.jetstream.getZstdDictionary`), and each has a number that a connection must name.
"""

import sys
import urllib.request
from http.client import HTTPException
from pathlib import Path

import zstandard

from goldstream.errors import SourceError

PATH = "/xrpc/network.bsky.jetstream.getZstdDictionary"
LARGEST_DICTIONARY = 1 << 20  #: bytes
LARGEST_FRAME = 4 << 20  #: bytes, as they are and unpacked
PATIENCE_S = 15


class Dictionary:
    """Unpacks frames, each of which is a whole zstd frame made with this dictionary."""

    def __init__(self, data: bytes) -> None:
        known = zstandard.ZstdCompressionDict(data)
        self.id: int = known.dict_id()  #: 0 for bytes that are no trained dictionary
        self._engine = zstandard.ZstdDecompressor(dict_data=known)

    def decompress(self, frame: bytes) -> bytes:
        """Return the bytes in `frame`, or `frame` itself when it is none: it is not ours to judge and becomes a reject."""
        try:
            if zstandard.frame_content_size(frame) > LARGEST_FRAME:
                return frame
            return self._engine.decompress(frame, max_output_size=LARGEST_FRAME)
        except zstandard.ZstdError:
            return frame


def read_dictionary(file: str) -> Dictionary:
    """Return the dictionary in `file`; raises `SourceError` when there is none."""
    try:
        dictionary = Dictionary(Path(file).read_bytes())
    except OSError as error:
        raise SourceError(f"{file}: the dictionary can't be read: {error.strerror}") from None
    if not dictionary.id:
        raise SourceError(f"{file} is no zstd dictionary; take `zstd_dictionary` from the repository of Jetstream v1")
    return dictionary


def fetch_dictionary(host: str) -> Dictionary | None:
    """Return the dictionary of a v2 host (`wss://…`), or none when it gives none: then it sends plain JSON."""
    url = host.replace("ws", "http", 1) + PATH
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
            dictionary = Dictionary(answer.read(LARGEST_DICTIONARY + 1)[:LARGEST_DICTIONARY])
    except (OSError, HTTPException, ValueError) as error:
        print(f"{host}: no zstd dictionary ({error}); going on without", file=sys.stderr, flush=True)
        return None
    return dictionary if dictionary.id else None
