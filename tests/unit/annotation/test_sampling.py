"""What is drawn, and what the answers then say of all that could have been drawn."""

import numpy as np
import pytest

from goldstream.annotation.estimates import Answered, Round, estimate
from goldstream.annotation.sampling import chances, draw

MIX = {"random": 0.3, "uncertain": 0.7}


def world(seed: int, posts: int = 4_000) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of a model, and the truth that it sees dimly."""
    rng = np.random.default_rng(seed)
    probability = rng.beta(0.5, 1.5, posts)
    return probability, rng.random(posts) < probability**1.5


def wishes(probability: np.ndarray) -> dict[str, np.ndarray]:
    return {"random": np.ones(len(probability)), "uncertain": 4 * probability * (1 - probability)}


def test_chances_sum_to_the_size_and_never_exceed_one():
    found = chances(np.array([100.0, 5.0, 1.0, 1.0, 1.0, 0.0]), 3)
    assert found.sum() == pytest.approx(3)
    assert found.max() <= 1
    assert found[-1] == 0


@pytest.mark.parametrize("wanted", [[0.0, 0.0], [np.nan, -1.0], []])
def test_nothing_wished_for_is_never_drawn(wanted):
    assert chances(np.array(wanted, float), 5).sum() == 0


def test_the_stored_chance_is_how_often_a_post_is_drawn():
    probability, _ = world(0, 300)
    often = np.zeros(300)
    for seed in range(2_000):
        drawn = draw(wishes(probability), MIX, 60, seed)
        often[drawn.rows] += 1
        if seed == 0:
            known = dict(zip(drawn.rows.tolist(), drawn.chance.tolist(), strict=True))
    for row, chance in known.items():
        assert abs(often[row] / 2_000 - chance) < 0.05


def test_precision_and_recall_from_unequal_draws_are_unbiased():
    probability, truth = world(1)
    would = probability >= 0.6
    precision, recall = truth[would].mean(), would[truth].mean()
    found, naive = [], []
    for seed in range(300):
        drawn = draw(wishes(probability), MIX, 400, seed)
        half = slice(0, len(drawn.rows) // 2)  # somebody stopped in the middle
        rows = drawn.rows[half]
        answered = Answered(
            np.ones(len(rows), int), drawn.chance[half], truth[rows], would[rows], np.ones(len(rows))
        )  # fmt: skip
        result = estimate(answered, [Round(1, len(truth), len(drawn.rows))])
        found.append((result.precision.value, result.recall.value))
        naive.append(would[rows][truth[rows]].mean())
    assert np.mean(found, axis=0) == pytest.approx([precision, recall], abs=0.012)
    assert abs(np.mean(naive) - recall) > 0.05  # counting the answers alike would be wrong


def test_rounds_that_follow_each_other_are_put_together_without_bias():
    probability, truth = world(2)
    would, shares, precisions = probability >= 0.6, [], []
    for seed in range(300):
        left, parts, rounds = np.arange(len(truth)), [], []
        for number in (1, 2):
            drawn = draw(wishes(probability[left]), MIX, 300, 1_000 * number + seed)
            rows = left[drawn.rows]
            asked = rows[: len(rows) // number]
            rounds.append(Round(number, len(left), len(rows)))
            parts.append((np.full(len(asked), number), drawn.chance[: len(asked)], asked))
            left = np.setdiff1d(left, rows)
        number_, chance, rows = (np.concatenate(column) for column in zip(*parts, strict=True))
        result = estimate(Answered(number_, chance, truth[rows], would[rows], np.ones(len(rows))), rounds)
        shares.append(result.share.value)
        precisions.append(result.precision.value)
    assert np.mean(shares) == pytest.approx(truth.mean(), abs=0.006)
    assert np.mean(precisions) == pytest.approx(truth[would].mean(), abs=0.012)


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    probability, truth = world(3)
    would, hits = probability >= 0.6, 0
    for seed in range(400):
        drawn = draw(wishes(probability), MIX, 500, seed)
        rows = drawn.rows
        answered = Answered(np.ones(len(rows), int), drawn.chance, truth[rows], would[rows], np.ones(len(rows)))
        recall = estimate(answered, [Round(1, len(truth), len(rows))]).recall
        hits += recall.low <= would[truth].mean() <= recall.high
    assert 0.91 <= hits / 400 <= 0.99
