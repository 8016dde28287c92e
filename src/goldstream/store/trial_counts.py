"""What serving has seen of a trial: each process keeps its own totals and writes them over its own row, again and again.

Written twice, they count once; all rows of a trial together are what all processes have seen.
"""

import bisect
from typing import Any
from uuid import UUID

import msgspec
import psycopg

Connection = psycopg.Connection[Any]

SECONDS = tuple(0.00005 * 1.5**n for n in range(32))  #: bounds between which times are counted: 50 µs to 14 s

_WRITE = """
    INSERT INTO trial_counts (trial, process, counts) VALUES (%s, %s, %s)
    ON CONFLICT (trial, process) DO UPDATE SET counts = excluded.counts
"""


class Side(msgspec.Struct):
    """What one version came to on requests of the trial."""

    requests: int = 0
    failed: int = 0  #: of them
    texts: int = 0
    labels: dict[str, int] = {}
    seconds: list[int] = msgspec.field(default_factory=lambda: [0] * (len(SECONDS) + 1))  #: how many took up to each bound

    def answered(self, labels: dict[str, int], seconds: float) -> None:
        """Count one request, the texts of which got these labels after so long."""
        self.requests += 1
        self.texts += sum(labels.values())
        for label, count in labels.items():
            self.labels[label] = self.labels.get(label, 0) + count
        self.seconds[bisect.bisect_left(SECONDS, seconds)] += 1

    def add(self, other: "Side") -> None:
        """Count what another process has seen, too."""
        self.requests, self.failed, self.texts = (
            self.requests + other.requests, self.failed + other.failed, self.texts + other.texts,
        )  # fmt: skip
        self.labels = {each: self.labels.get(each, 0) + other.labels.get(each, 0) for each in {**self.labels, **other.labels}}
        self.seconds = [mine + theirs for mine, theirs in zip(self.seconds, other.seconds, strict=True)]

    def took(self, share: float) -> float | None:
        """Return the seconds within which that share of the requests were answered, to a fifth; None without any.

        >>> side = Side()
        >>> for seconds in (0.001, 0.001, 0.5): side.answered({}, seconds)
        >>> 0.0008 < side.took(0.5) < 0.0012, 0.4 < side.took(0.99) < 0.6
        (True, True)
        """
        wanted, total = share * sum(self.seconds), 0
        for number, count in enumerate(self.seconds):
            total += count
            if count and total >= wanted:
                return float(SECONDS[min(number, len(SECONDS) - 1)] / 1.5**0.5)
        return None


class Pair(msgspec.Struct):
    """A shadow beside one champion, on the same texts."""

    texts: int = 0
    agreed: int = 0  #: same label
    moved: float = 0.0  #: sum of how far the probability of the champion's label moved

    def add(self, other: "Pair") -> None:
        """Count what another process has seen, too."""
        self.texts, self.agreed, self.moved = (
            self.texts + other.texts, self.agreed + other.agreed, self.moved + other.moved,
        )  # fmt: skip


class Counts(msgspec.Struct):
    """All that was seen of one trial."""

    sides: dict[int, Side] = {}  #: by version
    pairs: dict[int, Pair] = {}  #: by the champion's version; of a shadow
    refused: str | None = None  #: why the version can't be tried

    def side(self, version: int) -> Side:
        """Return what that version came to, to be counted on."""
        return self.sides.setdefault(version, Side())

    def pair(self, champion: int) -> Pair:
        """Return what the shadow came to beside that champion, to be counted on."""
        return self.pairs.setdefault(champion, Pair())


def write(conn: Connection, trial: int, process: UUID, counts: Counts) -> None:
    """Write what one process has seen by now."""
    conn.execute(_WRITE, (trial, process, msgspec.json.encode(counts).decode()))


def read(conn: Connection, trial: int) -> Counts:
    """Return what all processes have seen."""
    found = Counts()
    for (written,) in conn.execute("SELECT counts::text FROM trial_counts WHERE trial = %s", (trial,)):
        counts = msgspec.json.decode(written, type=Counts)
        for version, side in counts.sides.items():
            found.side(version).add(side)
        for champion, pair in counts.pairs.items():
            found.pair(champion).add(pair)
        found.refused = found.refused or counts.refused
    return found
