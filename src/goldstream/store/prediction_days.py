"""The partitions of `predictions`: one table for each day on which posts were seen, made ahead of need, dropped when old."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from psycopg import sql

Connection = psycopg.Connection[Any]

_PREFIX = "predictions_"
_MAKE = "CREATE TABLE IF NOT EXISTS {} PARTITION OF predictions FOR VALUES FROM ({}) TO ({})"
_ALL = "SELECT relname FROM pg_inherits JOIN pg_class ON oid = inhrelid WHERE inhparent = 'predictions'::regclass"
_MISSING = "SELECT day FROM unnest(%s::date[]) day WHERE to_regclass(%s || to_char(day, 'YYYYMMDD')) IS NULL"


def table(day: date) -> str:
    """Return the name of the table that holds one day's predictions.

    >>> table(date(2026, 11, 21))
    'predictions_20261121'
    """
    return f"{_PREFIX}{day:%Y%m%d}"


def by_day(predictions: pa.RecordBatch) -> dict[date, pa.RecordBatch]:
    """Return the rows by the day (UTC) on which their post was seen; nearly always that is one day."""
    seen = predictions["seen_at"]
    first, last = (seen_at.as_py().date() for seen_at in pc.min_max(seen).values())
    if first == last:
        return {first: predictions}
    days = pc.floor_temporal(seen, unit="day")
    return {day.as_py().date(): predictions.filter(pc.equal(days, day)) for day in pc.unique(days)}


def make(conn: Connection, days: Iterable[date]) -> None:
    """Make the tables of these days, and of the day after the last, unless they are there."""
    wanted = {*days}
    wanted.add(max(wanted) + timedelta(days=1))
    missing = [row[0] for row in conn.execute(_MISSING, (sorted(wanted), _PREFIX))]
    if not missing:
        return
    with conn.transaction():
        conn.execute("SELECT pg_advisory_xact_lock(hashtextextended('predictions', 2))")
        for day in missing:
            start = datetime.combine(day, time(), UTC)
            bounds = [sql.Literal(moment.isoformat()) for moment in (start, start + timedelta(days=1))]
            conn.execute(sql.SQL(_MAKE).format(sql.Identifier(table(day)), *bounds))


def drop(conn: Connection, before: date) -> list[str]:
    """Drop the tables of the days before `before` and return their names."""
    old = sorted(name for (name,) in conn.execute(_ALL) if name < table(before))
    for name in old:
        conn.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(name)))
    return old
