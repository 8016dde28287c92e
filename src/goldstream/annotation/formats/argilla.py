"""Argilla's records, as `records.to_json` writes them: fields, responses by question, metadata.

Argilla names people by UUID; ours follow from the name, and the names stand in the metadata.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from uuid import UUID, uuid5

from goldstream.annotation.formats.base import Format, Said, by_post, text_of

QUESTION = "label"
_PEOPLE = UUID("6f0f7a4e-54c9-4a0b-9f57-6d1f9a5c0e11")  # a namespace of our own, any will do


def _write(answers: Iterable[Said], labels: Sequence[str]) -> Iterator[dict[str, Any]]:
    for together in by_post(answers):
        said = [each for each in together if each.label is not None and each.act == "answer"]
        if not said:
            continue  # a skip is "discarded" there, and stands in no response
        yield {
            "id": said[0].id, "fields": {"text": said[0].text}, "suggestions": {}, "vectors": {}, "_server_id": None,
            "metadata": {"annotators": [each.annotator for each in said]},
            "responses": {QUESTION: [{"value": each.label, "user_id": str(uuid5(_PEOPLE, each.annotator or ""))} for each in said]},
        }  # fmt: skip


def _read(record: dict[str, Any], labels: Sequence[str]) -> Iterator[Said]:
    text = text_of(record.get("fields") or {}, "text")
    responses = record.get("responses") or {}
    names = (record.get("metadata") or {}).get("annotators") or []
    given: list[Any] = responses.get(QUESTION) or next(iter(responses.values()), [])
    for number, response in enumerate(given):
        name = names[number] if number < len(names) else f"argilla-{str(response.get('user_id'))[:8]}"
        value = response.get("value")
        if isinstance(value, str):
            yield Said(id=record.get("id"), text=text, label=value, annotator=str(name))


FORMAT = Format("argilla", _write, _read, lines=False)
