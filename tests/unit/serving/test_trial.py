import time
from typing import Any

import pytest
from click.testing import CliRunner

from goldstream.cli import goldstream
from goldstream.errors import ModelError
from goldstream.run.project import Project
from goldstream.store import trial_results, trials

from .conftest import LABELS, write_model

ASK = {"text": "the flood comes tonight"}


def _begin(store, kind: str, share: float, version: int = 2) -> None:
    with store.connect(name="test") as conn:
        trials.begin(conn, kind, version, share, reader="classify", who="test", why="tried")


def _versions(client, count: int) -> list[int]:
    return [client.post("/predict", json=ASK).json()["version"] for _ in range(count)]


def test_a_canary_answers_its_share(store, registry, served):
    _begin(store, "canary", 0.5)
    made = served()
    with made.client() as client:
        _until(lambda: made.service.trials.on)
        made.service.trials._random.seed(1)
        found = _versions(client, 60)
        assert 15 < found.count(2) < 45
        assert client.post("/versions/1/predict", json=ASK).json()["version"] == 1
        with store.connect(name="test") as conn:
            assert trials.end(conn, who="test", why="enough").version == 2
        _until(lambda: not made.service.trials.on)
        assert set(_versions(client, 20)) == {1}


@pytest.mark.parametrize(("share", "versions"), [(0.0, {1}), (1.0, {2})])
def test_a_canary_of_nothing_and_of_everything(store, registry, served, share, versions):
    _begin(store, "canary", share)
    made = served()
    with made.client() as client:
        _until(lambda: made.service.trials.on)
        assert set(_versions(client, 20)) == versions


def test_both_sides_of_a_canary_are_compared_by_what_they_say_and_by_what_people_say(store, registry, served):
    _begin(store, "canary", 0.5)
    with (made := served()).client() as client:
        _until(lambda: made.service.trials.on)
        answers = [client.post("/predict", json=ASK).json() for _ in range(40)]
        for said in answers:
            client.post("/feedback", json={"prediction_id": said["prediction_id"], "correct": said["version"] == 2})
    found = _so_far(store)
    assert [side["version"] for side in found["requests"]] == [1, 2]
    for side in found["requests"]:
        mine = [said for said in answers if said["version"] == side["version"]]
        assert (side["requests"], side["texts"], side["failed"], side["tried"]) == (
            len(mine), len(mine), 0, side["version"] == 2,
        )  # fmt: skip
        assert side["labels"]["keep"]["n"] == len(mine)
        assert side["labels"]["keep"]["share"] == 1 and side["labels"]["keep"]["interval"][0] < 1
        assert 0 < side["seconds"]["p50"] <= side["seconds"]["p99"]
        assert (side["feedback"]["n"], side["feedback"]["correctness_rate"]) == (len(mine), side["version"] == 2)
        assert side["feedback"]["interval"][0] < side["feedback"]["interval"][1]


def test_where_the_canary_fails_the_champion_answers(store, registry, served, monkeypatch):
    _begin(store, "canary", 1.0)
    made = served()
    _fail(monkeypatch, made, 2)
    with made.client() as client:
        _until(lambda: made.service.trials.on)
        assert set(_versions(client, 5)) == {1}
    assert {side["version"]: side["failed"] for side in _so_far(store)["requests"]} == {1: 0, 2: 5}


def test_what_two_processes_have_seen_is_added_up_and_counts_once(store, registry, served):
    _begin(store, "shadow", 1.0)
    with (first := served()).client() as one, (second := served()).client() as other:
        _until(lambda: first.service.trials.on and second.service.trials.on)
        _versions(one, 3)
        _until(lambda: _texts(store) == 3)
        _versions(one, 2)
        _versions(other, 4)
        _until(lambda: _texts(store) == 9)


def test_a_shadow_is_compared_and_never_answers(store, registry, served):
    _begin(store, "shadow", 1.0)
    made = served()
    with made.client() as client:
        _until(lambda: made.service.trials.on)
        assert set(_versions(client, 20)) == {1}
        _until(lambda: _texts(store) == 20)
    found = _so_far(store)
    [pair] = found["compared"]
    assert (pair["champion"], pair["texts"], pair["agreed"], pair["agreement"]) == (1, 20, 20, 1)
    assert pair["moved"] >= 0 and pair["interval"][0] < 1
    assert [(side["version"], side["texts"]) for side in found["requests"]] == [(1, 20), (2, 20)]


def test_a_shadow_with_its_labels_in_another_order_is_compared_by_their_names(store, registry, served, tmp_path):
    turned = write_model(tmp_path / "turned", labels=LABELS[::-1])  # it calls floods "other", by the same number
    version = registry.register(turned, name="turned", labels=LABELS[::-1], threshold=0.5, evidence={})
    _begin(store, "shadow", 1.0, version)
    pair = _compared(store, served(), 5)
    assert (pair["texts"], pair["agreed"]) == (5, 0)
    assert pair["moved"] > 0.2


def test_a_shadow_that_fails_agrees_on_nothing(store, registry, served, monkeypatch):
    _begin(store, "shadow", 1.0)
    made = served()
    _fail(monkeypatch, made, 2)
    pair = _compared(store, made, 5)
    assert (pair["texts"], pair["agreed"]) == (5, 0)


def test_a_version_that_is_not_there_is_not_tried(store, registry, served):
    with store.connect(name="test") as conn:
        trials.begin(conn, "canary", 99, 1.0, reader="classify", who="test", why="by mistake")
    made = served()
    with made.client() as client:
        _until(lambda: len(made.said) == 2)
        assert set(_versions(client, 5)) == {1}
    assert made.said[1].startswith("version 99 can't be tried, the champion answers: ")
    assert _so_far(store)["refused"].startswith("there is no model version 99")


@pytest.mark.parametrize(
    "words",
    [
        ["try", "9", "--as", "canary"],
        ["try", "1"],
        ["try", "1", "--as", "canary", "--percent", "101"],
        ["try", "1", "--as", "canary", "--percent", "nan"],
    ],
)
def test_a_trial_of_nothing_is_refused(store, tmp_path, words):
    (tmp_path / "goldstream.toml").write_text(f'[store]\ndsn = "{store.dsn}"\nschema = "{store.schema}"\n')
    with Project.open(tmp_path / "goldstream.toml") as project:
        said = CliRunner().invoke(goldstream, ["models", *words, "-c", str(project.config)])
        assert said.exit_code != 0
        assert (
            "no version is being tried" in CliRunner().invoke(goldstream, ["models", "trial", "-c", str(project.config)]).output
        )


def _so_far(store) -> dict[str, Any]:
    with store.connect(name="test") as conn:
        return trial_results.so_far(conn, "classify")


def _texts(store) -> int:
    return sum(pair["texts"] for pair in _so_far(store)["compared"])


def _compared(store, made, requests: int) -> dict[str, Any]:
    with made.client() as client:
        _until(lambda: made.service.trials.on)
        _versions(client, requests)
        _until(lambda: _texts(store) == requests)
    [pair] = _so_far(store)["compared"]
    return pair


def _fail(monkeypatch, made, version: int) -> None:
    score = made.service.batcher.score

    async def failing(model, texts):
        if model.version == version:
            raise ModelError("it has no words for this")
        return await score(model, texts)

    monkeypatch.setattr(made.service.batcher, "score", failing)


def _until(true) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)
