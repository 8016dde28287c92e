"""The leakage cost: by how much a naive random split would have flattered.

A naive split draws test posts at random from everything that has a gold label, near-duplicates with it, whoever wrote them
and whenever. Ours keeps near-duplicates and authors on one side and takes the newest for test. For both, a model learns from as many
gold labels and is judged by as many posts; the cost is the first score minus the second. Where there is nothing to leak,
it is about nought, and it can lie below it by chance.
"""

from typing import Any

import numpy as np
import pyarrow as pa

from goldstream import settings
from goldstream.training import metrics
from goldstream.training.fit import Judged, make

FEWEST = 40  #: gold labels to learn from below which nothing is claimed
FEWEST_TO_JUDGE = 50
SPLITS = 5  #: naive ones


def leakage_cost(
    section: settings.Model, labels: tuple[str, ...], ours: Judged, test: Judged, repeats: Judged, positive: int
) -> dict[str, Any] | None:
    """Return the score of a naive random split, of ours, and the difference with its 95 % interval; None for too few rows.

    `ours` and `test` are the gold labels of our split; `repeats` are the posts that our split left out because they repeat one of them
    or share its author, with their gold labels.
    """
    if len(ours.true) < FEWEST or len(test.true) < FEWEST_TO_JUDGE or len(np.unique(ours.true)) < 2:
        return None
    pool = Judged(
        pa.concat_arrays([ours.texts, test.texts, repeats.texts]), np.concatenate([ours.true, test.true, repeats.true])
    )
    rows = np.arange(len(pool.true))
    learn, judge = rows[: len(ours.true)], rows[len(ours.true) : len(ours.true) + len(test.true)]
    one = _areas(section, labels, pool, learn, judge, positive)
    naive = []
    for number in range(SPLITS):
        mixed = np.random.default_rng([section.seed, number]).permutation(len(rows))
        naive.append(_areas(section, labels, pool, mixed[len(judge) : len(judge) + len(learn)], mixed[: len(judge)], positive))
    random = np.random.default_rng(section.seed)
    costs = [
        float(np.mean(random.choice([random.choice(each) for each in naive], SPLITS))) - random.choice(one)
        for _ in range(1_000)
    ]
    low, high = np.quantile(costs, [0.025, 0.975])
    middle = float(np.mean([each[0] for each in naive]))
    return {
        "metric": "average precision", "naive": middle, "ours": float(one[0]), "cost": middle - float(one[0]),
        "interval": (float(low), float(high)), "learnt_from": len(learn), "judged_by": len(judge), "repeats": len(repeats.true),
    }  # fmt: skip


def sentence(found: dict[str, Any] | None) -> str:
    """Return what a person needs to know of it."""
    if found is None:
        return "too few gold labels to tell what a naive split would leak"
    low, high = found["interval"]
    return (
        f"leakage cost {found['cost']:+.3f} ({low:+.3f} to {high:+.3f}): average precision {found['naive']:.3f} on naive random "
        f"splits, {found['ours']:.3f} on ours, from {found['learnt_from']:,} gold labels"
    )


def _areas(
    section: settings.Model, labels: tuple[str, ...], pool: Judged, learn: np.ndarray, judge: np.ndarray, positive: int
) -> np.ndarray:
    """The average precision on the judging rows, and after it those of bootstrap draws."""
    model = make(section, labels)
    model.fit(pool.texts.take(pa.array(learn)), np.eye(len(labels), dtype=np.float32)[pool.true[learn]])
    scores, true = model.predict_proba(pool.texts.take(pa.array(judge))), pool.true[judge]
    random = np.random.default_rng(0)
    draws = [np.arange(len(true)), *(random.integers(0, len(true), len(true)) for _ in range(max(20, 200 // len(labels))))]
    return np.array([metrics.ranking(scores[rows], true[rows], positive) for rows in draws])
