"""The lines of a file, one by one or many at once.

Reading many at once is fast; one by one, a bad line costs one line. Whoever reads takes a block, and gives it back when
there is something in it that needs a closer look.
"""

import io
from collections import deque
from collections.abc import Iterable
from typing import IO

BLOCK = 4 << 20  #: bytes that are read together
LONGEST_LINE = 8 << 20  #: bytes; of a longer one, no more than this is held in memory
LONGEST_TAIL = 64 << 10  #: bytes that a block may grow by until its quotes are closed

Line = tuple[bytes, int]  #: a line with its length, which says more than is there when the line was cut


class Lines:
    """Lines of `stream`. With `follow`, the last one waits until its end has been written; `live` takes what is there.

    >>> lines = Lines(io.BytesIO(b"a\\nb\\n"))
    >>> lines.block()
    b'a\\nb\\n'
    >>> lines.give_back(b"b\\n")
    >>> next(lines), lines.block()
    ((b'b\\n', 2), b'')
    """

    def __init__(self, stream: IO[bytes], *, follow: bool = False, live: bool = False) -> None:
        self._stream, self._follow, self._live = stream, follow, live
        self._head = io.BytesIO()  # bytes that come before those of the stream
        self._waiting = deque[Line]()  # lines that come before these
        self._broken: Exception | None = None

    def __iter__(self) -> "Lines":
        return self

    def __next__(self) -> Line:
        if self._waiting:
            return self._waiting.popleft()
        line = self._readline()
        length, ended = len(line), line.endswith(b"\n")
        while not ended and line and (more := self._readline()):
            length, ended = length + len(more), more.endswith(b"\n")
        if not line or (self._follow and not ended):
            raise StopIteration
        return line, length

    def block(self, *, quoted: bool = False) -> bytes | None:
        """Return whole lines of about `BLOCK` bytes, nothing at the end, None where the next line must be taken by itself.

        With `quoted`, the block ends where quotes are closed, unless that is far.
        """
        if self._waiting:
            return None
        data = self._read()
        if self._broken is None and data and not data.endswith(b"\n"):
            data += self._readline()
        cut = data.rfind(b"\n") + 1
        if cut < len(data) and (self._follow or self._broken or len(data) - cut >= LONGEST_LINE):
            self.give_back(data[cut:])
            return data[:cut] or None
        return data + self._until_closed(data) if quoted and data.count(b'"') % 2 else data

    def give_back(self, data: bytes) -> None:
        """Let `data`, which was read last, be read again."""
        self._head = io.BytesIO(data + self._head.read())

    def give_back_lines(self, lines: Iterable[Line]) -> None:
        """Let `lines`, which were read last, be read again."""
        self._waiting.extendleft(reversed(list(lines)))

    def _until_closed(self, data: bytes) -> bytes:
        tail = b""
        while len(tail) < LONGEST_TAIL and (line := self._readline()):
            tail += line
            if line.count(b'"') % 2 and line.endswith(b"\n"):
                return tail
        self.give_back(tail)
        return b""

    def _read(self) -> bytes:
        """What was given back, and more of the stream; an error is kept until what came before it has been read."""
        parts = [self._head.read()]
        try:
            while sum(map(len, parts)) < BLOCK and (more := self._more()):
                parts.append(more)
                if self._live:
                    break
        except Exception as error:
            if not any(parts):
                raise
            self._broken = error
        return b"".join(parts)

    def _more(self) -> bytes:
        if self._broken is not None:
            raise self._broken
        return self._stream.read1(BLOCK)  # type: ignore[attr-defined]

    def _readline(self) -> bytes:
        line = self._head.readline(LONGEST_LINE)
        if line.endswith(b"\n") or len(line) == LONGEST_LINE:
            return line
        if self._broken is not None:
            raise self._broken
        return line + self._stream.readline(LONGEST_LINE - len(line))
