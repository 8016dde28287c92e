"""What every format carries: what one person says of one post."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from goldstream.errors import DataError


class Said(msgspec.Struct, kw_only=True):
    """What one person says of one post; None where a format does not carry it."""

    id: str | None = None  #: the post's
    text: str = ""
    label: str | None = None  #: None for a skip
    annotator: str | None = None
    act: str = "answer"  #: `answer`, `skip` or `adjudicate`
    note: str | None = None
    at: datetime | None = None
    seconds: float | None = None
    strategy: str | None = None
    chance: float | None = None
    revision: int = 0


class Format(NamedTuple):
    """How a tool's records look. Both ends work on plain data, one JSON object for each record."""

    name: str
    write: Callable[[Iterable[Said], Sequence[str]], Iterator[dict[str, Any]]]  #: from answers, grouped by post, and all labels
    read: Callable[[dict[str, Any], Sequence[str]], Iterator[Said]]  #: from one record
    lines: bool  #: a record on each line, or one list of all


def by_post(answers: Iterable[Said]) -> Iterator[list[Said]]:
    """Yield answers that follow each other and are about one post, together.

    >>> [len(together) for together in by_post([Said(id="a"), Said(id="a"), Said(id="b")])]
    [2, 1]
    """
    together: list[Said] = []
    for said in answers:
        if together and together[-1].id != said.id:
            yield together
            together = []
        together.append(said)
    if together:
        yield together


def moment(value: Any) -> datetime | None:
    """Return a time from ISO 8601 or seconds since 1970, in UTC; None for what is not one.

    >>> moment("2026-01-02T03:04:05Z") == moment(1767323045), moment("yesterday")
    (True, None)
    """
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        found = datetime.fromisoformat(str(value))
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


def text_of(record: dict[str, Any], *names: str) -> str:
    """Return the first of some fields that is text; raises `DataError` when none is."""
    found = next((record[name] for name in names if isinstance(record.get(name), str)), None)
    if found is None:
        raise DataError(
            f"a record has no {' or '.join(names)}: {msgspec.json.encode(record, enc_hook=str)[:120].decode('utf-8', 'replace')}"
        )
    return found
