"""What did not become a post, or what a step refused: kept with the reason, to be looked at and sent round again."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import psycopg
from psycopg.types.json import Jsonb

from goldstream.errors import DataError

Connection = psycopg.Connection[Any]

LARGEST_PAYLOAD = 1 << 20  #: bytes kept of one letter


class Letter(NamedTuple):
    """One dead letter as it is written."""

    stage: str  #: `source` when it could not be read, or the step that refused it
    source: str
    reason: str
    payload: bytes  #: as it came; for a refused post its JSON
    place: str | None = None
    post_id: str | None = None
    author: str | None = None
    revision: int = 0  #: of the post; one that is deleted already leaves no letter
    headers: Jsonb | None = None  #: of the message, where it came with some


# The same letter again, as after a crash before the source's cursor moved, is not stored twice.
_ADD = """
    INSERT INTO dead_letters (stage, source, reason, payload, place, post_id, author, headers)
    SELECT %(stage)s, %(source)s, %(reason)s, %(payload)b, %(place)s, %(post_id)s, %(author)s, %(headers)s
    WHERE NOT EXISTS (SELECT FROM dead_letters d
                      WHERE d.source = %(source)s AND md5(d.payload) = md5(%(payload)b) AND d.stage = %(stage)s
                        AND d.reason = %(reason)s AND d.place IS NOT DISTINCT FROM %(place)s
                        AND d.post_id IS NOT DISTINCT FROM %(post_id)s)
      AND NOT EXISTS (SELECT FROM tombstones t WHERE t.post_id = %(post_id)s AND t.revision >= %(revision)s)
      AND NOT EXISTS (SELECT FROM forgotten_authors f
                      WHERE f.source = %(source)s AND f.author = %(author)s AND f.revision >= %(revision)s)
"""
_SHOWN = "id, stage, source, reason, place, headers, post_id, at, replayed_at, length(payload) AS bytes"


def add(conn: Connection, letters: Sequence[Letter]) -> None:
    """Store `letters`, in the caller's transaction if there is one."""
    with conn.cursor() as cursor:
        cursor.executemany(_ADD, [_storable(letter)._asdict() for letter in letters])


def listed(conn: Connection, *, stage: str | None = None, limit: int = 100) -> list[dict[str, Any]]:
    """Return the newest letters that wait, without their payload."""
    query = f"SELECT {_SHOWN} FROM dead_letters WHERE replayed_at IS NULL AND (%s::text IS NULL OR stage = %s) ORDER BY id DESC LIMIT %s"
    cursor = conn.execute(query.encode(), (stage, stage, limit))
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def show(conn: Connection, number: int) -> dict[str, Any]:
    """Return one letter with its payload; raises `DataError` when there is none."""
    cursor = conn.execute(f"SELECT {_SHOWN}, payload FROM dead_letters WHERE id = %s".encode(), (number,))
    row = cursor.fetchone()
    if row is None:
        raise DataError(f"there is no dead letter {number}; `goldstream dead-letters list` shows all")
    return dict(zip([column.name for column in cursor.description or ()], row, strict=True))


def drop(conn: Connection, numbers: Sequence[int] | None) -> int:
    """Drop these letters, or all (None); return how many."""
    if numbers is None:
        return conn.execute("DELETE FROM dead_letters").rowcount
    return conn.execute("DELETE FROM dead_letters WHERE id = ANY(%s)", (list(numbers),)).rowcount


def drop_older(conn: Connection, seconds: float) -> int:
    """Drop the letters that are older than `seconds`; return how many."""
    return conn.execute(
        "DELETE FROM dead_letters WHERE at < clock_timestamp() - make_interval(secs => %s)", (seconds,)
    ).rowcount


def waiting(conn: Connection, numbers: Sequence[int] | None) -> list[tuple[int, str, bytes]]:
    """Return number, source and payload of these letters (None: all) that have not been replayed, oldest first."""
    query = """SELECT id, source, payload FROM dead_letters
               WHERE replayed_at IS NULL AND (%(numbers)s::bigint[] IS NULL OR id = ANY(%(numbers)s)) ORDER BY id"""
    values = {"numbers": None if numbers is None else list(numbers)}
    return [(number, source, bytes(payload)) for number, source, payload in conn.execute(query, values)]


def mark_replayed(conn: Connection, numbers: Sequence[int]) -> None:
    """Remember that these letters were sent round again."""
    conn.execute("UPDATE dead_letters SET replayed_at = clock_timestamp() WHERE id = ANY(%s)", (list(numbers),))


def _storable(letter: Letter) -> Letter:
    return letter._replace(
        reason=letter.reason.replace("\x00", "\ufffd")[:2_000], payload=letter.payload[:LARGEST_PAYLOAD],
        place=letter.place and letter.place.replace("\x00", "\ufffd")[:500],
        post_id=letter.post_id and letter.post_id[:1_000], author=letter.author and letter.author[:1_000],
    )  # fmt: skip
