"""Intervals of figures that are smooth functions of sums over posts: agreement, precision, recall.

The delta method: the figure's slope along each sum turns every post's own part into its influence, and the spread of the
influences is the spread of the figure (Hampel, JASA 1974; linearisation in survey sampling).

>>> rows = np.column_stack([np.tile([1.0, 1.0, 1.0, 0.0], 100), np.ones(400)])
>>> interval(lambda sums: sums[0] / sums[1], rows)
Interval(value=0.75, low=0.7075, high=0.7925)
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

_Z = 1.959964  # of the normal distribution, for 95 %
_STEP = 1e-5


class Interval(NamedTuple):
    """A figure and its 95 % interval; all three None where it is not defined."""

    value: float | None
    low: float | None
    high: float | None


def interval(
    figure: Callable[[np.ndarray], float], rows: np.ndarray, *, lowest: float = -1.0, highest: float = 1.0
) -> Interval:
    """Return `figure` of the column sums of `rows` (a row per post), and its interval, cut at `lowest` and `highest`."""
    sums = rows.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = float(figure(sums))
        if not np.isfinite(value):
            return Interval(None, None, None)
        slopes = np.zeros(len(sums))
        for column, total in enumerate(sums):
            step = _STEP * max(abs(total), 1.0)
            up, down = sums.copy(), sums.copy()
            up[column] += step
            down[column] -= step
            slopes[column] = (float(figure(up)) - float(figure(down))) / (2 * step)
    posts = len(rows)
    if posts < 2 or not np.isfinite(slopes).all():
        return Interval(round(value, 4), None, None)
    spread = _Z * float(np.sqrt(posts * np.var(rows @ slopes, ddof=1)))
    return Interval(round(value, 4), round(max(value - spread, lowest), 4), round(min(value + spread, highest), 4))
