"""Our own records: one for each person and post, with all that we know. Also what CSV and Parquet hold."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from goldstream.annotation.formats.base import Format, Said, moment, text_of

FIELDS = Said.__struct_fields__


def _write(answers: Iterable[Said], labels: Sequence[str]) -> Iterator[dict[str, Any]]:
    for said in answers:
        yield msgspec.to_builtins(said, builtin_types=())


def _read(record: dict[str, Any], labels: Sequence[str]) -> Iterator[Said]:
    known = {name: record[name] for name in FIELDS if record.get(name) not in (None, "")}
    label = known.get("label", record.get("gold") or None)
    act = known.get("act") or ("answer" if label is not None else "skip")
    numbers: Any = {name: float(known[name]) for name in ("seconds", "chance") if name in known}
    words: Any = {name: str(known[name]) for name in ("id", "annotator", "note", "strategy") if name in known}
    yield Said(
        **words, **numbers, text=text_of(record, "text") if "id" not in known else str(record.get("text") or ""),
        label=None if label is None else str(label), act=act, at=moment(known.get("at")), revision=int(known.get("revision", 0)),
    )  # fmt: skip


FORMAT = Format("jsonl", _write, _read, lines=True)
