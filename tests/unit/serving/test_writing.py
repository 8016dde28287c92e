import json
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from goldstream.serving.ids import new_ids, written
from goldstream.serving.judged import Judged, judge, nothing
from goldstream.serving.writing import Form


class Model:
    """What a form and a judgement need to know of a model."""

    labels = ("yes", 'so "so"', "ümlaut")

    def predict_proba(self, texts: pa.StringArray) -> np.ndarray:
        return np.tile(np.array([[0.25, 0.625, 0.125]], np.float32), (len(texts), 1))

    def predict_few(self, texts: list[bytes]) -> np.ndarray:
        return self.predict_proba(pa.array(texts, pa.string()))

    def decide(self, scores: np.ndarray) -> np.ndarray:
        return scores.argmax(axis=1)


class Fixed:
    model, version = Model(), 7


def said(judged: Judged, ids: bytearray) -> list[dict]:
    form = Form('the "name"', 7, judged.model.model.labels)
    written, ends = form.write(judged, ids)
    assert all(json.loads(bytes(written[start : end - 1])) for start, end in pairwise(ends))
    return json.loads(b"[" + bytes(written[: ends[-1]])[:-1] + b"]")


def test_a_prediction_is_written_as_json():
    ids = new_ids(2)
    first, second = said(judge(Fixed(), ["a", "b"]), ids)
    assert first == {
        "label": 'so "so"',
        "probability": 0.625,
        "probabilities": {"yes": 0.25, 'so "so"': 0.625, "ümlaut": 0.125},
        "model": 'the "name"',
        "version": 7,
        "prediction_id": written(ids[:16]),
    }
    assert second == first | {"prediction_id": written(ids[16:])}


@pytest.mark.parametrize("score", [0.0, 1.0, 5e-8, 4.9e-8, 0.99999994, 1 / 3, 0.1234567])
def test_a_probability_has_seven_digits(score):
    scores = np.array([[score, 0, 0]], np.float32)
    [found] = said(Judged(Fixed(), scores, np.array([0])), new_ids(1))
    assert found["probability"] == pytest.approx(float(scores[0, 0]), abs=5.01e-8)
    assert found["probabilities"]["yes"] == found["probability"]


def test_nothing_is_said_of_no_texts():
    assert said(nothing(Fixed()), new_ids(0)) == []


@pytest.mark.parametrize("count", [1, 256, 257])
def test_few_texts_and_many_are_judged_alike(count):
    texts = ["", "ümlaut 🔥", "plain"] * 90
    judged = judge(Fixed(), texts[:count])
    assert judged.chosen == [1] * count
    assert judged.probabilities == [[0.25, 0.625, 0.125]] * count
