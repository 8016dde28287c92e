"""What a person should know of training rows before trusting a model of them."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

FEW = 5  #: rows of a label below which a person is told
NAMED = 5  #: labels that are named; the others are counted


def remarks(texts: pa.StringArray, numbers: np.ndarray, labels: tuple[str, ...], dev: np.ndarray | None) -> list[str]:
    """Return what makes rows poor teachers. `numbers`: a label for each text; `dev`: those of the rows that judge.

    >>> remarks(pa.array(["sun"] * 12), np.array([0, 1] * 6), ("no", "yes"), np.array([0, 0]))[1]
    "dev has no row of 'yes', so it can't tell how well such rows are found"
    """
    found = []
    distinct, empty = pc.count_distinct(texts).as_py(), pc.sum(pc.equal(pc.utf8_trim_whitespace(texts), "")).as_py()
    if distinct == 1:
        found.append(f"all {len(texts):,} texts are the same: nothing tells the labels apart")
    elif 2 * empty > len(texts):
        found.append(f"{empty:,} of {len(texts):,} texts are empty")
    counts = np.bincount(numbers, minlength=len(labels))
    if (few := np.flatnonzero(counts < FEW)).size:
        found.append(f"too few rows to learn from, of {_named(labels, few, counts)}")
    if dev is not None and (absent := np.flatnonzero(np.bincount(dev, minlength=len(labels)) == 0)).size:
        found.append(f"dev has no row of {_named(labels, absent)}, so it can't tell how well such rows are found")
    return found


def _named(labels: tuple[str, ...], chosen: np.ndarray, counts: np.ndarray | None = None) -> str:
    """The first of some labels, with their counts, and how many more there are."""
    names = [repr(labels[at]) + ("" if counts is None else f" ({counts[at]})") for at in chosen[:NAMED].tolist()]
    return ", ".join(names) + (f" and {len(chosen) - NAMED:,} more" if len(chosen) > NAMED else "")
