"""Fit, evaluate and predict on any table of texts, without a project.

The model folder remembers the names of the columns and the type of the labels, so that evaluating and predicting need
nothing but the folder and a file.
"""

import hashlib
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from goldstream import settings
from goldstream.errors import DataError, ModelError
from goldstream.models.folder import load_model, save_model
from goldstream.tables import check_path, column, read_table, write_table
from goldstream.training import metrics
from goldstream.training.fit import Judged, fit
from goldstream.training.threshold import BEST_F1, Aim

MOST_LABELS = 2_000


def fit_table(
    file: Path, text: str, label: str, out: Path, *,
    dev: Path | None, positive: str | None, section: settings.Model, aim: Aim = BEST_F1,
) -> dict[str, Any]:  # fmt: skip
    """Fit a classifier on the columns `text` and `label` of the table in `file`, save it in `out`, return what it is.

    Raises `DataError` or `ModelError` that says which column, row count or label is in the way.
    """
    texts, values, skipped = _labelled(file, text, label)
    labels = tuple(str(value) for value in sorted(set(values)))
    if len(labels) < 2:
        raise DataError(f"{file}: column {label!r} has one label only, {labels[0]!r}; a classifier needs two")
    if len(labels) > MOST_LABELS:
        raise DataError(f"{file}: column {label!r} has {len(labels):,} different labels; up to {MOST_LABELS:,} can be learnt")
    chosen = _positive(positive, labels)
    numbers = _numbers(values, labels)
    targets = np.eye(len(labels), dtype=np.float32)[numbers]
    judged = None if dev is None else _judged(dev, text, label, labels)
    fitted = fit(section, labels, texts, targets, labels.index(chosen), judged, aim=aim)
    facts = {
        "text": text, "label": label, "dtype": _dtype(values), "rows": len(numbers), "file": file.name,
        "file_sha256": hashlib.sha256(file.read_bytes()).hexdigest(), "seed": section.seed, "options": section.options,
        "code": installed_version("goldstream"), **fitted.evidence,
    }  # fmt: skip
    save_model(
        fitted.model, out, kind=section.type, name=out.resolve().name, threshold=fitted.threshold, positive=chosen,
        made_from=facts, calibration=fitted.calibration,
    )  # fmt: skip
    return {
        "model": str(out),
        "n": len(numbers),
        "skipped": skipped,
        "labels": list(labels),
        "positive": chosen,
        "threshold": fitted.threshold,
        "calibration": fitted.evidence["calibration"],
        "chosen_for": fitted.evidence["threshold"],
    }


def evaluate_table(folder: Path, file: Path, *, positive: str | None) -> dict[str, Any]:
    """Return the metrics of the model in `folder` on the labelled table in `file`."""
    model = load_model(folder)
    facts = model.facts.made_from
    judged = _judged(file, _remembered(facts, "text", folder), _remembered(facts, "label", folder), model.labels)
    chosen = _positive(positive, model.labels) if positive else model.facts.positive
    threshold = model.threshold if chosen == model.facts.positive else 1 - model.threshold
    number, scores = model.labels.index(chosen), model.predict_proba(judged.texts)
    found = metrics.evaluate(scores, judged.true, number, threshold)
    for name, said in (("ece_before", model.uncalibrated(judged.texts)), ("ece", scores)):
        found[name] = metrics.calibration_error(*metrics.confidence(said, judged.true, number))
    return found


def predict_table(folder: Path, file: Path, out: Path) -> dict[str, Any]:
    """Write the rows of `file` with `prediction` and `probability` to `out`; return how many rows."""
    check_path(out)
    model = load_model(folder)
    facts = model.facts.made_from
    table = read_table(file)
    scores = model.predict_proba(_texts(column(table, _remembered(facts, "text", folder), file)))
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


def _labelled(file: Path, text: str, label: str) -> tuple[pa.StringArray, list[Any], int]:
    """The texts and labels of a table, without rows that lack a label."""
    table = read_table(file)
    column(table, text, file), column(table, label, file)
    known = table.filter(pl.col(label).is_not_null())
    if not len(known):
        raise DataError(f"{file}: no row has a value in column {label!r}")
    return _texts(known[text]), [_plain(value) for value in known[label]], len(table) - len(known)


def _judged(file: Path, text: str, label: str, labels: tuple[str, ...]) -> Judged:
    texts, values, _ = _labelled(file, text, label)
    if strange := {str(value) for value in values} - set(labels):
        raise DataError(f"{file}: column {label!r} has labels that the model does not know: {', '.join(sorted(strange)[:5])}")
    return Judged(texts, _numbers(values, labels))


def _numbers(values: list[Any], labels: tuple[str, ...]) -> np.ndarray:
    number = {label: index for index, label in enumerate(labels)}
    return np.array([number[str(value)] for value in values], np.int64)


def _plain(value: Any) -> Any:
    """A label as it sorts: whole numbers stay numbers, whatever their column's type."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _positive(wanted: str | None, labels: tuple[str, ...]) -> str:
    if wanted is None:
        return labels[-1]
    if wanted not in labels:
        raise DataError(f"no label {wanted!r}; there are {', '.join(labels)}")
    return wanted


def _texts(series: pl.Series) -> pa.StringArray:
    return series.cast(pl.String).fill_null("").to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.string())


def _dtype(values: list[Any]) -> str:
    kinds = {type(value).__name__ for value in values}
    return kinds.pop() if len(kinds) == 1 else "str"


def _typed(named: pl.Series, dtype: str) -> pl.Series:
    if dtype == "bool":
        return (named == "True").alias("prediction")
    kinds = {"int": pl.Int64, "float": pl.Float64, "str": pl.String}
    if dtype not in kinds:
        raise ModelError(f"labels of type {dtype!r} can't be written; use text, numbers or true and false")
    try:
        return named.cast(kinds[dtype])
    except pl.exceptions.PolarsError:
        raise ModelError(f"the model says that its labels are of type {dtype!r}, and they are not") from None
