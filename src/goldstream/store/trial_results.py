"""What a trial has come to: the version that is tried beside the champion, on requests and on the stream.

Shares come with their 95 % intervals (Wilson's); times are those of scoring, from a request's texts to its scores.
"""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg.rows import class_row, dict_row

from goldstream.intervals import wilson
from goldstream.store import trial_counts, trials
from goldstream.store.trial_counts import Pair, Side
from goldstream.store.trials import Trial

Connection = psycopg.Connection[Any]

_BEGUN = "SELECT at, who, why FROM trials WHERE id = %s"
# Of answers that were given since the trial began: their ids begin with the time.
_HEARD = """
    SELECT version, count(*) AS n, count(*) FILTER (WHERE correct) AS "right"
    FROM latest_feedback WHERE place = 'rest' AND prediction_id >= %s GROUP BY version
"""
_ON_STREAM = """
    WITH pairs AS (
        SELECT p.version, p.label = s.label AS agree, p.probability AS before, s.probability AS after,
               p.probability >= ours.threshold AS kept, s.probability >= theirs.threshold AS shadow_kept
        FROM shadow_predictions s
        JOIN predictions p ON p.partition = s.partition AND p.position = s.position
        JOIN thresholds ours ON ours.version = p.version
        JOIN thresholds theirs ON theirs.version = s.version
        WHERE s.trial = %(trial)s AND p.reader = %(reader)s AND s.label IS NOT NULL AND p.label IS NOT NULL
          AND p.position >= (SELECT min(position) FROM shadow_predictions WHERE trial = %(trial)s)
    )
    SELECT version AS champion, count(*) AS posts, count(*) FILTER (WHERE agree) AS agreed,
           count(*) FILTER (WHERE kept) AS kept, count(*) FILTER (WHERE shadow_kept) AS shadow_kept,
           count(*) FILTER (WHERE kept AND shadow_kept) AS both_kept,
           avg(before) FILTER (WHERE kept) AS precision, avg(after) FILTER (WHERE shadow_kept) AS shadow_precision,
           avg(abs(after - before)) AS moved
    FROM pairs GROUP BY version ORDER BY version
"""
_BEHIND = """
    SELECT coalesce(sum(greatest(stream.position - coalesce(shadow.position, 0), 0)), 0)::bigint
    FROM positions stream
    LEFT JOIN positions shadow ON shadow.reader = %s AND shadow.log = stream.log AND shadow.partition = stream.partition
    WHERE stream.reader = %s
"""


class Beside(NamedTuple):
    """What a shadow came to on the stream, beside what one champion said of the same posts."""

    champion: int  #: version
    posts: int
    agreed: int  #: same label
    kept: int  #: by the champion
    shadow_kept: int
    both_kept: int
    precision: float | None  #: that is to be expected of what the champion keeps: the mean of its probabilities
    shadow_precision: float | None
    moved: float  #: mean of how far the probability moved


def so_far(conn: Connection, reader: str) -> dict[str, Any]:
    """Return the trial that runs (`trial`, None if none does) and what it has come to.

    Beside what `on_requests` gives, `stream` holds the shadow beside each champion on the same posts, and `behind` counts posts
    that the stream's `reader` has scored and the shadow has not.
    """
    found, trial = on_requests(conn), trials.newest(conn)
    if trial is None:
        return {**found, "stream": [], "behind": 0}
    stream = [_beside(each) for each in on_stream(conn, trial.id, reader)]
    return {**found, "stream": stream, "behind": behind(conn, trial, reader) if trial.kind == "shadow" else 0}


def on_requests(conn: Connection) -> dict[str, Any]:
    """Return the trial that runs (`trial`, None if none does) and what it has come to on requests.

    `requests` has a row for each version, `compared` the shadow beside each champion on the same texts, and `refused` says why
    the version can't be tried, where that is so.
    """
    trial = trials.newest(conn)
    if trial is None:
        return {"trial": None, "requests": [], "compared": [], "refused": None}
    found = conn.execute(_BEGUN, (trial.id,)).fetchone()
    assert found is not None
    at, who, why = found
    counts, heard = trial_counts.read(conn, trial.id), _heard(conn, at)
    return {
        "trial": {**trial._asdict(), "share": round(trial.share, 6), "since": at, "who": who, "why": why},
        "requests": [_side(version, trial, side, heard.get(version)) for version, side in sorted(counts.sides.items())],
        "compared": [_pair(champion, pair) for champion, pair in sorted(counts.pairs.items())],
        "refused": counts.refused,
    }


def on_stream(conn: Connection, trial: int, reader: str) -> list[Beside]:
    """Return what the shadow came to beside each champion, on posts that it and the stream's `reader` have both scored."""
    with conn.cursor(row_factory=class_row(Beside)) as cursor:
        return cursor.execute(_ON_STREAM, {"trial": trial, "reader": reader}).fetchall()


def behind(conn: Connection, trial: Trial, reader: str) -> int:
    """Return how many positions the shadow is behind the stream's `reader`."""
    row = conn.execute(_BEHIND, (trial.reader, reader)).fetchone()
    assert row is not None
    return int(row[0])


def _heard(conn: Connection, since: datetime) -> dict[int, dict[str, Any]]:
    first = UUID(int=int(since.timestamp() * 1_000) << 80)
    with conn.cursor(row_factory=dict_row) as cursor:
        return {row["version"]: row for row in cursor.execute(_HEARD, (first,))}


def _side(version: int, trial: Trial, side: Side, heard: dict[str, Any] | None) -> dict[str, Any]:
    n, right = (heard["n"], heard["right"]) if heard else (0, 0)
    return {
        "version": version, "tried": version == trial.version,
        "requests": side.requests, "failed": side.failed, "texts": side.texts,
        "labels": {label: {"n": count, **_share("share", count, side.texts)} for label, count in sorted(side.labels.items())},
        "seconds": {"p50": side.took(0.5), "p99": side.took(0.99)},
        "feedback": {"n": n, **_share("correctness_rate", right, n)},
    }  # fmt: skip


def _pair(champion: int, pair: Pair) -> dict[str, Any]:
    return {
        "champion": champion, "texts": pair.texts, "agreed": pair.agreed, **_share("agreement", pair.agreed, pair.texts),
        "moved": pair.moved / pair.texts if pair.texts else None,
    }  # fmt: skip


def _beside(each: Beside) -> dict[str, Any]:
    return {**each._asdict(), **_share("agreement", each.agreed, each.posts)}


def _share(name: str, count: int, of: int) -> dict[str, Any]:
    return {name: count / of if of else None, "interval": list(wilson(count / of, of)) if of else None}
