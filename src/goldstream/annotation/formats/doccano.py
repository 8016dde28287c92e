"""doccano's JSONL for text classification: `text` and a list of labels. Who said it is a field of ours."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from goldstream.annotation.formats.base import Format, Said, text_of


def _write(answers: Iterable[Said], labels: Sequence[str]) -> Iterator[dict[str, Any]]:
    for number, said in enumerate(answers, 1):
        label = [] if said.label is None else [said.label]
        comments = [said.note] if said.note else []
        yield {
            "id": number, "text": said.text, "label": label, "Comments": comments, "post_id": said.id,
            "annotator": said.annotator, "act": said.act,
        }  # fmt: skip


def _read(record: dict[str, Any], labels: Sequence[str]) -> Iterator[Said]:
    given = record.get("label", record.get("labels")) or []
    label = given if isinstance(given, str) else str(given[0]) if given else None
    comments = record.get("Comments") or record.get("comments") or []
    post = record.get("post_id")
    yield Said(
        id=post if isinstance(post, str) else None, text=text_of(record, "text", "data"), label=label,
        act=record.get("act") or ("skip" if label is None else "answer"), annotator=record.get("annotator") or None,
        note=str(comments[0]) if comments else None,
    )  # fmt: skip


FORMAT = Format("doccano", _write, _read, lines=True)
