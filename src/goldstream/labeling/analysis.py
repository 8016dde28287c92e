"""How each labelling function does: Snorkel's table, with Snorkel's definitions, and precision and recall beside it.

>>> votes = pl.DataFrame({"a": ["x", "x", None], "b": ["x", "y", None]})
>>> table = summary(votes, gold=pl.Series(["x", "x", "y"]))
>>> table.columns
['j', 'Polarity', 'Coverage', 'Overlaps', 'Conflicts', 'Correct', 'Incorrect', 'Emp. Acc.', 'Precision', 'Recall']
>>> [round(value, 2) for value in table.row(0)[2:5]], table.row(0)[5:]
([0.67, 0.67, 0.33], (2, 0, 1.0, 1.0, 1.0))
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

_SCHEMA: dict[str, Any] = {
    "j": pl.Int64, "Polarity": pl.List(pl.String), "Coverage": pl.Float64, "Overlaps": pl.Float64, "Conflicts": pl.Float64,
    "Correct": pl.Int64, "Incorrect": pl.Int64, "Emp. Acc.": pl.Float64, "Precision": pl.Float64, "Recall": pl.Float64,
}  # fmt: skip
COLUMNS = tuple(_SCHEMA)


def codes(votes: pl.DataFrame, labels: Sequence[str]) -> np.ndarray:
    """Return votes as numbers, a row per post and a column per function: the label's, or -1 for an abstention.

    The type is int8, or int16 when there are more than 127 labels. A vote that is not among `labels` counts as none.
    """
    numbers = {label: number for number, label in enumerate(labels)}
    kind = pl.Int8 if len(labels) <= 127 else pl.Int16
    columns = [
        votes[name].replace_strict(numbers, default=-1, return_dtype=kind).fill_null(-1).to_numpy() for name in votes.columns
    ]
    return np.stack(columns, axis=1) if columns else np.empty((len(votes), 0), np.int8)


def summary(votes: pl.DataFrame, gold: pl.Series | None = None) -> pl.DataFrame:
    """Return the table: a row for each function (column of `votes`), in order.

    Polarity: the labels it votes for. Coverage, Overlaps, Conflicts: shares of all posts on which it votes, votes
    together with another function, and votes against another one. The rest is counted where `gold` is known (null where
    there is nothing to count): Correct and Incorrect votes; Emp. Acc., the share of its votes that are correct, which is
    what Precision means, so that the two are one number; Recall, the share of the posts of its Polarity that it votes
    for correctly.
    """
    columns = [votes[name] for name in votes.columns] + ([gold] if gold is not None else [])
    labels = sorted({label for column in columns for label in column.unique() if label is not None})
    matrix = codes(votes, labels)
    truth = np.full(len(votes), -1) if gold is None else codes(pl.DataFrame({"gold": gold}), labels)[:, 0]
    others, against = together(matrix)
    rows = []
    for j, mine in enumerate(matrix.T):
        voted = mine >= 0
        polarity = np.unique(mine[voted])
        right = int((voted & (mine == truth)).sum())
        wrong = int((voted & (truth >= 0)).sum()) - right
        precision = _ratio(right, right + wrong)
        rows.append((
            j, sorted(labels[code] for code in polarity), _share(voted), _share(others[:, j]), _share(against[:, j]),
            right, wrong, precision, precision, _ratio(right, int(np.isin(truth, polarity).sum())),
        ))  # fmt: skip
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


def together(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return two masks of the form of `matrix` (see `codes`): votes beside any other one, and votes against another one."""
    voted = matrix >= 0
    count = voted.sum(axis=1, keepdims=True)
    agreeing = np.zeros(matrix.shape, np.int64)
    for code in np.unique(matrix[voted]):
        mine = matrix == code
        agreeing += mine * mine.sum(axis=1, keepdims=True)
    return voted & (count > 1), voted & (count > agreeing)


def render(table: pl.DataFrame, names: Sequence[str]) -> str:
    """Return the table as text, a line for each function."""
    width = max([len(name) for name in names] + [8])
    head = f"{'':<{width}}  {'j':>2}  {'Polarity':<14}  Coverage  Overlaps  Conflicts  Correct  Incorrect  Emp. Acc.  Precision  Recall"
    lines = [head]
    for name, row in zip(names, table.iter_rows(named=True), strict=True):
        judged = ["-" if row[column] is None else f"{row[column]:.3f}" for column in ("Emp. Acc.", "Precision", "Recall")]
        lines.append(
            f"{name:<{width}}  {row['j']:>2}  {', '.join(row['Polarity']):<14}  {row['Coverage']:>8.4f}  {row['Overlaps']:>8.4f}"
            f"  {row['Conflicts']:>9.4f}  {row['Correct']:>7,}  {row['Incorrect']:>9,}"
            f"  {judged[0]:>9}  {judged[1]:>9}  {judged[2]:>6}"
        )
    return "\n".join(lines)


def _share(mask: np.ndarray) -> float:
    return float(mask.mean()) if len(mask) else 0.0


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
