"""How each labelling function does: Snorkel's table, with Snorkel's definitions.

>>> votes = pl.DataFrame({"a": ["x", "x", None], "b": ["x", "y", None]})
>>> table = summary(votes, gold=pl.Series(["x", "x", "y"]))
>>> table.columns
['j', 'Polarity', 'Coverage', 'Overlaps', 'Conflicts', 'Correct', 'Incorrect', 'Emp. Acc.']
>>> [round(value, 2) for value in table.row(1)[2:5]], table.row(1)[5:]
([0.67, 0.67, 0.33], (1, 1, 0.5))
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

COLUMNS = ("j", "Polarity", "Coverage", "Overlaps", "Conflicts", "Correct", "Incorrect", "Emp. Acc.")


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
    together with another function, and votes against another one. Correct, Incorrect and Emp. Acc. compare its votes
    with `gold` where that is known (null elsewhere); Emp. Acc. is a precision: abstentions do not count.
    """
    columns = [votes[name] for name in votes.columns] + ([gold] if gold is not None else [])
    labels = sorted({label for column in columns for label in column.unique() if label is not None})
    matrix = codes(votes, labels)
    truth = None if gold is None else codes(pl.DataFrame({"gold": gold}), labels)[:, 0]
    voted = matrix >= 0
    others = voted.sum(axis=1, keepdims=True) - voted
    per_label = np.stack([(matrix == number).sum(axis=1) for number in range(len(labels))], axis=1) if labels else voted
    rows = []
    for j in range(matrix.shape[1]):
        mine = voted[:, j]
        agreeing = per_label[np.arange(len(matrix)), np.maximum(matrix[:, j], 0)] if labels else np.zeros(len(matrix))
        against = mine & (voted.sum(axis=1) - agreeing > 0)
        right, wrong = _checked(matrix[:, j], truth)
        rows.append({
            "j": j,
            "Polarity": sorted({labels[code] for code in np.unique(matrix[mine, j])}),
            "Coverage": _share(mine), "Overlaps": _share(mine & (others[:, j] > 0)), "Conflicts": _share(against),
            "Correct": right, "Incorrect": wrong, "Emp. Acc.": right / (right + wrong) if right + wrong else None,
        })  # fmt: skip
    schema: dict[str, Any] = {"j": pl.Int64, "Polarity": pl.List(pl.String), "Coverage": pl.Float64, "Overlaps": pl.Float64,
              "Conflicts": pl.Float64, "Correct": pl.Int64, "Incorrect": pl.Int64, "Emp. Acc.": pl.Float64}  # fmt: skip
    return pl.DataFrame(rows, schema=schema)


def render(table: pl.DataFrame, names: Sequence[str]) -> str:
    """Return the table as text, a line for each function."""
    width = max([len(name) for name in names] + [8])
    head = f"{'':<{width}}  {'j':>2}  {'Polarity':<14}  Coverage  Overlaps  Conflicts  Correct  Incorrect  Emp. Acc."
    lines = [head]
    for name, row in zip(names, table.iter_rows(named=True), strict=True):
        accuracy = "-" if row["Emp. Acc."] is None else f"{row['Emp. Acc.']:.3f}"
        lines.append(
            f"{name:<{width}}  {row['j']:>2}  {', '.join(row['Polarity']):<14}  {row['Coverage']:>8.4f}  {row['Overlaps']:>8.4f}"
            f"  {row['Conflicts']:>9.4f}  {row['Correct']:>7,}  {row['Incorrect']:>9,}  {accuracy:>9}"
        )
    return "\n".join(lines)


def _share(mask: np.ndarray) -> float:
    return float(mask.mean()) if len(mask) else 0.0


def _checked(votes: np.ndarray, truth: np.ndarray | None) -> tuple[int, int]:
    if truth is None:
        return 0, 0
    known = (votes >= 0) & (truth >= 0)
    right = int((votes[known] == truth[known]).sum())
    return right, int(known.sum()) - right
