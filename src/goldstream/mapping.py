"""Turns the rows of somebody's file into posts: which column, or which place in nested JSON, holds what.

>>> make = Mapping(Columns(text=("full.text", "text"), links=("urls[].url",)), source="x")
>>> make.post({"text": "cut …", "full": {"text": "whole"}, "urls": [{"url": "https://a.example"}]}, "1").links
['https://a.example']
"""

import hashlib
from collections.abc import Callable, Sequence
from collections.abc import Mapping as AbstractMapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc

from goldstream.errors import SourceError
from goldstream.records import EARLIEST_US, LATEST_US, Kind, Post, from_fields
from goldstream.settings import Section

Path_ = str | tuple[str, ...]
Column = Callable[[tuple[str, ...]], Sequence[Any]]  #: all values at one path, in the order of the rows

_UTC = pa.timestamp("us", tz="UTC")


class Columns(Section, frozen=True, kw_only=True):
    """Where each field of a post stands: a column, a dotted path (`a.b`, `list[].c`), or several to try in turn."""

    id: Path_ | None = None  #: without one, an id is made from the place in the file
    text: Path_ = "text"
    kind: Path_ | None = None
    revision: Path_ | None = None
    created_at: Path_ | None = None
    author: Path_ | None = None
    lang: Path_ | None = None
    url: Path_ | None = None
    links: Path_ | None = None
    tags: Path_ | None = None
    reply_to: Path_ | None = None
    repost_of: Path_ | None = None
    gold: Path_ | None = None  #: the true label, if the file has one; only dev and test ever see it


class Bad(ValueError):
    """A row that can't become a post."""


class Mapping:
    """Makes posts of rows by `Columns`."""

    def __init__(self, columns: Columns, *, source: str, gold_labels: AbstractMapping[str, str] | None = None) -> None:
        self._source, self._gold_labels = source, gold_labels or {}
        self._paths = {
            name: _tried(getattr(columns, name)) for name in Columns.__struct_fields__ if getattr(columns, name) is not None
        }
        self._readers: dict[str, Callable[[Any], Any]] = {
            "revision": _whole,
            "created_at": moment,
            **dict.fromkeys(("author", "lang", "url"), _text),
            **dict.fromkeys(("links", "tags"), _list),
            **dict.fromkeys(("reply_to", "repost_of"), self._other),
        }
        self._others = [field for field in self._readers if field in self._paths]

    @property
    def paths(self) -> list[tuple[str, ...]]:
        """All places at which something may stand."""
        return [path for paths in self._paths.values() for path in paths]

    def check(self, names: Sequence[str], where: str) -> None:
        """Raise `SourceError` unless a table with these columns has what the mapping asks for."""
        for field, paths in self._paths.items():
            if not any(path[0].removesuffix("[]") in names for path in paths):
                asked = " or ".join(".".join(path) for path in paths)
                raise SourceError(f"{where}: no column {asked!r} for {field}; there are: {', '.join(names)}")

    def post(self, row: AbstractMapping[str, Any], place: str) -> Post:
        """Return the post in `row`; raises `Bad` with what is wrong. `place` tells rows without an id apart."""
        text, own = self._get(row, "text"), self._get(row, "id")
        if not isinstance(text, str):
            raise Bad(f"the text is {'missing' if text is None else type(text).__name__}")
        if isinstance(own, bool | dict | list):
            raise Bad(f"id is {type(own).__name__}, not a text or a number")
        others = {field: self._readers[field](self._get(row, field)) for field in self._others}
        return Post(
            id=f"{self._source}:{_made(place, text) if own is None else own}", source=self._source, text=text,
            kind=_kind(self._get(row, "kind")), extra=self._extra(self._get(row, "gold")), **others,
        )  # fmt: skip

    def batch(self, count: int, column: "Column", place: Callable[[int], str]) -> pa.RecordBatch:
        """Return the posts that `post` makes of `count` rows, whose `column` at a path is given; raises `Bad` if one is bad.

        `place` tells where the row of a number stands.
        """
        texts, owns = self._column("text", column), self._column("id", column)
        if texts is None or set(map(type, texts)) - {str}:
            raise Bad("a text is missing or none")
        if owns is None:
            owns = [None] * count
        if set(map(type, owns)) - {str, int, float, type(None)}:
            raise Bad("an id is not a text or a number")
        fields: dict[str, Any] = {
            "source": pa.repeat(self._source, count),
            "text": texts,
            "id": [f"{self._source}:{_made(place(row), texts[row]) if own is None else own}" for row, own in enumerate(owns)],
        }
        if (kinds := self._column("kind", column)) is not None:
            fields["kind"] = list(map(_kind, kinds))
        if (golds := self._column("gold", column)) is not None:
            fields["extra"] = list(map(self._extra, golds))
        for field in self._others:
            fields[field] = self._read_column(field, self._column(field, column) or ())
        return from_fields(fields, count)

    def _column(self, field: str, column: "Column") -> Sequence[Any] | None:
        """A field's values: of its paths the first that is not null."""
        found: Sequence[Any] | None = None
        for path in self._paths.get(field, ()):
            values = column(path)
            found = (
                values if found is None else [old if old is not None else new for old, new in zip(found, values, strict=True)]
            )
        return found

    def _read_column(self, field: str, values: Sequence[Any]) -> Sequence[Any] | pa.Array:
        if field == "created_at":
            return moments(values)
        if self._readers[field] is _text and not set(map(type, values)) - {str, type(None)}:
            return values
        return list(map(self._readers[field], values))

    def _get(self, row: AbstractMapping[str, Any], field: str) -> Any:
        for path in self._paths.get(field, ()):
            value = row.get(path[0]) if len(path) == 1 and path[0] in row else at(row, path)
            if value is not None:
                return value
        return None

    def _extra(self, gold: Any) -> dict[str, Any]:
        return {} if gold is None else {"gold": self._gold_labels.get(str(gold), str(gold))}

    def _other(self, value: Any) -> str | None:
        return None if value is None else f"{self._source}:{value}"


