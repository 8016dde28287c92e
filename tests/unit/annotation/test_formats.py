"""Records of other tools, as those tools write them."""

from datetime import UTC, datetime

import pytest

from goldstream.annotation.formats import argilla, doccano, label_studio, plain, prodigy
from goldstream.annotation.formats.base import Said
from goldstream.errors import DataError

LABELS = ("ai", "other")
WHEN = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
ANSWERS = [
    Said(id="s:1", text="a \"b\" <c>\nд🔥", label="ai", annotator="Ann", at=WHEN, note="sure", seconds=2.5, strategy="random",
         chance=0.5, revision=3),
    Said(id="s:1", text="a \"b\" <c>\nд🔥", label="other", annotator="Bob", at=WHEN),
    Said(id="s:1", text="a \"b\" <c>\nд🔥", label="other", annotator="Ann", act="adjudicate", at=WHEN),
    Said(id="s:2", text="two", annotator="Ann", act="skip", at=WHEN),
]  # fmt: skip

#: What each format can't carry.
LOST = {
    plain.FORMAT: (),
    label_studio.FORMAT: ("strategy", "chance", "revision"),
    prodigy.FORMAT: ("strategy", "chance", "revision", "seconds"),
    doccano.FORMAT: ("strategy", "chance", "revision", "seconds", "at"),
    argilla.FORMAT: ("strategy", "chance", "revision", "seconds", "at", "note"),
}
ACTS = {prodigy.FORMAT: ("answer", "skip"), argilla.FORMAT: ("answer",)}


@pytest.mark.parametrize("form", LOST, ids=lambda form: form.name)
def test_what_is_written_is_read_again(form):
    records = list(form.write(ANSWERS, LABELS))
    back = [said for record in records for said in form.read(record, LABELS)]
    blank = Said()
    wanted = []
    for said in ANSWERS:
        if said.act in ACTS.get(form, (said.act,)):
            fields = {name: getattr(blank if name in LOST[form] else said, name) for name in Said.__struct_fields__}
            wanted.append(Said(**fields))
    assert back == wanted


CHOSEN = {"value": {"choices": ["ai"]}, "from_name": "sentiment", "to_name": "text", "type": "choices"}
SKIPPED = {"completed_by": {"email": "a@b.c", "id": 3}, "result": [], "was_cancelled": True}
RESPONSES = {"topic": [{"value": "ai", "user_id": "12345678-1234-5678-1234-567812345678"}]}


@pytest.mark.parametrize(
    ("form", "record", "said"),
    [
        (label_studio.FORMAT, {"id": 7, "data": {"text": "t"}, "annotations": [{"id": 1, "completed_by": 3, "result": [CHOSEN]}]},
            ("ai", "answer", "label-studio-3")),
        (label_studio.FORMAT, {"data": {"text": "t"}, "annotations": [SKIPPED]}, (None, "skip", "a@b.c")),
        (label_studio.FORMAT, {"data": {"text": "t"}, "predictions": [{"result": []}]}, None),
        (prodigy.FORMAT, {"text": "t", "label": "ai", "answer": "accept", "_input_hash": 1, "_session_id": "x"}, ("ai", "answer", "x")),
        (prodigy.FORMAT, {"text": "t", "label": "ai", "answer": "reject"}, ("other", "answer", None)),
        (prodigy.FORMAT, {"text": "t", "label": "ai", "answer": "ignore"}, (None, "skip", None)),
        (prodigy.FORMAT, {"text": "t", "options": [{"id": "ai"}], "accept": ["ai"], "answer": "accept"}, ("ai", "answer", None)),
        (doccano.FORMAT, {"id": 1, "text": "t", "label": ["ai"], "Comments": []}, ("ai", "answer", None)),
        (doccano.FORMAT, {"id": 1, "data": "t", "label": []}, (None, "skip", None)),
        (argilla.FORMAT, {"id": "x", "fields": {"text": "t"}, "metadata": {}, "suggestions": {}, "responses": RESPONSES},
            ("ai", "answer", "argilla-12345678")),
        (plain.FORMAT, {"text": "t", "label": "ai"}, ("ai", "answer", None)),
        (plain.FORMAT, {"text": "t", "gold": "ai", "annotator": ""}, ("ai", "answer", None)),
    ],
)  # fmt: skip
def test_what_the_tools_themselves_write_is_read(form, record, said):
    found = [(each.label, each.act, each.annotator) for each in form.read(record, LABELS)]
    assert found == ([] if said is None else [said])


def test_rejecting_one_of_three_labels_says_nothing():
    record = {"text": "t", "label": "ai", "answer": "reject"}
    assert list(prodigy.FORMAT.read(record, ("ai", "other", "third"))) == []


def test_a_record_without_a_text_is_named():
    with pytest.raises(DataError, match="has no text"):
        list(plain.FORMAT.read({"label": "ai"}, LABELS))


def test_label_studios_configuration_escapes_labels():
    assert 'value="a&quot;b&lt;' in label_studio.configuration(
        ['a"b<', "c"]
    ) or "value='a\"b&lt;'" in label_studio.configuration(['a"b<'])
