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
from typing import Any

from goldstream.errors import SourceError
from goldstream.records import Post
from goldstream.settings import Section

Path_ = str | tuple[str, ...]


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
        readers: dict[str, Callable[[AbstractMapping[str, Any], str], Any]] = {
            "revision": self._whole,
            "created_at": self._moment,
            **dict.fromkeys(("author", "lang", "url"), self._text),
            **dict.fromkeys(("links", "tags"), self._texts),
            **dict.fromkeys(("reply_to", "repost_of"), self._other),
        }
        self._others = [(field, read) for field, read in readers.items() if field in self._paths]

    def check(self, names: Sequence[str], where: str) -> None:
        """Raise `SourceError` unless a table with these columns has what the mapping asks for."""
        for field, paths in self._paths.items():
            if not any(path[0].removesuffix("[]") in names for path in paths):
                asked = " or ".join(".".join(path) for path in paths)
                raise SourceError(f"{where}: no column {asked!r} for {field}; there are: {', '.join(names)}")

    def post(self, row: AbstractMapping[str, Any], place: str) -> Post:
        """Return the post in `row`; raises `Bad` with what is wrong. `place` tells rows without an id apart."""
        text = self._get(row, "text")
        if not isinstance(text, str):
            raise Bad(f"the text is {'missing' if text is None else type(text).__name__}")
        own = self._get(row, "id")
        if isinstance(own, bool | dict | list):
            raise Bad(f"id is {type(own).__name__}, not a text or a number")
        made = hashlib.sha256(f"{place}\n{text}".encode("utf-8", "surrogatepass")).hexdigest()[:24] if own is None else own
        kind = (self._text(row, "kind") if "kind" in self._paths else None) or "create"
        if kind not in ("create", "update", "delete", "forget"):
            raise Bad(f"kind {kind!r} is none of create, update, delete, forget")
        gold = self._get(row, "gold")
        extra = {} if gold is None else {"gold": self._gold_labels.get(str(gold), str(gold))}
        others = {field: read(row, field) for field, read in self._others}
        return Post(id=f"{self._source}:{made}", source=self._source, kind=kind, text=text, extra=extra, **others)  # type: ignore[arg-type]

    def _get(self, row: AbstractMapping[str, Any], field: str) -> Any:
        for path in self._paths.get(field, ()):
            value = row.get(path[0]) if len(path) == 1 and path[0] in row else _at(row, path)
            if value is not None:
                return value
        return None

    def _text(self, row: AbstractMapping[str, Any], field: str) -> str | None:
        value = self._get(row, field)
        return None if value is None else str(value)

    def _moment(self, row: AbstractMapping[str, Any], field: str) -> datetime | None:
        return moment(self._get(row, field))

    def _texts(self, row: AbstractMapping[str, Any], field: str) -> list[str]:
        value = self._get(row, field)
        values = value if isinstance(value, list) else [] if value is None else [value]
        return [str(each) for each in values if each is not None]

    def _whole(self, row: AbstractMapping[str, Any], field: str) -> int:
        value = self._get(row, field)
        try:
            number = 0 if value is None else int(value)
        except (TypeError, ValueError, OverflowError):
            raise Bad(f"{field} {value!r} is not a whole number") from None
        if not -(1 << 63) <= number < 1 << 63:
            raise Bad(f"{field} {number} has more than 64 bits")
        return number

    def _other(self, row: AbstractMapping[str, Any], field: str) -> str | None:
        value = self._get(row, field)
        return None if value is None else f"{self._source}:{value}"


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


def _tried(paths: Path_) -> list[tuple[str, ...]]:
    return [tuple(path.split(".")) for path in ([paths] if isinstance(paths, str) else paths)]


def _at(value: Any, path: Sequence[str]) -> Any:
    """What stands at `path`; `name[]` goes through every element of a list. A column may itself have dots in its name."""
    if isinstance(value, AbstractMapping) and (whole := ".".join(path)) in value:
        return value[whole]
    for number, step in enumerate(path):
        name, each = step.removesuffix("[]"), step.endswith("[]")
        value = value.get(name) if isinstance(value, AbstractMapping) else None
        if each:
            rest = path[number + 1 :]
            return [_at(item, rest) if rest else item for item in value] if isinstance(value, list) else None
    return value
