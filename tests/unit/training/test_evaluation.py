"""Figures of the report against scikit-learn and against their definitions."""

import numpy as np
import polars as pl
import pytest
from sklearn import metrics as sk

from goldstream.training.evaluation import Judgement, evaluation, intervals
from goldstream.training.look import look
from goldstream.training.slices import OTHERS, slices
from goldstream.training.words import for_and_against, ngrams


def judgement(labels: int, rows: int = 600, weights: np.ndarray | None = None) -> Judgement:
    random = np.random.default_rng(0)
    scores = random.dirichlet(np.ones(labels), rows).astype(np.float32)
    true = (random.random((rows, 1)) > scores.cumsum(axis=1)).sum(axis=1).clip(max=labels - 1)
    return Judgement(tuple("abcdefgh"[:labels]), scores, scores, true, 1, 0.5, weights)


@pytest.mark.parametrize("labels", [2, 5])
def test_confusion_and_figures_of_each_label_are_scikit_learns(labels: int) -> None:
    judged = judgement(labels)
    found = evaluation(judged)
    assert found["confusion"] == sk.confusion_matrix(judged.true, judged.said).tolist()
    precision, recall, f1, n = sk.precision_recall_fscore_support(judged.true, judged.said)
    for number, each in enumerate(found["by_label"]):
        assert (each["precision"], each["recall"], each["f1"], each["n"]) == pytest.approx(
            (precision[number], recall[number], f1[number], n[number])
        )


@pytest.mark.parametrize("labels", [2, 5])
def test_every_figure_lies_inside_its_interval(labels: int) -> None:
    found = evaluation(judgement(labels))
    assert set(found["intervals"]) >= {"accuracy", "precision", "recall", "f1", "macro_f1"}
    for name, (low, high) in found["intervals"].items():
        assert low < found["metrics"][name] < high


def test_intervals_from_the_matrix_are_those_of_drawn_rows() -> None:
    judged = judgement(3)
    random = np.random.default_rng(1)
    drawn = []
    for _ in range(1_000):
        rows = random.integers(0, 600, 600)
        drawn.append(sk.f1_score(judged.true[rows], judged.said[rows], average="macro"))
    matrix = np.array(evaluation(judged)["confusion"])
    assert intervals(matrix, 0)["macro_f1"] == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.01)


def test_the_precision_recall_curve_passes_through_scikit_learns_points() -> None:
    judged = judgement(2, rows=150)
    points = evaluation(judged)["precision_recall"][0]["points"]
    precision, recall, thresholds = sk.precision_recall_curve(judged.true, judged.scores[:, 1])
    theirs = {round(float(t), 6): (p, r) for p, r, t in zip(precision, recall, thresholds, strict=False)}
    for point in points:
        assert theirs[round(point["threshold"], 6)] == pytest.approx((point["precision"], point["recall"]))


def test_equal_weights_give_no_figures_for_the_stream_and_others_do() -> None:
    assert evaluation(judgement(2, weights=np.ones(600)))["stream"] is None
    weights = np.where(np.arange(600) % 2, 1.0, 50.0)
    found = evaluation(judgement(2, weights=weights))
    assert found["stream"]["precision_rests_on"] < 200
    assert {"stream_ece_before", "stream_ece_after"} <= set(found["calibration"])


def test_a_slice_that_is_worse_is_marked() -> None:
    scores = np.tile(np.array([[0.9, 0.1]], np.float32), (200, 1))
    true = np.zeros(200, np.int64)
    true[:30] = 1  # all mistakes are from the first source
    posts = pl.DataFrame({"text": ["a text"] * 200, "source": ["bad"] * 60 + ["good"] * 140})
    found = slices(posts, Judgement(("no", "yes"), scores, scores, true, 1, 0.5))
    assert [each["by"] for each in found] == ["source"]
    assert {row["value"]: row["worse"] for row in found[0]["slices"]} == {"bad": True, "good": False}


def test_too_many_values_are_taken_together_and_lengths_and_weeks_stay_in_order() -> None:
    judged = judgement(2, rows=200)
    days = [f"2026-{1 + at // 28:02}-{1 + at % 28:02}" for at in range(200)]
    posts = pl.DataFrame({
        "text": ["x" * (1 + at * 2) for at in range(200)], "lang": [f"l{at % 40:02}" for at in range(200)], "created_at": days,
    }).with_columns(pl.col("created_at").str.to_datetime())  # fmt: skip
    found = {each["by"]: [row["value"] for row in each["slices"]] for each in slices(posts, judged)}
    assert found["language"][-1] == OTHERS and len(found["language"]) == 13
    assert found["length"] == ["1 to 40", "41 to 80", "81 to 140", "141 to 280", "more than 280"]
    assert found["week"][:-1] == sorted(found["week"][:-1])
    assert sum(row["n"] for row in slices(posts, judged)[0]["slices"]) == 200


class Additive:
    """Says yes by +2 for "rain", by -3 for "sun", and by +5 for both together."""

    def predict_proba(self, texts: object) -> np.ndarray:
        values = pl.Series("t", texts, dtype=pl.String)
        rain, sun = (values.str.contains(word).to_numpy().astype(float) for word in ("rain", "sun"))
        yes = 1 / (1 + np.exp(-(2 * rain - 3 * sun + 6 * rain * sun - 1)))
        return np.stack([1 - yes, yes], axis=1)


def test_ngrams_for_and_against_are_those_that_move_the_logit() -> None:
    texts = pl.Series(["rain sun", "sun rain", "rain and rain", "sun and rain", "rain sun https://sun.example/rain"])
    found = for_and_against(Additive(), ("no", "yes"), texts)[1]
    assert [(each["ngram"], round(each["weight"], 3), each["texts"]) for each in found["for"]] == [
        ("rain sun", 5, 2),
        ("rain", 2, 5),
    ][1:]
    assert [(each["ngram"], round(each["weight"], 3)) for each in found["against"]] == [("sun", -3)]


def test_links_have_no_words() -> None:
    assert ngrams(pl.Series(["see HTTPS://a.example/rain?x=sun www.rain.example now"]))["ngram"].to_list() == [
        "now",
        "see",
        "see now",
    ]


def test_the_look_counts_repeated_and_empty_texts() -> None:
    found = look(pl.DataFrame({"text": ["A  b", "a b", "", "long " * 100], "gold": ["x", None, "y", "x"]}))
    assert (found["rows"], found["repeated"], found["empty"], found["longest"]) == (4, 1, 1, 500)
    assert found["labels"] == [{"value": "x", "n": 2}, {"value": "y", "n": 1}]
    assert found["lengths"] == [{"from": 0, "n": 3}, {"from": 400, "n": 1}]


def test_hundreds_of_labels_give_what_is_confused_most_and_no_whole_matrix() -> None:
    labels = tuple(f"l{number}" for number in range(300))
    true = np.arange(600) % 300
    said = np.where(true == 7, 8, true)
    scores = np.eye(300, dtype=np.float32)[said]
    found = evaluation(Judgement(labels, scores, scores, true, 0, 0.5))
    assert found["confusion"] is None and found["confused"] == [{"true": "l7", "said": "l8", "n": 2}]
