"""`goldstream label`: functions vote, all label models are fitted and judged on dev, the chosen one labels the rest."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import psycopg
from psycopg.types.json import Jsonb

from goldstream.errors import LabelingError
from goldstream.labeling import analysis
from goldstream.labeling.choice import Choice, choose
from goldstream.labeling.functions import LabelingFunction
from goldstream.labeling.label_models import Votes
from goldstream.labeling.votes import vote
from goldstream.store.copying import copy_columns

TRAINING = ("snorkel_train", "train")


@dataclass(frozen=True)
class LabelReport:
    """What one run of the label model came to."""

    table: pl.DataFrame  #: Snorkel's columns, counted on all splits; gold from dev
    names: list[str]
    choice: Choice
    covered: float  #: share of training posts with at least one vote
    errors: dict[str, tuple[int, list[str]]]
    notes: list[str]  #: what about the votes should give a person pause

    def text(self) -> str:
        """Return the report as a person reads it."""
        return "\n".join([
            analysis.render(self.table, self.names), "", *filter(None, [self.choice.text()]), *self.notes,
            self.conclusion(),
        ])  # fmt: skip

    def conclusion(self) -> str:
        """Return which label model was chosen, and why, in a line."""
        return f"label model: {self.choice.name}, {self.choice.reason}; {self.covered:.1%} of training posts covered"

    def as_json(self) -> dict[str, Any]:
        """Return the report as plain data."""
        table = [{"function": name, **row} for name, row in zip(self.names, self.table.iter_rows(named=True), strict=True)]
        errors = {name: {"posts": count, "first": first} for name, (count, first) in self.errors.items()}
        return {
            "label_model": self.choice.name, "reason": self.choice.reason, "on_dev": self.choice.on_dev, "covered": self.covered,
            "functions": table, "errors": errors, "notes": self.notes, "text": self.text(),
        }  # fmt: skip


def label(
    conn: psycopg.Connection[Any], posts: pl.DataFrame, functions: Sequence[LabelingFunction], labels: Sequence[str], *,
    wanted: str, balance: Mapping[str, float], prefix: str, dataset: int, say: Callable[[str], None],
) -> LabelReport:  # fmt: skip
    """Vote on `posts` (with columns `split` and `gold`), fit, choose, and store soft labels for the training splits.

    `wanted` is a label model's name or `auto`; `balance` the class balance, empty where it is to be estimated.
    Raises `LabelingError` for an unknown label model, or when nobody votes at all.
    """
    voting = vote(conn, functions, posts, say)
    matrix = analysis.codes(voting.votes, labels)
    _check_labels(voting.votes, labels)
    if not (matrix >= 0).any():
        raise LabelingError("every labelling function abstained on every post; see `goldstream label` with broader rules")
    training = posts["split"].is_in(TRAINING).to_numpy()
    dev = (posts["split"] == "dev").fill_null(False).to_numpy()
    gold = np.where(dev, analysis.codes(posts.select("gold"), labels)[:, 0], -1)
    given = np.array([balance[label] for label in labels]) if balance else None
    used = training | dev
    choice = choose(matrix[used], gold[used], voting.votes.columns, len(labels), wanted=wanted, balance=given)
    soft = choice.model.predict_proba(Votes(matrix[training], len(labels)))
    covered = (matrix[training] >= 0).any(axis=1)
    dev_gold = posts["gold"].zip_with(pl.Series(dev), pl.Series([None] * len(posts), dtype=pl.String))
    report = LabelReport(
        analysis.summary(voting.votes, dev_gold), voting.votes.columns, choice,
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
            (prefix, dataset, report.choice.name, Jsonb(versions), Jsonb(report.as_json())),
        )
