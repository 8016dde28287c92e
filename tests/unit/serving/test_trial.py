import time

import pytest
from click.testing import CliRunner

from goldstream.cli import goldstream
from goldstream.errors import ModelError
from goldstream.run.project import Project
from goldstream.store import trials
from goldstream.store.trials import Count

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
        _until(lambda: made.service.trials._trial)
        made.service.trials._random.seed(1)
        found = _versions(client, 60)
        assert 15 < found.count(2) < 45
        assert client.post("/versions/1/predict", json=ASK).json()["version"] == 1
        with store.connect(name="test") as conn:
            assert trials.end(conn, who="test", why="enough").version == 2
        _until(lambda: made.service.trials._trial is None)
        assert set(_versions(client, 20)) == {1}


def test_a_shadow_is_compared_and_never_answers(store, registry, served):
    _begin(store, "shadow", 1.0)
    made = served()
    with made.client() as client:
        _until(lambda: made.service.trials._trial)
        assert set(_versions(client, 20)) == {1}
        with store.connect(name="test") as conn:
            _until(lambda: sum(count.texts for count in trials.counts(conn, 1)) == 20)
            [count] = trials.counts(conn, 1)
    assert (count.champion, count.agreed) == (1, 20)
    assert count.moved >= 0


def test_a_shadow_with_its_labels_in_another_order_is_compared_by_their_names(store, registry, served, tmp_path):
    turned = write_model(tmp_path / "turned", labels=LABELS[::-1])  # it calls floods "other", by the same number
    version = registry.register(turned, name="turned", labels=LABELS[::-1], threshold=0.5, evidence={})
    _begin(store, "shadow", 1.0, version)
    count = _compared(store, served(), 5)
    assert (count.texts, count.agreed) == (5, 0)
    assert count.moved > 1


def test_a_shadow_that_fails_agrees_on_nothing(store, registry, served, monkeypatch):
    _begin(store, "shadow", 1.0)
    made = served()
    score = made.service.batcher.score

    async def fail_as_shadow(model, texts):
        if model.version == 2:
            raise ModelError("it has no words for this")
        return await score(model, texts)

    monkeypatch.setattr(made.service.batcher, "score", fail_as_shadow)
    count = _compared(store, made, 5)
    assert (count.texts, count.agreed) == (5, 0)


def test_a_version_that_is_not_there_is_not_tried(store, registry, served):
    with store.connect(name="test") as conn:
        trials.begin(conn, "canary", 99, 1.0, reader="classify", who="test", why="by mistake")
    with served().client() as client:
        time.sleep(0.3)
        assert set(_versions(client, 5)) == {1}


@pytest.mark.parametrize(
    "words", [["try", "9", "--as", "canary"], ["try", "1"], ["try", "1", "--as", "canary", "--percent", "101"]]
)
def test_a_trial_of_nothing_is_refused(store, tmp_path, words):
    (tmp_path / "goldstream.toml").write_text(f'[store]\ndsn = "{store.dsn}"\nschema = "{store.schema}"\n')
    with Project.open(tmp_path / "goldstream.toml") as project:
        said = CliRunner().invoke(goldstream, ["models", *words, "-c", str(project.config)])
        assert said.exit_code != 0
        assert (
            "no version is being tried" in CliRunner().invoke(goldstream, ["models", "trial", "-c", str(project.config)]).output
        )


def _compared(store, made, requests: int) -> Count:
    with made.client() as client:
        _until(lambda: made.service.trials._trial)
        _versions(client, requests)
        with store.connect(name="test") as conn:
            _until(lambda: sum(count.texts for count in trials.counts(conn, 1)) == requests)
            [count] = trials.counts(conn, 1)
    return count


def _until(true) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)
