import numpy as np
from sklearn import metrics as sk

from goldstream.training import metrics


def test_two_classes_are_measured_as_scikit_learn_measures_them() -> None:
    random = np.random.default_rng(0)
    true, yes = random.integers(0, 2, 500), random.random(500).round(2)
    found = metrics.evaluate(np.stack([1 - yes, yes], axis=1), true, 1, 0.4)
    said = (yes >= 0.4).astype(int)
    assert np.isclose(found["f1"], sk.f1_score(true, said))
    assert np.isclose(found["precision"], sk.precision_score(true, said))
    assert np.isclose(found["recall"], sk.recall_score(true, said))
    assert np.isclose(found["macro_f1"], sk.f1_score(true, said, average="macro"))
    assert np.isclose(found["average_precision"], sk.average_precision_score(true, yes))


def test_more_classes_are_macro_averages_of_the_most_probable_label() -> None:
    random = np.random.default_rng(1)
    true, scores = random.integers(0, 4, 400), random.dirichlet(np.ones(4), 400)
    found = metrics.evaluate(scores, true, 3, 0.5)
    said = scores.argmax(axis=1)
    assert np.isclose(found["precision"], sk.precision_score(true, said, average="macro"))
    assert np.isclose(found["f1"], sk.f1_score(true, said, average="macro"))
    assert np.isclose(found["average_precision"], sk.average_precision_score(np.eye(4)[true], scores, average="macro"))


def test_an_interval_holds_the_value_and_is_the_same_each_time() -> None:
    right = np.arange(200) % 4 > 0
    low, high = metrics.interval(lambda rows: float(right[rows].mean()), 200)
    assert low < 0.75 < high
    assert (low, high) == metrics.interval(lambda rows: float(right[rows].mean()), 200)
