"""Rows to learn from in anybody's table where labelling functions have voted, and nobody has labelled them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa

from goldstream.errors import DataError
from goldstream.labeling.analysis import codes
from goldstream.labeling.choice import Choice, choose
from goldstream.labeling.label_models import Votes
from goldstream.tables import column, read_table
from goldstream.training.labelled import as_texts, labels_in, missing_as_null, plain, plain_column


class Voted(NamedTuple):
    """The rows on which a function votes, with what the label model makes of the votes."""

    texts: pa.StringArray
    soft: np.ndarray  #: float32, texts × labels, rows sum to one
    labels: tuple[str, ...]
    dtype: str  #: of dev's column of labels; without dev, of the votes
    choice: Choice
    uncovered: int  #: rows that are left out, since nobody votes on them

    def as_json(self) -> dict[str, Any]:
        """Return which label model was taken, why, and how all of them do on dev."""
        return {"name": self.choice.name, "reason": self.choice.reason, "on_dev": self.choice.on_dev}


def voted(file: Path, text: str, votes: Sequence[str], *, dev: Path | None, label: str) -> Voted:
    """Return the rows of the table in `file` with the labels that its columns `votes` come to.

    A column holds one function's votes, or lists with a vote of each function. A vote is a label as the column `label` of
    `dev` has it; nothing, or -1 where labels are numbers, is an abstention. The gold labels of `dev` weigh and choose, if
    its rows have votes too. Raises `DataError` that says which column is in the way.
    """
    table, judges = read_table(file), None if dev is None else read_table(dev)
    said = _functions(table, votes, file)
    seen = None
    if dev is not None and judges is not None and all(name in judges.columns for name in votes):
        seen = _functions(judges, votes, dev)
        if seen.columns != said.columns:
            raise DataError(f"{dev} has votes of {len(seen.columns)} functions and {file} of {len(said.columns)}")
    gold = None if dev is None or judges is None else labels_in(judges, label, dev)
    values = {
        plain(value) for each in (said, seen) if each is not None for name in each.columns for value in each[name].unique()
    }
    values |= set() if gold is None else {plain(value) for value in gold.unique()}
    labels = tuple(str(value) for value in sorted(values - {None}))
    if len(labels) < 2:
        raise DataError(f"{file}: the votes in {', '.join(votes)} name {len(labels)} label; a classifier needs two")
    matrix, known = _codes(said, labels), np.full(len(said), -1, np.int64)
    if seen is not None and gold is not None:
        true = _codes(pl.DataFrame({"gold": gold}), labels)[:, 0]
        choice = choose(np.vstack([matrix, _codes(seen, labels)]), np.concatenate([known, true]), said.columns, len(labels))
    else:
        choice = choose(matrix, known, said.columns, len(labels))
    covered = (matrix >= 0).any(axis=1)
    soft = choice.model.predict_proba(Votes(matrix[covered], len(labels))).astype(np.float32)
    dtype = (said[said.columns[0]] if judges is None else judges[label]).dtype.base_type().__name__
    texts = as_texts(plain_column(table, text, file).filter(pl.Series(covered)))
    return Voted(texts, soft, labels, dtype, choice, int((~covered).sum()))


def _functions(table: pl.DataFrame, names: Sequence[str], file: Path) -> pl.DataFrame:
    """A column for each function: the labels it votes for, with null where it abstains."""
    found = []
    for name in names:
        given = column(table, name, file)
        if not given.dtype.is_nested():
            found.append(given)
            continue
        if not isinstance(given.dtype, pl.List | pl.Array):
            raise DataError(f"{file}: column {name!r} holds {given.dtype}, not votes or lists of them")
        lists = given.cast(pl.List(given.dtype.inner))
        if (sizes := lists.list.len().unique()).len() != 1 or given.null_count():
            raise DataError(
                f"{file}: the lists in column {name!r} differ in length; each has a vote of every function, or nothing"
            )
        found += [lists.list.get(each).alias(f"{name}[{each}]") for each in range(sizes[0])]
    return pl.DataFrame([_abstaining(each, file) for each in found])


def _abstaining(votes: pl.Series, file: Path) -> pl.Series:
    votes = missing_as_null(plain_column(pl.DataFrame([votes]), votes.name, file))
    return votes.set(votes == -1, None) if votes.dtype.is_numeric() else votes


def _codes(votes: pl.DataFrame, labels: Sequence[str]) -> np.ndarray:
    names = [
        pl.Series(name, [None if each is None else str(plain(each)) for each in votes[name]], pl.String)
        for name in votes.columns
    ]
    return codes(pl.DataFrame(names), labels)
