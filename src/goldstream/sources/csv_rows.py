"""CSV, row by row, so that one bad row costs one row.

Python's reader would run on from a quote that is never closed to the end of the file. Here the lines of a row that
can't be read are given back, all but the first, and reading goes on with the next line.

>>> [(row.fields, row.wrong) for row in csv_rows(Lines(io.BytesIO(b'a,"b\\nc,d\\n')))]
[([], 'unexpected end of data'), (['c', 'd'], '')]
"""

import csv
import io
from collections.abc import Iterator
from typing import NamedTuple

from goldstream.sources.lines import Line, Lines

LONGEST_ROW = 8 << 20  #: bytes in a row of several lines
MOST_LINES = 1_000  #: in one row


class Row(NamedTuple):
    """One row: its fields, or what is wrong with it."""

    fields: list[str]
    wrong: str  #: empty when nothing is
    raw: bytes  #: of a row that is wrong: its first line
    length: int  #: bytes it took


def csv_block(block: bytes) -> list[list[str]] | None:
    """Return the rows in `block`, or None when there is anything in it that `csv_rows` must look at."""
    csv.field_size_limit(2**31 - 1)
    try:
        return list(csv.reader(io.StringIO(block.decode(), newline="\n"), strict=True))
    except (UnicodeDecodeError, csv.Error):
        return None


def csv_rows(lines: Lines, *, whole: bool = True) -> Iterator[Row]:
    """Yield the rows in `lines`; what is left after a row that can't be read is given back to them.

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

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self.held: list[Line] = []
        self.taken, self.wrong, self.ended = 0, "", False

    def __iter__(self) -> "_Feed":
        return self

    def __next__(self) -> str:
        if len(self.held) >= MOST_LINES or (self.held and self.taken >= LONGEST_ROW):
            raise csv.Error("a quote that is never closed")
        line = next(self._lines, None)
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
        self._lines.give_back_lines(rest)
        self.accept()
        self.ended = False
        return first
