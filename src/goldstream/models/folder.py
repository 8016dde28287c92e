"""The model folder: what a classifier was, in files that anybody may load without running anything of theirs.

`model.json` says type, labels, threshold and what it was made from; the classifier's own files hold the weights; and
golden texts stand beside the scores that the model gave them when it was saved. Whoever loads the folder must get them
back within `CLOSE`, or the model is refused.
"""

import hashlib
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import msgspec
import numpy as np
import pyarrow as pa

from goldstream import plugins
from goldstream.errors import ModelError, ModelRefused
from goldstream.models.base import Classifier
from goldstream.models.calibration import Calibration
from goldstream.models.deciding import decide
from goldstream.models.explain import Linear, Shares

CLOSE = 1e-5
_PLAIN = Calibration()
FILE = "model.json"

#: Texts made up for this purpose: every kind of token, several scripts, nothing, and a lot of the same.
GOLDEN_TEXTS = (
    "", "hello", "The new model is out today and it runs on my laptop!", "Flash flood warning for the river valley tonight",
    "I love this movie, best of the year :)", "worst service ever, never again", "https://example.org/a?b=1 www.example.com @someone",
    "#OneHashtag #another_one and plain words", "ÜBER straße naïve ＦＵＬＬＷＩＤＴＨ", "今日は新しいモデルを試した", "🔥🔥 👩‍🚀 🇪🇺",
    "sooooo goooood!!!!!", "a" * 300, "1 2 3 7B 1.5 2,000,000", "line\nbreak\ttab", "'quoted' \"double\" & <b>tags</b>",
)  # fmt: skip


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What `model.json` holds."""

    type: str  #: the plug-in that can load the weights
    name: str
    labels: list[str]
    threshold: float  #: of the positive label, for two classes
    positive: str  #: the label that the threshold is about
    golden: list[list[float]]  #: a row for each of `GOLDEN_TEXTS`
    calibration: Calibration = Calibration()
    made_from: dict[str, Any] = {}  #: data, columns, options, seed, versions, metrics
    format: int = 1


class Loaded:
    """A model that has been read and checked."""

    def __init__(self, model: Classifier, facts: Facts) -> None:
        self._model, self.facts = model, facts
        self._few: Callable[[list[bytes]], np.ndarray] | None = getattr(model, "predict_few", None)
        self.labels = tuple(facts.labels)
        self.threshold = facts.threshold  #: from which on it decides for the positive label
        self._positive, self._reached = self.labels.index(facts.positive), np.float32(facts.threshold)

    @property
    def classifier(self) -> Classifier:
        """What gives the scores, before any calibration that is not folded into it: to go on learning from."""
        return self._model

    def about(self, positive: str) -> "Loaded":
        """Return the same model with the threshold said of `positive`, one of two labels."""
        threshold = self.threshold if positive == self.facts.positive else 1 - self.threshold
        return Loaded(self._model, msgspec.structs.replace(self.facts, positive=positive, threshold=threshold))

    @property
    def chosen_threshold(self) -> float:
        """The threshold that was chosen in training."""
        return self.facts.threshold

    def at(self, threshold: float) -> "Loaded":
        """Return the same model deciding by another threshold."""
        moved = Loaded(self._model, self.facts)
        moved.threshold, moved._reached = threshold, np.float32(threshold)
        return moved

    def predict_proba(self, texts: pa.StringArray) -> np.ndarray:
        """Return float32 probabilities, texts × labels, as calibrated."""
        return _calibrated(self._model, self.facts.calibration, texts)

    def predict_few(self, texts: list[bytes]) -> np.ndarray:
        """Return the same for a few texts in UTF-8, in less time if the model knows how."""
        if self._few is None:
            return self.predict_proba(pa.array(texts, pa.string()))
        scores, calibration = self._few(texts), self.facts.calibration
        return scores if calibration.folded else calibration.apply(scores)

    def uncalibrated(self, texts: pa.StringArray) -> np.ndarray:
        """Return what the scores were before they were calibrated."""
        calibration, scores = self.facts.calibration, self._model.predict_proba(texts)
        return calibration.undo(scores) if calibration.folded else scores

    def shares(self, text: bytes) -> Shares:
        """Return what each token of `text` (UTF-8) adds to each logit; raises `ModelError` if the model is of no such kind."""
        if not hasattr(self._model, "shares"):
            raise ModelError(f"a model of type {self.facts.type!r} can't say what each token adds; an n-gram bag can")
        return cast(Linear, self._model).shares(text)

    def decide(self, scores: np.ndarray) -> np.ndarray:
        """Return the number of each row's label (int64); raises `ModelError` when a score is no number."""
        decided = np.empty(len(scores), np.int64)
        if not decide(np.ascontiguousarray(scores, np.float32), self._positive, self._reached, decided):
            raise ModelError("the model gave a score that is no number")
        return decided


