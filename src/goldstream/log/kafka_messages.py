"""Posts to messages and back. What can't be read keeps its place in the batch, and becomes a dead letter.

A batch of our own JSON is joined to lines and goes through Arrow's parser; what that refuses is halved until only a few
messages are read one by one.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from psycopg.types.json import Jsonb

from goldstream import own_json, settings
from goldstream.clock import now
from goldstream.log.base import UNREADABLE
from goldstream.log.kafka_topics import Place
from goldstream.log.refusals import refusals
from goldstream.mapping import Bad, Columns, Mapping
from goldstream.records import POSTS, SCHEMA_VERSION, Post, clean, decode, from_json, mend, to_columns
from goldstream.settings import convert
from goldstream.store.dead_letters import Letter

VERSION = "goldstream-schema"  #: header of our own messages: the version of their form
SOURCE = "goldstream-source"  #: header: which source brought the post
CURSOR = "goldstream-cursor"  #: header of the last message of an append: where the source had got to

_FEW = 128  # messages that are read one by one rather than halved once more
_SEEN = POSTS.get_field_index("seen_at")
_OLDEST, _AHEAD = timedelta(days=3_650), timedelta(days=1)  # a `seen_at` outside of these is nonsense
_UNREADABLE_ERRORS = (msgspec.MsgspecError, UnicodeError, ValueError, OverflowError, RecursionError, Bad)


class Read(NamedTuple):
    """What messages came to."""

    posts: pa.RecordBatch  #: schema `POSTS`, a row per message; those of kind `unreadable` hold nothing
    letters: tuple[Letter, ...]


class Reading:
    """Reads messages of one log."""

    def __init__(self, section: settings.Log, max_text_bytes: int) -> None:
        self._max_text_bytes = max_text_bytes
        self._columns = convert(section.columns, Columns, "[log.columns]") if section.columns else None

    def read(self, messages: Sequence[Any], place: Place) -> Read:
        """Return the posts in `messages`, which stand at `place`, one row each."""
        bad: dict[int, str] = {}
        values = [message.value() for message in messages]
        batches = self._foreign(messages, place, bad) if self._columns else _own(values, 0, bad)
        posts = batches[0] if len(batches) == 1 else pa.concat_batches(batches)
        for row, reason in refusals(posts, self._max_text_bytes).items():
            bad.setdefault(row, reason)
        if bad:
            posts = _without(posts, bad, messages, place)
        letters = tuple(_letter(messages[row], place, bad[row]) for row in sorted(bad))
        return Read(_with_sane_times(posts, messages), letters)

    def _foreign(self, messages: Sequence[Any], place: Place, bad: dict[int, str]) -> list[pa.RecordBatch]:
        """Posts from JSON that others write; ours among them are known by their header."""
        assert self._columns is not None
        mapping = Mapping(self._columns, source=place.topic)

        def one(row: int, message: Any) -> Post:
            value = message.value()
            if any(name == VERSION for name, _ in message.headers() or ()):
                return _post(value)
            if value is None:
                raise Bad("the message has no value")
            found = decode(value)
            if not isinstance(found, dict):
                raise Bad(f"the JSON is {type(found).__name__}, not an object")
            return mapping.post(found, f"{place.topic}/{place.partition}/{message.offset()}")

        return [to_columns([_or_bad(one, row, message, bad) for row, message in enumerate(messages)])]


def _own(values: list[bytes | None], first: int, bad: dict[int, str]) -> list[pa.RecordBatch]:
    """Posts from our own JSON; `first` is the row of the first value."""
    batch = _joined(values)
    if batch is not None:
        return [batch]
    if len(values) > _FEW:
        half = len(values) // 2
        return _own(values[:half], first, bad) + _own(values[half:], first + half, bad)
    rows = [_or_bad(lambda _, value: _post(value), first + number, value, bad) for number, value in enumerate(values)]
    return [to_columns(rows)]


def _joined(values: list[bytes | None]) -> pa.RecordBatch | None:
    """The posts by way of Arrow's parser: when every value is one line that begins and ends as an object does."""
    try:
        block = b"\n".join(values)  # type: ignore[arg-type]
    except TypeError:  # a value is null
        return None
    sizes = np.fromiter(map(len, values), np.int64, len(values))  # type: ignore[arg-type]
    ends = np.cumsum(sizes + 1) - 1
    data = np.frombuffer(block, np.uint8)
    if sizes.min() < 2 or block.count(b"\n") != len(values) - 1:
        return None
    if (data[ends - sizes] != ord("{")).any() or (data[ends - 1] != ord("}")).any():
        return None
    return own_json.parse(block, len(values))


def _post(value: bytes | None) -> Post:
    if value is None:
        raise Bad("the message has no value")
    try:
        return from_json(value)
    except msgspec.DecodeError:
        if b"\\u" not in value:
            raise
        return from_json(mend(value))


def _or_bad(read: Any, row: int, message: Any, bad: dict[int, str]) -> Post:
    try:
        return read(row, message)
    except _UNREADABLE_ERRORS as error:
        bad[row] = f"not a post: {error or type(error).__name__}"
        return Post(id="unreadable", source="unreadable")


def _without(posts: pa.RecordBatch, bad: dict[int, str], messages: Sequence[Any], place: Place) -> pa.RecordBatch:
    """The batch with a row that holds nothing where a message can't be used."""
    rows = sorted(bad)
    empty = to_columns(
        Post(id=f"{place.topic}:{place.partition}/{messages[row].offset()}", source=place.topic, kind=UNREADABLE)  # type: ignore[arg-type]
        for row in rows
    )
    order = np.arange(posts.num_rows)
    order[rows] = posts.num_rows + np.arange(len(rows))
    return pa.concat_batches([posts, empty]).take(pa.array(order))


def _letter(message: Any, place: Place, reason: str) -> Letter:
    headers = {clean(name): clean((value or b"").decode("utf-8", "replace")) for name, value in message.headers() or ()}
    where = f"topic {place.topic}, partition {place.partition}, offset {message.offset()}"
    return Letter("log", place.topic, clean(reason), message.value() or b"", where, headers=Jsonb(headers) if headers else None)


def _with_sane_times(posts: pa.RecordBatch, messages: Sequence[Any]) -> pa.RecordBatch:
    """The batch with the time of the message where no, or no possible, time says when we saw the post."""
    moment = now()
    seen = posts.column(_SEEN)
    sane = pc.fill_null(_between(seen, moment), False)
    if pc.all(sane).as_py():
        return posts
    stamps = pa.array([message.timestamp()[1] * 1_000 for message in messages], pa.int64()).cast(seen.type)
    stamps = pc.if_else(_between(stamps, moment), stamps, pa.scalar(moment, seen.type))
    return posts.set_column(_SEEN, POSTS.field(_SEEN), pc.if_else(sane, seen, stamps))


def _between(times: pa.Array, moment: datetime) -> pa.Array:
    first, last = (pa.scalar(end, times.type) for end in (moment - _OLDEST, moment + _AHEAD))
    return pc.and_(pc.greater_equal(times, first), pc.less_equal(times, last))


def headers(source: str, cursor: str | None) -> list[tuple[str, bytes]]:
    """Return the headers of a message of ours."""
    found = [(VERSION, str(SCHEMA_VERSION).encode()), (SOURCE, source.encode("utf-8", "replace"))]
    return found if cursor is None else [*found, (CURSOR, cursor.encode("utf-8", "replace"))]
