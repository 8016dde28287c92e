"""The post and the prediction: what travels through goldstream, as a row and as columns.

A `Post` is the row, for sources and for people. A *batch* is a `pyarrow.RecordBatch` with the schema `POSTS`, for
everything fast: the log, the store, labelling functions and classifiers all see exactly these columns.

>>> post = Post(id="sample:1", source="sample", text="Our new paper is out", links=["https://example.org/p"])
>>> batch = to_columns([post])
>>> batch.num_rows, batch["text"][0].as_py()
(1, 'Our new paper is out')
>>> to_rows(batch) == [post]
True
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from operator import attrgetter
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
import pyarrow as pa

Kind = Literal["create", "update", "delete", "forget"]

#: A number that fits the store's 64 bits, and a time that says where on the line it stands.
Revision = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]

#: The version of the JSON form (`to_json`), carried in the field `v`. It grows only when a reader must notice.
SCHEMA_VERSION = 1

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

#: The first and the last moment that Python and PostgreSQL's drivers can both hold, in microseconds since 1970.
EARLIEST_US, LATEST_US = -62_135_596_800_000_000, 253_402_300_799_999_999


class Post(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One message, whatever network it came from. New fields come last and have a default."""

    id: str  #: unique across networks: `source:` and the network's own, e.g. `bluesky:did:plc:x/3kxyz`
    source: str  #: the network or collection: the part of `id` before the first colon
    kind: Kind = "create"  #: `delete` means this id, `forget` means everything by this author
    revision: Revision = 0  #: orders the versions of one id, and a `forget` among an author's posts (64 bits, signed)
    text: str = ""
    created_at: Moment | None = None  #: when the author says it was written (UTC); may be nonsense
    seen_at: Moment | None = None  #: when we saw it (UTC); stamped once, before the append to the log
    author: str | None = None  #: the network's stable name for the author
    lang: str | None = None  #: BCP 47 language that the author declared
    url: str | None = None  #: where a person can read it
    links: list[str] = msgspec.field(default_factory=list)  #: URLs the network marked as links, as written
    tags: list[str] = msgspec.field(default_factory=list)  #: hashtags without `#`
    media: list[str] = msgspec.field(default_factory=list)  #: what is attached: `image`, `video`, `external` …
    reply_to: str | None = None  #: id of the post that this one answers
    repost_of: str | None = None  #: id of the post that this one repeats
    cid: str | None = None  #: the network's content hash, needed to repost
    extra: dict[str, Any] = msgspec.field(default_factory=dict)  #: what only one network knows (JSON)


_TIME = pa.timestamp("us", tz="UTC")
_TEXTS = pa.list_(pa.string())

#: The same record as columns. `extra` is JSON text. A test keeps this equal to `Post`.
POSTS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("revision", pa.int64(), nullable=False),
        pa.field("text", pa.string(), nullable=False),
        pa.field("created_at", _TIME),
        pa.field("seen_at", _TIME),
        pa.field("author", pa.string()),
        pa.field("lang", pa.string()),
        pa.field("url", pa.string()),
        pa.field("links", _TEXTS, nullable=False),
        pa.field("tags", _TEXTS, nullable=False),
        pa.field("media", _TEXTS, nullable=False),
        pa.field("reply_to", pa.string()),
        pa.field("repost_of", pa.string()),
        pa.field("cid", pa.string()),
        pa.field("extra", pa.string(), nullable=False),
    ]
)


#: What a reader of the log found out about one position. Every position has exactly one row, whatever stands there:
#: `label`, `probability` and `version` are null where there was nothing to score (deletions, refused posts).
PREDICTIONS = pa.schema(
    [
        pa.field("reader", pa.string(), nullable=False),
        pa.field("partition", pa.int32(), nullable=False),
        pa.field("position", pa.int64(), nullable=False),
        pa.field("post_id", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("author", pa.string()),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("revision", pa.int64(), nullable=False),
        pa.field("seen_at", _TIME, nullable=False),
        pa.field("label", pa.string()),  # the most probable label
        pa.field("probability", pa.float32()),  # of the label that the project keeps
        pa.field("version", pa.int32()),  # of the model that said so
    ]
)

_json_encoder = msgspec.json.Encoder(order="deterministic")
_json_decoder = msgspec.json.Decoder()


def clean(text: str) -> str:
    """Return `text` with what PostgreSQL and UTF-8 can't hold (NUL, lone surrogates) as U+FFFD.

    >>> clean("a\\x00b\\ud800c") == "a\\ufffdb\\ufffdc"
    True
    """
    if text.isascii():
        return text.replace("\x00", "\ufffd") if "\x00" in text else text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\x00", "\ufffd")


_SURROGATE = re.compile(rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})")


def mend(data: bytes) -> bytes:
    """Return JSON with the escapes of lone surrogates, which decoders refuse, as U+FFFD; all else stays as it is.

    >>> mend(rb'["\\ud83d\\ude00 \\ud83d \\\\ud83d"]').decode()
    '["\\\\ud83d\\\\ude00 \\\\ufffd \\\\\\\\ud83d"]'
    """
    return _SURROGATE.sub(lambda found: rb"\ufffd" if found[1] else found[0], data)


def decode(data: bytes) -> Any:
    """Return the JSON in `data`, mended where needed; raises some `ValueError` or `RecursionError` when it is none.

    >>> decode(rb'"a\\ud83d"') == "a\\ufffd"
    True
    """
    try:
        return _json_decoder.decode(data)
    except msgspec.DecodeError:
        if b"\\u" not in data:
            raise
        return _json_decoder.decode(mend(data))