def save_model(
    model: Classifier, folder: Path, *, kind: str, name: str, threshold: float, positive: str, made_from: dict[str, Any],
    calibration: Calibration = _PLAIN,
) -> None:  # fmt: skip
    """Write `model` and its golden scores into `folder`, which is made if need be and must be empty of other models."""
    make_folder(folder)
    model.save(folder)
    golden = _calibrated(model, calibration, pa.array(GOLDEN_TEXTS)).astype(float).tolist()
    facts = Facts(
        type=kind,
        name=name,
        labels=list(model.labels),
        threshold=threshold,
        positive=positive,
        golden=golden,
        calibration=calibration,
        made_from=made_from,
    )
    (folder / FILE).write_bytes(msgspec.json.format(msgspec.json.encode(facts), indent=1))


def make_folder(folder: Path) -> None:
    """Make the folder that a model is to be written to; raises `ModelError`. For refusing before the work is done."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ModelError(f"{folder}: no model can be written there: {error.strerror}") from None


def load_model(folder: Path) -> Loaded:
    """Return the model in `folder`; raises `ModelError` when it is none, `ModelRefused` when it is not itself any more."""
    _check_plain(folder)
    try:
        facts = msgspec.json.decode((folder / FILE).read_bytes(), type=Facts)
    except FileNotFoundError:
        raise ModelError(f"{folder} is not a model: it has no {FILE}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{folder / FILE} can't be read: {error}") from None
    if facts.format != 1 or not 0 <= facts.threshold <= 1 or facts.positive not in facts.labels:
        raise ModelError(f"{folder / FILE}: format, threshold or positive label are not what this version can use")
    if not facts.name.isprintable():
        raise ModelError(f"{folder / FILE}: its name {facts.name!r} holds what is no letter, digit or sign")
    if len(set(facts.labels)) != len(facts.labels):
        raise ModelError(f"{folder / FILE}: a label stands there twice")
    model: Classifier = plugins.find("models", facts.type).load(folder)
    if tuple(facts.labels) != model.labels:
        raise ModelRefused(f"{folder}: the weights are for {', '.join(model.labels)}, not for {', '.join(facts.labels)}")
    loaded = Loaded(model, facts)
    _check_golden(loaded, folder)
    return loaded


def folder_hash(folder: Path) -> str:
    """Return the sha256 of a model folder's files, by name and content."""
    digest = hashlib.sha256()
    for file in sorted(folder.iterdir()):
        digest.update(f"{file.name}\n{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def _check_plain(folder: Path) -> None:
    """Raise `ModelError` unless all that stands in the folder is plain files: a link could name any file of ours, or none that ends."""
    try:
        strange = [entry.name for entry in folder.iterdir() if entry.is_symlink() or not entry.is_file()]
    except OSError as error:
        raise ModelError(f"{folder} is not a model: {error.strerror}") from None
    if strange:
        raise ModelError(f"{folder} is not a model: {sorted(strange)[0]!r} is no plain file")


def _calibrated(model: Classifier, calibration: Calibration, texts: pa.StringArray) -> np.ndarray:
    scores = model.predict_proba(texts)
    return scores if calibration.folded else calibration.apply(scores)


def _check_golden(loaded: Loaded, folder: Path) -> None:
    scores = loaded.predict_proba(pa.array(GOLDEN_TEXTS))
    try:
        wanted = np.array(loaded.facts.golden, np.float64)
    except ValueError:  # rows of several lengths
        wanted = np.empty(0)
    if wanted.shape != scores.shape or not np.isfinite(wanted).all():
        raise ModelRefused(f"{folder}: golden scores are missing or have another shape")
    worst = float(np.abs(scores - wanted).max())
    if not math.isfinite(worst) or worst > CLOSE:
        raise ModelRefused(f"{folder}: a golden text scores {worst:.2g} away from what it scored when the model was saved")
