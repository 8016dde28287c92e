"""Thresholds keep what they promise, and say when they can't."""

import numpy as np
import pytest

from goldstream.errors import DataError
from goldstream.training import metrics
from goldstream.training.threshold import SLACK, Aim, best, choose, judge


def honest(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    scores = random.random(rows)
    return scores, random.random(rows) < scores


@pytest.mark.parametrize("wanted", [0.7, 0.9])
def test_a_wanted_precision_is_promised_with_the_most_recall(wanted: float) -> None:
    scores, true = honest(40_000)
    found = choose(scores, true, Aim(precision=wanted))
    assert wanted <= found.evidence["dataset"]["precision_interval"][0] and not found.warnings
    assert found.value == pytest.approx(2 * wanted - 1, abs=0.04)  # the mean of what lies above is (1 + threshold) / 2


def test_a_wanted_recall_is_promised_with_the_highest_threshold() -> None:
    scores, true = honest(40_000)
    found = choose(scores, true, Aim(recall=0.75))
    assert found.evidence["dataset"]["recall_interval"][0] >= 0.75 and not found.warnings
    assert found.value == pytest.approx(0.5, abs=0.03)


def test_a_promise_about_the_stream_counts_posts_by_what_they_stand_for() -> None:
    scores, true = honest(40_000)
    weights = np.where(true, 1.0, 4.0)  # the stream has four times as many of the others
    found = choose(scores, true, Aim(precision=0.8), weights)
    said = scores >= found.value
    assert weights[said & true].sum() / weights[said].sum() == pytest.approx(0.82, abs=0.02)
    assert found.evidence["dataset"]["precision"] > 0.9 > found.evidence["stream"]["precision"]
    assert found.evidence["stream"]["precision_rests_on"] < said.sum()


def test_promises_are_kept_on_posts_that_did_not_choose() -> None:
    kept = 0
    fresh, truth = honest(100_000, 1_000)
    for seed in range(100):
        value = choose(*honest(2_000, seed), Aim(precision=0.9)).value
        kept += truth[fresh >= value].mean() >= 0.9
    assert kept >= 90


@pytest.mark.parametrize("aim", [Aim(precision=0.9), Aim(recall=0.99)])
def test_too_few_posts_to_promise_by_are_named(aim: Aim) -> None:
    found = choose(*honest(60), aim)
    assert len(found.warnings) == 1 and "dev is too small to promise" in found.warnings[0]


def test_what_can_not_be_reached_is_said() -> None:
    scores = np.linspace(0, 1, 200)
    found = choose(scores, np.arange(200) % 2 == 0, Aim(precision=0.99))
    assert "precision 0.99 is out of reach" in found.warnings[0]


def test_the_best_f1_promises_nothing_and_warns_of_nothing() -> None:
    assert choose(*honest(60), Aim()).warnings == []


@pytest.mark.parametrize("metric", ["f1", "macro-f1", "macro-recall", "accuracy"])
def test_the_best_threshold_is_nearly_the_best_and_the_same_for_other_rows(metric: str) -> None:
    found = []
    for seed in range(10):
        scores, true = honest(1_000, seed)
        scores, true = scores[scores < 0.8], true[scores < 0.8]
        found.append(best(scores, true, metric))
        reached = max(metrics.value(metric, (scores >= cut).astype(int), true.astype(int), 1) for cut in np.linspace(0, 1, 101))
        assert metrics.value(metric, (scores >= found[-1]).astype(int), true.astype(int), 1) >= reached - 2 * SLACK
    assert np.std(found) < 0.03


def test_scores_that_hold_have_their_best_f1_from_half_of_it_on() -> None:
    scores, true = honest(40_000)
    value = best(scores, true)
    f1 = metrics.value("f1", (scores >= value).astype(int), true.astype(int), 1)
    assert value == pytest.approx(f1 / 2, abs=0.005)


def test_two_promises_are_one_too_many() -> None:
    with pytest.raises(DataError, match="can't promise both"):
        choose(*honest(60), Aim(precision=0.9, recall=0.9))


@pytest.mark.parametrize("aim", [Aim(), Aim(precision=0.9), Aim(recall=0.9)])
@pytest.mark.parametrize("true", [np.zeros(0, bool), np.zeros(30, bool), np.ones(30, bool)], ids=["none", "all no", "all yes"])
def test_rows_of_one_kind_or_none_give_a_threshold_all_the_same(aim: Aim, true: np.ndarray) -> None:
    assert 0 < choose(np.linspace(0, 1, len(true)), true, aim).value < 1


def test_intervals_are_true_of_nineteen_draws_in_twenty() -> None:
    held = 0
    for seed in range(300):
        scores, true = honest(80, seed)
        low, high = judge(scores >= 0.6, true)["precision_interval"]
        held += low <= 0.8 <= high
    assert held >= 0.92 * 300