def _made(place: str, text: str) -> str:
    return hashlib.sha256(f"{place}\n{text}".encode("utf-8", "surrogatepass")).hexdigest()[:24]


def _kind(value: Any) -> Kind:
    kind = (None if value is None else str(value)) or "create"
    if kind not in ("create", "update", "delete", "forget"):
        raise Bad(f"kind {kind!r} is none of create, update, delete, forget")
    return cast(Kind, kind)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _list(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [] if value is None else [value]
    return [str(each) for each in values if each is not None]


def _whole(value: Any) -> int:
    try:
        number = 0 if value is None else int(value)
    except (TypeError, ValueError, OverflowError):
        raise Bad(f"revision {value!r} is not a whole number") from None
    if not -(1 << 63) <= number < 1 << 63:
        raise Bad(f"revision {number} has more than 64 bits")
    return number


_FORMATS: tuple[Callable[[str], datetime], ...] = (
    datetime.fromisoformat,
    lambda text: datetime.strptime(text, "%a %b %d %H:%M:%S %z %Y"),  # as Twitter wrote it
    lambda text: datetime.strptime(text, "%Y-%m-%d %H:%M:%S %z"),
    parsedate_to_datetime,
)


def moment(value: Any) -> datetime | None:
    """Return a time in UTC from whatever a file calls one; None for what is none. Numbers are seconds, or more than 1e11: milliseconds.

    >>> moment("Sun Apr 05 10:46:44 +0000 2020").isoformat(), moment(1586083604000) == moment("2020-04-05T10:46:44Z")
    ('2020-04-05T10:46:44+00:00', True)
    """
    if value == "":
        return None
    if isinstance(value, str) and value.strip().lstrip("-").replace(".", "", 1).isdigit() and len(value) > 8:
        value = float(value)
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return datetime.fromtimestamp(value / 1000 if abs(value) > 1e11 else value, UTC)
        except (OverflowError, OSError, ValueError):
            return None
    if isinstance(value, str):
        for read in _FORMATS:
            try:
                return moment(read(value.strip()))
            except (ValueError, TypeError, IndexError, OverflowError):
                continue
    return None


def moments(values: Sequence[Any]) -> pa.Array | list[datetime | None]:
    """Return what `moment` makes of each value: many at once where all are texts as ISO 8601 has them."""
    if not set(map(type, values)) - {str, type(None)}:
        texts = pa.array([value or None for value in values], pa.string())
        for kind in (_UTC, pa.timestamp("us")):
            try:
                times = texts.cast(kind).cast(_UTC)
            except pa.ArrowInvalid:
                continue
            ends = pc.min_max(times.cast(pa.int64())).as_py()
            if ends["min"] is None or EARLIEST_US <= ends["min"] <= ends["max"] <= LATEST_US:
                return times
    return list(map(moment, values))


def _tried(paths: Path_) -> list[tuple[str, ...]]:
    return [tuple(path.split(".")) for path in ([paths] if isinstance(paths, str) else paths)]


def at(value: Any, path: Sequence[str]) -> Any:
    """What stands at `path`; `name[]` goes through every element of a list. A column may itself have dots in its name."""
    if isinstance(value, AbstractMapping) and (whole := ".".join(path)) in value:
        return value[whole]
    for number, step in enumerate(path):
        name, each = step.removesuffix("[]"), step.endswith("[]")
        value = value.get(name) if isinstance(value, AbstractMapping) else None
        if each:
            rest = path[number + 1 :]
            return [at(item, rest) if rest else item for item in value] if isinstance(value, list) else None
    return value
