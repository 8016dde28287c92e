"""Fit, evaluate and predict on any table of texts, without a project.

The model folder remembers the names of the columns and the type of the labels, so that evaluating and predicting need
nothing but the folder and a file.
"""

import hashlib
from collections.abc import Mapping, Sequence
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa

from goldstream import settings
from goldstream.errors import DataError, ModelError
from goldstream.models.folder import Loaded, folder_hash, load_model, make_folder, save_model
from goldstream.tables import check_path, read_table, write_table
from goldstream.training import metrics
from goldstream.training.evaluation import all_intervals
from goldstream.training.fit import NO_PLAN, Judged, Plan, fit, taught_by
from goldstream.training.labelled import as_texts, labelled, labels_in, plain, plain_column
from goldstream.training.remarks import remarks
from goldstream.training.report import judgement, report
from goldstream.training.threshold import BEST_F1, Aim
from goldstream.training.voted import voted

MOST_LABELS = 2_000
ABOUT_POSTS = ("id", "source", "lang", "language", "links", "created_at", "seen_at")  #: columns that slices are made by

#: Types of label columns that a prediction has too; of another type it is text.
TYPES = {
    kind.__name__: kind
    for kind in (
        pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64, pl.Float32, pl.Float64, pl.Categorical,
    )
}  # fmt: skip


class _Rows(NamedTuple):
    """What a table has to teach."""

    texts: pa.StringArray
    targets: np.ndarray  #: float32, texts × labels
    labels: tuple[str, ...]
    dtype: str  #: of the labels' column
    skipped: int  #: rows that teach nothing
    weights: np.ndarray | None = None
    evidence: Mapping[str, Any] = {}


