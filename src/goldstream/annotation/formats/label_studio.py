"""Label Studio's JSON: a list of tasks, each with its annotations. Skips are `was_cancelled`, decisions `ground_truth`."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from goldstream.annotation.formats.base import Format, Said, by_post, moment, text_of

FROM, TO = "label", "text"  #: names in the labelling configuration


def configuration(labels: Sequence[str]) -> str:
    """Return the labelling configuration that suits the tasks.

    >>> configuration(["ai", "other"]).count("<Choice ")
    2
    """
    from xml.sax.saxutils import quoteattr

    choices = "".join(f"<Choice value={quoteattr(label)}/>" for label in labels)
    text = f'<Text name="{TO}" value="$text"/>'
    return f'<View>{text}<Choices name="{FROM}" toName="{TO}" choice="single">{choices}</Choices></View>'


def choice(label: str, from_name: str = FROM, to_name: str = TO) -> dict[str, Any]:
    """Return a label as one result."""
    return {"from_name": from_name, "to_name": to_name, "type": "choices", "value": {"choices": [label]}}


def _write(answers: Iterable[Said], labels: Sequence[str]) -> Iterator[dict[str, Any]]:
    for together in by_post(answers):
        data = {"text": together[0].text, "id": together[0].id}
        yield {"data": data, "annotations": [_annotation(said) for said in together], "predictions": []}


def _annotation(said: Said) -> dict[str, Any]:
    result = [] if said.label is None else [choice(said.label)]
    if said.note and result:
        result[0]["meta"] = {"text": [said.note]}
    return {
        "result": result, "was_cancelled": said.act == "skip", "ground_truth": said.act == "adjudicate",
        "created_at": said.at and said.at.isoformat(), "lead_time": said.seconds, "annotator": said.annotator,
    }  # fmt: skip


def _read(record: dict[str, Any], labels: Sequence[str]) -> Iterator[Said]:
    data = record.get("data") if isinstance(record.get("data"), dict) else record
    assert isinstance(data, dict)
    text = text_of(data, "text")
    for annotation in record.get("annotations") or record.get("completions") or []:
        chosen = [each for each in annotation.get("result") or [] if each.get("type") == "choices"]
        choices = chosen[0]["value"]["choices"] if chosen else []
        act = (
            "skip"
            if annotation.get("was_cancelled") or not choices
            else "adjudicate"
            if annotation.get("ground_truth")
            else "answer"
        )
        notes = (chosen[0].get("meta") or {}).get("text") if chosen else None
        yield Said(
            id=data.get("id") if isinstance(data.get("id"), str) else None, text=text, annotator=_annotator(annotation), act=act,
            label=str(choices[0]) if choices and act != "skip" else None, note=str(notes[0]) if notes else None,
            at=moment(annotation.get("created_at")), seconds=annotation.get("lead_time"),
        )  # fmt: skip


def _annotator(annotation: dict[str, Any]) -> str | None:
    """Who: our own name for them, or an address or number of Label Studio's."""
    who = annotation.get("annotator", annotation.get("completed_by"))
    if isinstance(who, dict):
        who = who.get("email") or who.get("id")
    return who if isinstance(who, str) or who is None else f"label-studio-{who}"


FORMAT = Format("label-studio", _write, _read, lines=False)
