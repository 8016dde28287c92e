"""`goldstream label`: functions vote, both label models are fitted and judged on dev, the better one labels the rest."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import psycopg
from psycopg.types.json import Jsonb

from goldstream.errors import LabelingError
from goldstream.labeling import analysis
from goldstream.labeling.functions import LabelingFunction
from goldstream.labeling.label_models.generative import Generative
from goldstream.labeling.label_models.majority import Majority
from goldstream.labeling.votes import vote
from goldstream.store.copying import copy_columns

TRAINING = ("snorkel_train", "train")
FEWEST_GOLD = 30  #: dev posts with gold labels below which no label model is judged by them

_MODELS: dict[str, Callable[[int], Majority | Generative]] = {"majority": Majority, "generative": Generative}


@dataclass(frozen=True)
class LabelReport:
    """What one run of the label model came to."""

    table: pl.DataFrame  #: Snorkel's columns, counted on all splits; gold from dev
    names: list[str]
    label_model: str
    reason: str
    on_dev: dict[str, dict[str, float]]  #: label model → accuracy, macro_f1 and the interval of the accuracy
    covered: float  #: share of training posts with at least one vote
    errors: dict[str, tuple[int, list[str]]]
    notes: list[str]  #: what about the votes should give a person pause

    def text(self) -> str:
        """Return the report as a person reads it."""
        lines = [analysis.render(self.table, self.names), ""]
        for name, scores in self.on_dev.items():
            low, high = scores["low"], scores["high"]
            lines.append(
                f"{name:<11} on dev: accuracy {scores['accuracy']:.3f} ({low:.3f} to {high:.3f}), macro F1 {scores['macro_f1']:.3f}"
            )
        return "\n".join(
            [
                *lines,
                *self.notes,
                f"label model: {self.label_model}, {self.reason}; {self.covered:.1%} of training posts covered",
            ]
        )

    def as_json(self) -> dict[str, Any]:
        """Return the report as plain data."""
        table = [{"function": name, **row} for name, row in zip(self.names, self.table.iter_rows(named=True), strict=True)]
        errors = {name: {"posts": count, "first": first} for name, (count, first) in self.errors.items()}
        return {
            "label_model": self.label_model, "reason": self.reason, "on_dev": self.on_dev, "covered": self.covered,
            "functions": table, "errors": errors, "notes": self.notes, "text": self.text(),
        }  # fmt: skip


def label(
    conn: psycopg.Connection[Any], posts: pl.DataFrame, functions: Sequence[LabelingFunction], labels: Sequence[str], *,
    wanted: str, prefix: str, dataset: int, say: Callable[[str], None],
) -> LabelReport:  # fmt: skip
    """Vote on `posts` (with columns `split` and `gold`), fit, choose, and store soft labels for the training splits.

    `wanted` is a label model's name or `auto`. Raises `LabelingError` for an unknown one, or when nobody votes at all.
    """
    if wanted != "auto" and wanted not in _MODELS:
        raise LabelingError(f"no label model named {wanted!r}; there are auto, {', '.join(_MODELS)}")
    voting = vote(conn, functions, posts, say)
    matrix = analysis.codes(voting.votes, labels)
    _check_labels(voting.votes, labels)
    if not (matrix >= 0).any():
        raise LabelingError("every labelling function abstained on every post; see `goldstream label` with broader rules")
    training = posts["split"].is_in(TRAINING).to_numpy()
    gold = analysis.codes(posts.select("gold"), labels)[:, 0]
    dev = (posts["split"] == "dev").fill_null(False).to_numpy() & (gold >= 0)
    fitted = {name: make(len(labels)) for name, make in _MODELS.items()}
    for model in fitted.values():
        model.fit(matrix[training])
    on_dev = {
        name: _judge(model.predict_proba(matrix[dev]), gold[dev], len(labels)) for name, model in fitted.items() if dev.any()
    }
    chosen, reason = _choose(wanted, on_dev, int(dev.sum()), len(functions))
    soft = fitted[chosen].predict_proba(matrix[training])
    covered = (matrix[training] >= 0).any(axis=1)
    dev_gold = posts["gold"].zip_with(pl.Series(dev), pl.Series([None] * len(posts), dtype=pl.String))
    report = LabelReport(
        analysis.summary(voting.votes, dev_gold), voting.votes.columns, chosen, reason, on_dev,
        float(covered.mean()) if len(covered) else 0.0, voting.errors, _notes(voting.votes.columns, matrix, labels),
    )  # fmt: skip
    _store(conn, posts.filter(pl.Series(training)), soft, covered, report, functions, prefix, dataset)
    return report


def _check_labels(votes: pl.DataFrame, labels: Sequence[str]) -> None:
    for name in votes.columns:
        if strange := set(votes[name].drop_nulls().unique()) - set(labels):
            raise LabelingError(f"{name} votes for {', '.join(sorted(strange))}; project.labels are {', '.join(labels)}")


def _notes(names: Sequence[str], matrix: np.ndarray, labels: Sequence[str]) -> list[str]:
    notes = [
        f"no function votes for {label!r}: posts of that kind get it only where a label model doubts the others"
        for number, label in enumerate(labels)
        if not (matrix == number).any()
    ]
    for name, votes in zip(names, matrix.T, strict=True):
        if not (votes >= 0).any():
            notes.append(f"{name} abstains on every post")
        elif (votes == votes[0]).all():
            notes.append(f"{name} votes for {labels[votes[0]]!r} on every post, so its vote tells nothing")
    return notes


def _judge(scores: np.ndarray, gold: np.ndarray, labels: int) -> dict[str, float]:
    right = scores.argmax(axis=1) == gold
    low, high = _interval(int(right.sum()), len(gold))
    f1 = [_f1(scores.argmax(axis=1) == label, gold == label) for label in range(labels) if (gold == label).any()]
    return {
        "n": len(gold), "accuracy": float(right.mean()), "low": low, "high": high, "macro_f1": float(np.mean(f1))
    }  # fmt: skip


def _interval(right: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share."""
    z = 1.96
    middle = (right + z**2 / 2) / (n + z**2)
    spread = z / (n + z**2) * (right * (n - right) / n + z**2 / 4) ** 0.5
    return max(0.0, middle - spread), min(1.0, middle + spread)


