"""Prodigy's JSONL: one choice for each person and post; also its yes-or-no records are read."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from goldstream.annotation.formats.base import Format, Said, moment, text_of


def _write(answers: Iterable[Said], labels: Sequence[str]) -> Iterator[dict[str, Any]]:
    options = [{"id": label, "text": label} for label in labels]
    for said in answers:
        if said.act == "adjudicate":
            continue  # who decides stands above people, and Prodigy knows people only
        yield {
            "text": said.text, "meta": {"id": said.id, "note": said.note}, "options": options,
            "accept": [] if said.label is None else [said.label], "answer": "ignore" if said.label is None else "accept",
            "_annotator_id": said.annotator, "_timestamp": said.at and int(said.at.timestamp()), "config": {"choice_style": "single"},
        }  # fmt: skip


def _read(record: dict[str, Any], labels: Sequence[str]) -> Iterator[Said]:
    meta = record.get("meta") if isinstance(record.get("meta"), dict) else {}
    assert isinstance(meta, dict)
    label = _label(record, labels)
    answer = record.get("answer", "accept")
    if label is None and answer == "reject":
        return  # "not this one" among several says no label
    who = record.get("_annotator_id") or record.get("_session_id")
    yield Said(
        id=meta["id"] if isinstance(meta.get("id"), str) else None, text=text_of(record, "text"), label=label,
        act="answer" if label is not None else "skip", annotator=str(who) if who else None,
        note=meta["note"] if isinstance(meta.get("note"), str) else None, at=moment(record.get("_timestamp")),
    )  # fmt: skip


def _label(record: dict[str, Any], labels: Sequence[str]) -> str | None:
    """What is accepted; of two labels, rejecting one means the other."""
    answer = record.get("answer", "accept")
    if answer == "ignore":
        return None
    if "accept" in record:
        return str(record["accept"][0]) if record["accept"] and answer == "accept" else None
    said = record.get("label")
    if answer == "accept" or said is None:
        return None if said is None else str(said)
    others = [label for label in labels if label != said]
    return others[0] if len(others) == 1 and said in labels else None


FORMAT = Format("prodigy", _write, _read, lines=True)
