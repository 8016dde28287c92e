"""What a threshold would bring: precision and recall on gold, and how many of the stored posts would be kept.

Gold posts count with the weight with which they were let into the dataset, so the figures are those of the stream and not
of a dataset in which the topic is common.
"""

from typing import Any

from psycopg import sql

from goldstream.names import raw_table
from goldstream.web.counters import Costly, Refresher
from goldstream.web.database import Connection, rows

STEPS = 100  #: thresholds that are looked at: 0.00, 0.01 … 1.00

_NEWEST = "SELECT prefix, version FROM datasets WHERE state = 'split' ORDER BY created_at DESC LIMIT 1"
#: Test posts with a gold label, as the champion scores them.
_JUDGED = """
    SELECT least(floor(p.probability * 100), 100)::int AS step, g.label = %(keep)s AS wanted, count(*) AS posts,
           sum(r.weight)::float8 AS weight
    FROM {} r JOIN gold g ON g.post_id = r.id
    JOIN predictions p ON p.post_id = r.id AND p.position = r.position AND p.reader = %(reader)s
    WHERE r.split = 'test' AND p.version = %(version)s
      AND p.position BETWEEN (SELECT min(position) FROM {} WHERE split = 'test') AND (SELECT max(position) FROM {} WHERE split = 'test')
    GROUP BY 1, 2
"""
_STORED = """
    SELECT least(floor(probability * 100), 100)::int AS step, count(*) AS posts FROM candidates GROUP BY 1
"""
_THRESHOLD = """
    SELECT version, threshold FROM thresholds
    WHERE version = (SELECT after FROM alias_moves WHERE alias = 'champion' ORDER BY id DESC LIMIT 1)
"""
_CHAMPION = "SELECT after AS version FROM alias_moves WHERE alias = 'champion' ORDER BY id DESC LIMIT 1"


class Expected:
    """Precision, recall and kept posts by threshold; worked out again when that can be afforded."""

    def __init__(self, keep: str, reader: str, refresher: Refresher) -> None:
        self._keep, self._reader = keep, reader
        self._found = Costly(self._ask, refresher)

    def get(self, conn: Connection) -> dict[str, Any]:
        """Return `threshold`, `precision`, `recall` (None where nothing is known) and `kept`: a list each; `posts`, and
        `answered`: what answers say of the threshold in force."""
        found: dict[str, Any] = self._found.get(conn)
        return found

    def _ask(self, conn: Connection) -> dict[str, Any]:
        stored = {row["step"]: row["posts"] for row in rows(conn, _STORED)}
        curves = {"threshold": [step / STEPS for step in range(STEPS + 1)], "kept": _from(stored), **self._judged(conn)}
        return {**curves, "answered": self._answered(conn)}

    def _answered(self, conn: Connection) -> dict[str, Any] | None:
        """What people's answers say of the champion at the threshold in force."""
        from goldstream.annotation.quality import from_answers

        found = conn.execute(_THRESHOLD).fetchone()
        return None if found is None else from_answers(conn, keep=self._keep, version=found[0], threshold=found[1])

    def _judged(self, conn: Connection) -> dict[str, Any]:
        newest = conn.execute(_NEWEST).fetchone()
        champion = conn.execute(_CHAMPION).fetchone()
        if newest is None or champion is None:
            return curve([])
        query = sql.SQL(_JUDGED).format(*[sql.Identifier(raw_table(*newest))] * 3).as_string(conn)
        return curve(rows(conn, query, {"keep": self._keep, "reader": self._reader, "version": champion[0]}))


def curve(judged: list[dict[str, Any]]) -> dict[str, Any]:
    """Return precision and recall by threshold, from posts by `step` of probability, `wanted` or not, with their `weight`.

    >>> found = curve([{"step": 90, "wanted": True, "posts": 3, "weight": 3.0}, {"step": 40, "wanted": False, "posts": 1, "weight": 1.0}])
    >>> found["posts"], found["precision"][40], found["precision"][41], found["recall"][91], found["precision"][91]
    (4, 0.75, 1.0, 0.0, None)
    """
    sides: dict[bool, dict[int, float]] = {True: {}, False: {}}
    for row in judged:
        sides[row["wanted"]][row["step"]] = row["weight"]
    right, wrong = _from(sides[True]), _from(sides[False])
    whole = right[0]
    return {
        "posts": sum(row["posts"] for row in judged),
        "precision": [round(a / (a + b), 4) if a + b else None for a, b in zip(right, wrong, strict=True)],
        "recall": [round(a / whole, 4) if whole else None for a in right],
    }


def _from(steps: dict[int, float]) -> list[float]:
    """How much stands at each step or above it."""
    found = [0.0] * (STEPS + 1)
    total = 0.0
    for step in range(STEPS, -1, -1):
        total += steps.get(step, 0)
        found[step] = total
    return found
