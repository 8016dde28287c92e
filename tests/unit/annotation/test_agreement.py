"""Agreement, against the examples of the people who made the measures."""

import numpy as np
import pytest

from goldstream.annotation.agreement import agreement, answers_table, cohen_kappa, fleiss_kappa, krippendorff_alpha

NONE = -1


def test_cohen_on_fifty_grants():
    # 20 both yes, 5 yes/no, 10 no/yes, 15 both no: observed 0.7, expected 0.5
    first = np.repeat([1, 1, 0, 0], [20, 5, 10, 15])
    second = np.repeat([1, 0, 1, 0], [20, 5, 10, 15])
    kappa = cohen_kappa(first, second)
    assert kappa.value == pytest.approx(0.4)
    assert kappa.low == pytest.approx(0.4 - 1.96 * 0.127, abs=0.01)  # its asymptotic error: Fleiss, Cohen and Everitt 1969


def test_fleiss_on_ten_subjects_and_fourteen_raters():
    counts = [
        [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
    ]  # fmt: skip
    codes = np.array([np.repeat(range(5), row) for row in counts])
    assert fleiss_kappa(codes).value == pytest.approx(0.210, abs=0.0005)


def test_krippendorff_on_two_observers():
    # Krippendorff 2011, B: two observers, ten units, binary
    codes = np.array([[0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]]).T
    assert krippendorff_alpha(codes).value == pytest.approx(0.095, abs=0.0005)


def test_krippendorff_on_four_observers_with_gaps():
    # Krippendorff 2011, C: four observers, twelve units, five values, missing answers
    table = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
        [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
    ]
    codes = np.array([[NONE if value is None else value - 1 for value in row] for row in table]).T
    assert krippendorff_alpha(codes).value == pytest.approx(0.743, abs=0.0005)


def test_perfect_agreement_is_one_and_chance_is_about_nought():
    rng = np.random.default_rng(0)
    same = np.repeat(rng.integers(0, 3, (500, 1)), 3, axis=1)
    apart = rng.integers(0, 3, (20_000, 3))
    for figure in (fleiss_kappa, krippendorff_alpha):
        assert figure(same).value == 1.0
        assert abs(figure(apart).value) < 0.02
    assert cohen_kappa(same[:, 0], same[:, 1]).value == 1.0


@pytest.mark.parametrize("figure", [fleiss_kappa, krippendorff_alpha])
def test_the_interval_holds_the_truth_about_as_often_as_it_says(figure):
    def sample(posts: int, seed: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        truth = rng.integers(0, 2, (posts, 1))
        return np.where(rng.random((posts, 3)) < 0.15, 1 - truth, truth)

    truth = figure(sample(400_000, 1)).value
    hits = sum(low <= truth <= high for _, low, high in (figure(sample(200, seed)) for seed in range(300)))
    assert 0.91 <= hits / 300 <= 0.985


def test_nothing_is_claimed_where_nobody_answered_twice():
    found = agreement(answers_table([("p1", "ann", "x"), ("p2", "bob", "y")]))
    assert found["posts"] == 0
    assert found["krippendorff_alpha"]["value"] is None
    assert found["fleiss_kappa"]["value"] is None
    assert found["pairs"] == []


def test_people_are_compared_on_what_both_answered():
    rows = [
        ("p1", "ann", "x"),
        ("p1", "bob", "x"),
        ("p2", "ann", "x"),
        ("p2", "bob", "y"),
        ("p3", "cy", "x"),
        ("p3", "bob", "x"),
    ]
    pairs = agreement(answers_table(rows))["pairs"]
    assert [(pair["first"], pair["second"], pair["posts"], pair["agreed"]) for pair in pairs] == [
        ("ann", "bob", 2, 1), ("bob", "cy", 1, 1),
    ]  # fmt: skip
