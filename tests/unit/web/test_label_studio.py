"""Label Studio asks for predictions and tells of annotations, as its backends are asked and told."""

import base64

import pytest

from goldstream.settings import Settings, convert

CONFIG = """<View><Text name="tweet" value="$body"/>
<Choices name="topic" toName="tweet"><Choice value="AI"/><Choice value="Other"/></Choices></View>"""
SECTIONS = {"project": {"labels": ["ai", "other"], "keep": "ai"}}


@pytest.fixture
def client(open_client):
    return open_client(convert(SECTIONS, Settings, "test"))


def promote(client, version: int) -> None:
    assert client.post("/model/promote", json={"version": version, "why": "the first"}).status_code == 200


def test_it_says_that_it_is_there(client):
    assert client.get("/label-studio/health").json() == {"status": "UP", "model_class": "Goldstream"}
    assert client.post("/label-studio/setup", json={"project": "1.2", "schema": CONFIG}).json() == {"model_version": ""}


def test_tasks_are_answered_in_the_words_of_the_configuration(client, register):
    version = register()
    promote(client, version)
    assert client.post("/label-studio/setup", json={}).json() == {"model_version": f"goldstream-{version}"}
    tasks = [{"id": 1, "data": {"body": "a new model"}}, {"id": 2, "data": {"body": "rain again"}}]
    asked = {"tasks": tasks, "project": "1.1700000000", "label_config": CONFIG, "params": {"login": None, "context": None}}
    first, second = client.post("/label-studio/predict", json=asked).json()["results"]
    assert first["result"][0]["value"] == {"choices": ["AI"]}
    assert (first["result"][0]["from_name"], first["result"][0]["to_name"], first["result"][0]["type"]) == (
        "topic",
        "tweet",
        "choices",
    )
    assert second["result"][0]["value"] == {"choices": ["Other"]}
    assert first["score"] > 0.5
    assert first["model_version"] == f"goldstream-{version}"


def test_before_there_is_a_champion_nothing_is_predicted(client):
    asked = {"tasks": [{"data": {"text": "x"}}]}
    assert client.post("/label-studio/predict", json=asked).json()["results"] == [
        {"result": [], "score": 0.0, "model_version": ""}
    ]


@pytest.mark.parametrize("config", ["<View>", "<View/>", '<!DOCTYPE x [<!ENTITY a "b">]><View><Choices name="a"/></View>'])
def test_a_configuration_that_can_not_be_used_is_refused(client, config):
    assert client.post("/label-studio/predict", json={"tasks": [], "label_config": config}).status_code == 422


def event(action: str, **annotation) -> dict:
    chosen = {"from_name": "topic", "to_name": "tweet", "type": "choices", "value": {"choices": ["AI"]}}
    return {
        "action": action, "project": {"id": 1}, "task": {"id": 7, "data": {"text": "the very words"}},
        "annotation": {"id": 3, "completed_by": 5, "lead_time": 4.2, "result": [chosen], **annotation},
    }  # fmt: skip


def test_what_is_said_there_is_kept_here(client, fill):
    fill.champion()
    fill.keep("s:1", "the very words")

    def told(given: dict) -> tuple[int, bool | None]:
        answer = client.post("/label-studio/webhook", json=given)
        return answer.status_code, answer.json().get("result", {}).get("kept")

    assert told(event("ANNOTATION_CREATED")) == (201, True)
    assert told(event("ANNOTATION_UPDATED", was_cancelled=True)) == (201, True)
    assert told(event("ANNOTATION_DELETED")) == (201, True)
    rows = fill.conn.execute("SELECT annotator, label, act, strategy, seconds FROM annotations ORDER BY id").fetchall()
    assert [row[:4] for row in rows] == [
        ("label-studio-5", "ai", "answer", "label-studio"), ("label-studio-5", None, "skip", "label-studio"),
        ("label-studio-5", None, "undo", "label-studio"),
    ]  # fmt: skip
    assert told({**event("ANNOTATION_CREATED"), "task": {"data": {"text": "unknown words"}}}) == (201, False)
    assert told(event("ANNOTATION_CREATED", result=[{"type": "choices"}])) == (201, False)
    assert told({"action": "PROJECT_CREATED"}) == (200, None)
    assert told({"action": "START_TRAINING"}) == (200, None)
    assert len(rows) == 3


def test_a_deletion_there_names_ids_only_and_takes_back_what_still_counts(client, fill):
    fill.champion()
    fill.keep("s:1", "the very words")
    client.post("/label-studio/webhook", json=event("ANNOTATION_CREATED"))
    gone = {"action": "ANNOTATIONS_DELETED", "annotations": [{"id": 3}, {"id": 99}], "project": {"id": 1}}
    kept = [client.post("/label-studio/webhook", json=gone).json()["result"]["kept"] for _ in range(2)]
    assert kept == [True, False]
    assert fill.conn.execute("SELECT act, label FROM latest_answers").fetchall() == [("undo", None)]


def test_where_people_have_tokens_label_studio_shows_one_too(open_client, fill, monkeypatch):
    monkeypatch.setenv("LS", "its own")
    people = {"annotators": [{"name": "Label Studio", "token": {"env": "LS"}}]}
    client = open_client(convert({**SECTIONS, "annotation": people}, Settings, "test"))
    assert client.post("/label-studio/webhook", json=event("ANNOTATION_CREATED")).status_code == 403
    basic = base64.b64encode(b"goldstream:its own").decode()
    shown = {"authorization": f"Basic {basic}"}
    assert client.post("/label-studio/webhook", json=event("ANNOTATION_CREATED"), headers=shown).status_code == 201