def _texts(values: Sequence[str | None]) -> pa.Array:
    """A string column; cleaned only when Arrow refuses it or a NUL is in it, since nearly no batch needs it."""
    try:
        array = pa.array(values, pa.string())
    except UnicodeEncodeError:
        array = None
    if array is None or _holds_nul(array):
        array = pa.array([None if value is None else clean(value) for value in values], pa.string())
    return array


def _holds_nul(array: pa.Array) -> bool:
    data = array.buffers()[2]
    return data is not None and b"\x00" in memoryview(data)[: _used_bytes(array)].tobytes()


def _used_bytes(array: pa.Array) -> int:
    offsets = memoryview(array.buffers()[1]).cast("i")
    return offsets[len(array)]


def _lists(values: Sequence[Sequence[str]]) -> pa.Array:
    ends = np.cumsum(np.fromiter(map(len, values), np.int32, len(values)), dtype=np.int32)
    flat = list(chain.from_iterable(values))
    return pa.ListArray.from_arrays(pa.array(np.concatenate(([0], ends)), pa.int32()), _texts(flat))


def _times(values: Sequence[datetime | None]) -> pa.Array:
    return pa.array([None if value is None else _since_epoch(value) for value in values], pa.int64()).cast(_TIME)


def _since_epoch(value: datetime) -> int | None:
    """Microseconds, or None for a moment that in UTC is in no year from 1 to 9999: nobody could read it back."""
    number = (value - _EPOCH) // _MICROSECOND
    return number if EARLIEST_US <= number <= LATEST_US else None


def _extras(values: Sequence[dict[str, Any]]) -> pa.Array:
    return _texts(["{}" if not value else _extra(value) for value in values])


def _extra(value: dict[str, Any]) -> str:
    """JSON text that jsonb takes: nothing in it, however deep, is NUL or a lone surrogate."""
    try:
        text = _json_encoder.encode(value).decode()
    except UnicodeEncodeError:
        return _json_encoder.encode(_clean_all(value)).decode()
    return _json_encoder.encode(_clean_all(value)).decode() if "\\u0000" in text else text


def _clean_all(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(str(name)): _clean_all(each) for name, each in value.items()}
    return [_clean_all(each) for each in value] if isinstance(value, list) else value


def to_columns(posts: Iterable[Post]) -> pa.RecordBatch:
    """Return `posts` as one batch in the schema `POSTS`, in order, cleaned of NUL and lone surrogates."""
    rows = list(posts)
    return from_fields({name: list(map(attrgetter(name), rows)) for name in POSTS.names}, len(rows))


def from_fields(fields: Mapping[str, Sequence[Any] | pa.Array], count: int) -> pa.RecordBatch:
    """Return a batch of `count` posts, given field by field as `Post` has them, or as Arrow does; the others have their default.

    >>> from_fields({"id": ["a:1", "a:2"], "source": ["a", "a"], "text": ["x", "y"]}, 2)["kind"].to_pylist()
    ['create', 'create']
    """
    arrays = []
    for field in POSTS:
        values = fields.get(field.name)
        if values is None:
            arrays.append(_default(field, count))
        else:
            arrays.append(values if isinstance(values, pa.Array) else _array(field, values))
    return pa.RecordBatch.from_arrays(arrays, schema=POSTS)


def _array(field: pa.Field, values: Sequence[Any]) -> pa.Array:
    if field.name == "extra":
        return _extras(values)
    if field.type == _TIME:
        return _times(values)
    if field.type == _TEXTS:
        return _lists(values)
    return _texts(values) if field.type == pa.string() else pa.array(values, field.type)


_DEFAULTS = {"kind": "create", "revision": 0, "text": "", "extra": "{}"}


def _default(field: pa.Field, count: int) -> pa.Array:
    if field.type == _TEXTS:
        return pa.ListArray.from_arrays(pa.array(np.zeros(count + 1, np.int32)), pa.array([], pa.string()))
    if field.nullable:
        return pa.nulls(count, field.type)
    return pa.repeat(pa.scalar(_DEFAULTS[field.name], field.type), count)


def to_rows(batch: pa.RecordBatch) -> list[Post]:
    """Return a batch as `Post` rows, in order."""
    return [Post(**{**row, "extra": _json_decoder.decode(row["extra"])}) for row in batch.to_pylist()]


def empty() -> pa.RecordBatch:
    """Return a batch without rows: "nothing yet"."""
    return to_columns([])


class _Wire(Post, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    v: int = 0


_wire_decoder = msgspec.json.Decoder(_Wire)


def to_json(post: Post) -> bytes:
    """Return the form in which others may read a post: one JSON object with the schema version in `v`.

    >>> to_json(Post(id="sample:1", source="sample", text="hi"))
    b'{"id":"sample:1","source":"sample","text":"hi","v":1}'
    """
    return msgspec.json.encode(_Wire(**{name: getattr(post, name) for name in Post.__struct_fields__}, v=SCHEMA_VERSION))


def from_json_lines(data: bytes) -> list[Post]:
    """Return the posts in lines of JSON; raises as `from_json` does if a single one is not a post."""
    wires = _wire_decoder.decode_lines(data)
    for wire in wires:
        if wire.v != SCHEMA_VERSION:
            raise msgspec.ValidationError(f"schema version {wire.v} is not {SCHEMA_VERSION} - at `$.v`")
    return list[Post](wires)


def from_json(data: bytes) -> Post:
    """Return the post in `data`; raises `msgspec.DecodeError` or `msgspec.ValidationError` with the field's path.

    >>> from_json(b'{"v":1,"id":"sample:1","source":"sample","text":"hi"}').text
    'hi'
    """
    wire = _wire_decoder.decode(data)
    if wire.v != SCHEMA_VERSION:
        raise msgspec.ValidationError(f"schema version {wire.v} is not {SCHEMA_VERSION} - at `$.v`")
    return Post(**{name: getattr(wire, name) for name in Post.__struct_fields__})