def _f1(said: np.ndarray, true: np.ndarray) -> float:
    both = int((said & true).sum())
    return 2 * both / max(int(said.sum()) + int(true.sum()), 1)


def _choose(wanted: str, on_dev: dict[str, dict[str, float]], gold: int, functions: int) -> tuple[str, str]:
    if wanted != "auto":
        return wanted, "as labeling.label-model says"
    if functions < 3:
        return "majority", "because fewer than three functions can't tell which of them is right"
    if gold < FEWEST_GOLD:
        return "generative", f"because {gold} gold labels in dev are too few to judge by"
    majority, generative = on_dev["majority"]["macro_f1"], on_dev["generative"]["macro_f1"]
    if majority > generative:
        return "majority", f"because it has the higher macro F1 on dev ({majority:.3f} against {generative:.3f})"
    return "generative", f"because its macro F1 on dev is no lower ({generative:.3f} against {majority:.3f})"


def _store(
    conn: psycopg.Connection[Any], posts: pl.DataFrame, soft: np.ndarray, covered: np.ndarray, report: LabelReport,
    functions: Sequence[LabelingFunction], prefix: str, dataset: int,
) -> None:  # fmt: skip
    rows = posts.select(
        pl.lit(prefix).alias("prefix"), pl.lit(dataset).cast(pl.Int32).alias("dataset"), pl.col("id").alias("post_id"), "revision",
        pl.Series("probabilities", soft.astype(np.float32).tolist(), pl.List(pl.Float32)), pl.Series("covered", covered),
    )  # fmt: skip
    versions = {function.name: function.version for function in functions}
    with conn.transaction():
        conn.execute("DELETE FROM soft_labels WHERE prefix = %s AND dataset = %s", (prefix, dataset))
        copy_columns(conn, "soft_labels", rows)
        conn.execute(
            "INSERT INTO label_runs (prefix, dataset, label_model, functions, report) VALUES (%s, %s, %s, %s, %s)",
            (prefix, dataset, report.label_model, Jsonb(versions), Jsonb(report.as_json())),
        )
