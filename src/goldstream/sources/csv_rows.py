"""CSV, row by row, so that one bad row costs one row.

Python's reader would run on from a quote that is never closed to the end of the file. Here the lines of a row that
can't be read are given back, all but the first, and reading goes on with the next line.

>>> [(row.fields, row.wrong) for row in csv_rows(iter([(b'a,"b\\n', 5), (b'c,d\\n', 4)]))]
[([], 'unexpected end of data'), (['c', 'd'], '')]
"""

import csv
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

LONGEST_ROW = 8 << 20  #: bytes in a row of several lines
MOST_LINES = 1_000  #: in one row


Line = tuple[bytes, int]


class Row(NamedTuple):
    """One row: its fields, or what is wrong with it."""

    fields: list[str]
    wrong: str  #: empty when nothing is
    raw: bytes  #: of a row that is wrong: its first line
    length: int  #: bytes it took


def csv_rows(lines: Iterator[Line], *, whole: bool = True) -> Iterator[Row]:
    """Yield the rows in `lines`. A line comes with its length, which says more than is there when the line was cut.

    Unless `whole`, a row that the end cuts off is left for later, not refused.
    """
    csv.field_size_limit(2**31 - 1)
    feed = _Feed(lines)
    while True:
        reader = csv.reader(feed, strict=True)
        try:
            for fields in reader:
                wrong, length, first = feed.wrong, feed.taken, feed.held[0][0]
                feed.accept()
                yield Row([], wrong, first, length) if wrong else Row(fields, "", b"", length)
            return
        except csv.Error as error:
            if feed.ended and not whole and "end of data" in str(error):
                return
            wrong = feed.wrong or str(error)
            first, length = feed.give_back()
            yield Row([], wrong, first, length)


class _Feed:
    """Lines for the reader, held until the row they belong to is whole."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines, self._waiting = lines, deque[Line]()
        self.held: list[Line] = []
        self.taken, self.wrong, self.ended = 0, "", False

    def __iter__(self) -> "_Feed":
        return self

    def __next__(self) -> str:
        if len(self.held) >= MOST_LINES or (self.held and self.taken >= LONGEST_ROW):
            raise csv.Error("a quote that is never closed")
        line = self._waiting.popleft() if self._waiting else next(self._lines, None)
        if line is None:
            self.ended = True
            raise StopIteration
        self.held.append(line)
        self.taken += line[1]
        if line[1] > len(line[0]):
            self.wrong = f"a line of {line[1]:,} bytes"
        try:
            return line[0].decode()
        except UnicodeDecodeError:
            self.wrong = self.wrong or "invalid UTF-8"
            return line[0].decode("utf-8", "replace")

    def accept(self) -> None:
        """The row is whole."""
        self.held, self.taken, self.wrong = [], 0, ""

    def give_back(self) -> Line:
        """Return the first line of the row, and read the others again."""
        first, *rest = self.held
        self._waiting.extendleft(reversed(rest))
        self.accept()
        self.ended = False
        return first