def fit_table(
    file: Path, text: str, label: str, out: Path, *,
    votes: Sequence[str] = (), dev: Path | None, positive: str | None, section: settings.Model, aim: Aim = BEST_F1,
    plan: Plan = NO_PLAN, start: Path | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Fit a classifier on the columns `text` and `label` of the table in `file`, save it in `out`, return what it is.

    With `votes`, columns of labelling functions' votes teach it, and only `dev` has to have the column `label`. `start` is
    the folder of a model to go on from.

    Raises `DataError` or `ModelError` that says which column, row count or label is in the way.
    """
    rows = _voted(file, text, votes, dev, label) if votes else _labelled(file, text, label)
    labels, numbers = rows.labels, rows.targets.argmax(axis=1)
    chosen = _positive(positive, labels)
    judged = None if dev is None else _judged(dev, text, label, labels)
    remarked = remarks(rows.texts, numbers, labels, None if judged is None else judged.true)
    for remark in remarked:
        plan.say(remark)
    before = None if start is None else load_model(start)
    make_folder(out)
    fitted = fit(
        section, labels, rows.texts, rows.targets, labels.index(chosen), judged, rows.weights,
        aim=aim, plan=plan._replace(gold=not votes), start=None if before is None else before.classifier,
    )  # fmt: skip
    facts = {
        "text": text, "label": label, "dtype": rows.dtype, "rows": len(numbers), "file": file.name,
        "file_sha256": hashlib.sha256(file.read_bytes()).hexdigest(), "seed": section.seed, "options": section.options,
        "code": installed_version("goldstream"), **rows.evidence, **fitted.evidence,
    }  # fmt: skip
    save_model(
        fitted.model, out, kind=section.type, name=out.resolve().name, threshold=fitted.threshold, positive=chosen,
        made_from=facts, calibration=fitted.calibration,
    )  # fmt: skip
    return {
        "model": str(out),
        "n": len(numbers),
        "skipped": rows.skipped,
        "remarks": remarked,
        "labels": list(labels),
        "positive": chosen,
        "threshold": fitted.threshold,
        "options": fitted.evidence["options"],
        "search": fitted.evidence["search"],
        "epochs": fitted.evidence["epochs"],
        "calibration": fitted.evidence["calibration"],
        "chosen_for": fitted.evidence["threshold"],
        **rows.evidence,
    }


def evaluate_table(folder: Path, file: Path, *, positive: str | None) -> dict[str, Any]:
    """Return the metrics of the model in `folder` on the labelled table in `file`."""
    model = _about(load_model(folder), positive)
    judged = judgement(model, _known(model, file))
    found = metrics.evaluate(judged.scores, judged.true, judged.positive, judged.threshold)
    for name, said in (("ece_before", judged.uncalibrated), ("ece", judged.scores)):
        found[name] = metrics.calibration_error(*metrics.confidence(said, judged.true, judged.positive))
    return {**found, "intervals": all_intervals(judged)}


def report_table(folder: Path, file: Path, *, positive: str | None) -> dict[str, Any]:
    """Return the report on the model in `folder`, judged by the labelled table in `file`."""
    model = _about(load_model(folder), positive)
    facts = model.facts.made_from
    trained = ("file", "file_sha256", "rows", "seed", "options", "code")
    trace = {
        "evaluated_on": file.name, "file_sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "model_folder": folder.resolve().name, "model_sha256": folder_hash(folder),
        "trained_on": {name: facts[name] for name in trained if name in facts},
    }  # fmt: skip
    return report(model, _known(model, file), trace=trace)


def _about(model: Loaded, positive: str | None) -> Loaded:
    """The same model, where the threshold is about the label `positive`."""
    chosen = _positive(positive, model.labels) if positive else model.facts.positive
    return model.about(chosen)


def _known(model: Loaded, file: Path) -> pl.DataFrame:
    """The table in `file` with the columns `text` and `gold`, and whatever else it has; rows without a label are left out."""
    facts = model.facts.made_from
    for name in ("text", "label"):
        if name not in facts:
            raise ModelError(f"{model.facts.name} was not made by `goldstream fit`, so it names no column for the {name}")
    table = read_table(file)
    texts = plain_column(table, facts["text"], file).cast(pl.String).fill_null("").alias("text")
    values = [None if value is None else str(plain(value)) for value in labels_in(table, facts["label"], file)]
    gold = pl.Series("gold", values, pl.String)
    if strange := set(gold.drop_nulls().unique()) - set(model.labels):
        raise DataError(
            f"{file}: column {facts['label']!r} has labels that the model does not know: {', '.join(sorted(strange)[:5])}"
        )
    known = pl.DataFrame([texts, gold, *(table[name] for name in ABOUT_POSTS if name in table.columns)])
    if not len(known := known.filter(pl.col("gold").is_not_null())):
        raise DataError(f"{file}: no row has a value in column {facts['label']!r}")
    return known


def predict_table(folder: Path, file: Path, out: Path) -> dict[str, Any]:
    """Write the rows of `file` with `prediction` and `probability` to `out`; return how many rows."""
    check_path(out)
    model = load_model(folder)
    facts = model.facts.made_from
    table = read_table(file)
    scores = model.predict_proba(as_texts(plain_column(table, _remembered(facts, "text", folder), file)))
    said = model.decide(scores)
    named = pl.Series("prediction", [model.labels[number] for number in said], pl.String)
    typed = _typed(named, _remembered(facts, "dtype", folder))
    probability = pl.Series("probability", scores[np.arange(len(said)), said].astype(np.float64))
    write_table(table.drop("prediction", "probability", strict=False).with_columns(typed, probability), out)
    return {"file": str(out), "n": len(table)}


def _remembered(facts: dict[str, Any], name: str, folder: Path) -> str:
    value = facts.get(name)
    if not isinstance(value, str):
        raise ModelError(
            f"{folder} does not remember the columns of a table (no {name!r}); only `goldstream fit` makes such models"
        )
    return value


def _labelled(file: Path, text: str, label: str) -> _Rows:
    found = labelled(file, text, label)
    labels = tuple(str(value) for value in sorted(set(found.values)))
    if len(labels) < 2:
        raise DataError(f"{file}: column {label!r} has one label only, {labels[0]!r}; a classifier needs two")
    if len(labels) > MOST_LABELS:
        raise DataError(f"{file}: column {label!r} has {len(labels):,} different labels; up to {MOST_LABELS:,} can be learnt")
    targets = np.eye(len(labels), dtype=np.float32)[_numbers(found.values, labels)]
    return _Rows(found.texts, targets, labels, found.dtype, found.skipped)


def _voted(file: Path, text: str, votes: Sequence[str], dev: Path | None, label: str) -> _Rows:
    found = voted(file, text, votes, dev=dev, label=label)
    targets, weights = taught_by(found.soft)
    return _Rows(found.texts, targets, found.labels, found.dtype, found.uncovered, weights, {"label_model": found.as_json()})


def _judged(file: Path, text: str, label: str, labels: tuple[str, ...]) -> Judged:
    found = labelled(file, text, label)
    if strange := {str(value) for value in found.values} - set(labels):
        raise DataError(f"{file}: column {label!r} has labels that the model does not know: {', '.join(sorted(strange)[:5])}")
    return Judged(found.texts, _numbers(found.values, labels))


def _numbers(values: list[Any], labels: tuple[str, ...]) -> np.ndarray:
    number = {label: index for index, label in enumerate(labels)}
    return np.array([number[str(value)] for value in values], np.int64)


def _positive(wanted: str | None, labels: tuple[str, ...]) -> str:
    if wanted is None:
        return labels[-1]
    if wanted not in labels:
        raise DataError(f"no label {wanted!r}; there are {', '.join(labels)}")
    return wanted


def _typed(named: pl.Series, dtype: str) -> pl.Series:
    """The labels, which are text in a model, as the column that they were learnt from has them."""
    if dtype == "Boolean":
        return named == "True"
    try:
        return named.cast(TYPES.get(dtype, pl.String))
    except pl.exceptions.PolarsError:
        raise ModelError(f"the model says that its labels are of type {dtype!r}, and they are not") from None
