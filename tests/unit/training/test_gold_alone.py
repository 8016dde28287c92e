"""The crossover is found where it is known, and a naive split is caught at what it leaks."""

import numpy as np
import pyarrow as pa
import pytest

from goldstream import settings
from goldstream.training import gold_alone, leakage
from goldstream.training.fit import Judged, make
from goldstream.training.gold_alone import Curve, crossover

SECTION = settings.Model(options={"bits": 14, "epochs": 4, "low": 0})
LABELS = ("no", "yes")


def posts(rows: int, seed: int, noise: float = 0.3) -> Judged:
    """Posts whose words lean to one label, each a little."""
    random = np.random.default_rng(seed)
    true = random.integers(0, 2, rows)
    words = [
        [f"w{random.integers(0, 60) * 2 + (each if random.random() > noise else 1 - each)}" for _ in range(6)] for each in true
    ]
    return Judged(pa.array([" ".join(each) for each in words]), true.astype(np.int64))


def scores(quality: float, true: np.ndarray, seed: int) -> np.ndarray:
    yes = true * quality + np.random.default_rng(seed).random(len(true))
    yes = yes / yes.max()
    return np.stack([1 - yes, yes], axis=1).astype(np.float32)


def test_the_crossover_lies_where_the_curve_meets_the_weak_model() -> None:
    true = np.random.default_rng(0).integers(0, 2, 600)
    qualities = {20: 0.1, 40: 0.3, 80: 0.5, 160: 0.7, 320: 0.9}
    curve = Curve(list(qualities), [[scores(quality, true, seed) for seed in range(3)] for quality in qualities.values()])
    found = crossover(curve, scores(0.5, true, 9), true, 1)
    low, high = found["interval"]
    assert 45 < found["gold_labels"] < 150 and low <= found["gold_labels"] <= high and not found["foretold"]
    assert found == crossover(curve, scores(0.5, true, 9), true, 1)


def test_a_number_beyond_the_labels_there_are_is_foretold_or_none() -> None:
    true = np.random.default_rng(0).integers(0, 2, 600)
    curve = Curve([20, 80, 320], [[scores(quality, true, 1)] for quality in (0.1, 0.3, 0.5)])
    assert crossover(curve, scores(0.7, true, 9), true, 1)["foretold"]
    flat = Curve([20, 80, 320], [[scores(0.2, true, 1)]] * 3)
    found = crossover(flat, scores(0.9, true, 9), true, 1)
    assert found["gold_labels"] is None and found["interval"][1] is None


def test_both_models_stand_beside_each_other() -> None:
    gold, test, weak = posts(150, 1), posts(400, 2), posts(3_000, 3)
    taught = make(SECTION, LABELS)
    taught.fit(weak.texts, np.eye(2, dtype=np.float32)[weak.true])
    found = gold_alone.gold_alone(SECTION, LABELS, gold, test, taught.predict_proba(test.texts), 1, weak_rows=3_000)
    assert found is not None
    assert found["gold"]["average_precision"] < found["weak"]["average_precision"]
    assert found["crossover"]["gold_labels"] is None or found["crossover"]["gold_labels"] > 150
    assert [point["n"] for point in found["crossover"]["curve"]][-1] == 150
    assert "150 gold labels alone; gold alone would match at" in gold_alone.sentence(found)


def test_too_few_gold_labels_tell_nothing() -> None:
    assert gold_alone.gold_alone(SECTION, LABELS, posts(10, 1), posts(400, 2), np.zeros((400, 2)), 1, weak_rows=9) is None
    assert leakage.leakage_cost(SECTION, LABELS, posts(10, 1), posts(400, 2), posts(0, 3), 1) is None
    assert "too few" in gold_alone.sentence(None) and "too few" in leakage.sentence(None)


def test_repeated_posts_on_both_sides_are_a_leak() -> None:
    random = np.random.default_rng(0)
    texts = [" ".join(f"w{number}" for number in random.integers(0, 5_000, 8)) for _ in range(300)]
    true = random.integers(0, 2, 300)  # nothing can be learnt but by heart
    ours, test = Judged(pa.array(texts[:150]), true[:150]), Judged(pa.array(texts[150:]), true[150:])
    nothing = Judged(pa.array([], pa.string()), np.empty(0, np.int64))
    found = leakage.leakage_cost(SECTION, LABELS, ours, test, Judged(pa.array(texts * 2), np.tile(true, 2)), 1)
    assert found is not None and found["cost"] > 0.1 and found["interval"][0] > 0
    clean = leakage.leakage_cost(SECTION, LABELS, ours, test, nothing, 1)
    assert clean is not None and clean["interval"][0] < 0 < clean["interval"][1]
    assert leakage.sentence(found).startswith("leakage cost +0.")


@pytest.mark.parametrize("labels", [3, 5])
def test_more_labels_are_averaged(labels: int) -> None:
    random = np.random.default_rng(0)
    names = tuple("abcde"[:labels])

    def drawn(rows: int) -> Judged:
        true = random.integers(0, labels, rows)
        return Judged(pa.array([f"w{each} w{each} x{random.integers(0, 9)}" for each in true]), true)

    gold, test = drawn(100), drawn(200)
    flat = np.full((200, labels), 1 / labels, np.float32)
    found = gold_alone.gold_alone(SECTION, names, gold, test, flat, 0, weak_rows=1_000)
    assert found is not None and found["crossover"]["gold_labels"] == gold_alone.SMALLEST
