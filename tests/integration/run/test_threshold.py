"""The threshold of a version that stands, moved for what dev supports."""

import numpy as np
import pytest

from goldstream.errors import DataError, RegistryError
from goldstream.run.project import Project
from goldstream.run.threshold import move_threshold
from goldstream.run.train import train_and_register
from goldstream.store import threshold
from goldstream.training.threshold import BEST_F1, Aim

from .conftest import Posts


@pytest.fixture
def trained(project: Project, posts: Posts) -> Project:
    # rain and net are told apart; half of the clouds are a model and half are rain
    random = np.random.default_rng(0)
    posts.add("train", [f"rain {n}" for n in range(60)], soft=(1.0, 0.0))
    posts.add("train", [f"net {n}" for n in range(60)], soft=(0.0, 1.0))
    for word, label, rows in (("rain", "rain", 80), ("net", "model", 80), ("net rain", "rain", 20), ("net rain", "model", 20)):
        posts.add("dev", [f"{word} {random.integers(1_000)}" for _ in range(rows)], gold=label)
    train_and_register(project, lambda line: None, promote=False)
    return project


def move(project: Project, aim: Aim | None = None, value: float | None = None, version: int | None = None):
    return move_threshold(project, value, aim, version, who="me", why=None)


def in_force(project: Project) -> list[tuple[int, float]]:
    with project.store.connect(name="test") as conn:
        return [(version, round(value, 3)) for version, value in conn.execute("SELECT * FROM thresholds ORDER BY version")]


def test_a_precision_and_a_recall_are_promised_by_dev_and_remembered(trained: Project) -> None:
    precise, complete = move(trained, Aim(precision=0.9)), move(trained, Aim(recall=0.9))
    assert precise.chosen is not None and complete.chosen is not None
    assert precise.chosen.evidence["dataset"]["precision_interval"][0] >= 0.9
    assert complete.chosen.evidence["dataset"]["recall_interval"][0] >= 0.9
    assert precise.value > complete.value
    assert in_force(trained) == [(1, round(complete.value, 3))]
    with trained.store.connect(name="test") as conn:
        assert [(each.version, each.why) for each in threshold.history(conn)] == [
            (1, "for recall 0.9 on dev"),
            (1, "for precision 0.9 on dev"),
        ]


def test_what_dev_is_too_small_for_is_said(trained: Project) -> None:
    assert "dev is too small to promise precision 0.99" in move(trained, Aim(precision=0.99)).warnings[0]
    assert move(trained, BEST_F1).warnings == []


def test_what_is_chosen_for_one_version_is_no_threshold_of_another(trained: Project) -> None:
    own = train_and_register(trained, lambda line: None, promote=False)["threshold"]
    moved = move(trained, Aim(precision=0.9), version=1)
    assert in_force(trained) == [(1, round(moved.value, 3)), (2, round(own, 3))]
    move(trained, value=0.7)
    assert in_force(trained) == [(1, 0.7), (2, 0.7)]
    move(trained)
    assert [value for _, value in in_force(trained)] == [round(own, 3)] * 2


def test_a_threshold_that_can_not_be_chosen_is_explained(project: Project, posts: Posts) -> None:
    with pytest.raises(RegistryError, match="no champion yet"):
        move(project, BEST_F1)
    for word, soft in (("rain", (1.0, 0.0)), ("net", (0.0, 1.0))):
        posts.add("train", [f"{word} {n}" for n in range(30)], soft=soft)
    train_and_register(project, lambda line: None, promote=False)
    with pytest.raises(DataError, match="dev_dataset_0 has 0 gold labels, 0 of them 'model'"):
        move(project, BEST_F1)
    with pytest.raises(RegistryError, match="no model version 7"):
        move(project, value=0.5, version=7)
    with pytest.raises(DataError, match=r"below stream\.keep-floor"):
        move(project, value=0.01)
