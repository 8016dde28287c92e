"""Calibrated probabilities come back from the folder as they were saved."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from goldstream.errors import ModelError
from goldstream.models.calibration import Calibration
from goldstream.models.folder import load_model, save_model
from goldstream.models.ngram_bag import NgramBag, NgramBagSettings

TEXTS = pa.array(["rain again", "new model", "more rain", "a model", "nothing of the kind"])


def bag(labels: tuple[str, ...] = ("no", "yes")) -> NgramBag:
    model = NgramBag(labels, NgramBagSettings(bits=12))
    model.fit(TEXTS[:4], np.eye(len(labels), dtype=np.float32)[[0, 1, 0, 1]])
    return model


@pytest.mark.parametrize("labels", [("no", "yes"), ("no", "yes", "other")])
def test_weights_that_hold_the_calibration_score_as_if_it_were_applied(labels: tuple[str, ...]) -> None:
    model = bag(labels)
    bend = Calibration(method="temperature", slope=1.7, shift=-0.4 if len(labels) == 2 else 0.0)
    wanted = bend.apply(model.predict_proba(TEXTS))
    model.rescale(bend.slope, bend.shift)
    assert model.predict_proba(TEXTS) == pytest.approx(wanted, abs=1e-5)


def test_an_isotonic_calibration_travels_in_the_folder(tmp_path: Path) -> None:
    model = bag()
    bend = Calibration(method="isotonic", points=[(0.2, 0.1), (0.8, 0.6)])
    save_model(model, tmp_path, kind="ngram-bag", name="m", threshold=0.5, positive="yes", made_from={}, calibration=bend)
    loaded = load_model(tmp_path)
    assert loaded.predict_proba(TEXTS).tolist() == bend.apply(model.predict_proba(TEXTS)).tolist()
    assert loaded.uncalibrated(TEXTS).tolist() == model.predict_proba(TEXTS).tolist()


def test_a_calibration_that_can_not_be_applied_is_refused(tmp_path: Path) -> None:
    save_model(bag(), tmp_path, kind="ngram-bag", name="m", threshold=0.5, positive="yes", made_from={})
    facts = json.loads((tmp_path / "model.json").read_text())
    facts["calibration"] = {"method": "isotonic"}
    (tmp_path / "model.json").write_text(json.dumps(facts))
    with pytest.raises(ModelError, match="needs points"):
        load_model(tmp_path)
