"""Draws posts by several strategies at once, each post with a known probability.

Every strategy draws every post independently of the others (Poisson sampling), with a probability in proportion to how
much it would like to ask about it. A post that several draw is asked once. So its inclusion probability is

    chance = 1 - Π over strategies of (1 - chance of that strategy)

and a total over the pool is estimated without bias by Σ value / chance (Horvitz and Thompson, JASA 1952).
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np


class Draw(NamedTuple):
    """The posts that were drawn, in the random order in which they are asked."""

    rows: np.ndarray  #: int64, into the pool
    strategy: list[str]  #: which of them asked; the first in the mix where several did
    chance: np.ndarray  #: float64, with which each was drawn by any strategy, above 0 and at most 1


def chances(wishes: np.ndarray, size: float) -> np.ndarray:
    """Return probabilities in proportion to `wishes` (nought or more), none above 1, that sum to `size`.

    Where fewer than `size` posts are wished for at all, all of those get 1.

    >>> chances(np.array([8.0, 1.0, 1.0, 0.0]), 2).tolist()
    [1.0, 0.5, 0.5, 0.0]
    """
    wanted = np.clip(np.nan_to_num(np.asarray(wishes, float), nan=0.0, posinf=0.0), 0.0, None)
    found = np.zeros(len(wanted))
    open_, left = wanted > 0, float(size)
    while open_.any() and left > 0:
        share = left * wanted[open_] / wanted[open_].sum()
        found[open_] = np.minimum(share, 1.0)
        certain = open_ & (found >= 1.0)
        if not certain[open_].any() or not (share > 1.0).any():
            break
        left = float(size) - np.count_nonzero(found >= 1.0)
        open_ = open_ & ~certain
    return found


def draw(wishes: Mapping[str, np.ndarray], mix: Mapping[str, float], size: int, seed: int) -> Draw:
    """Return about `size` posts, drawn by the strategies of `mix` in their shares; the same seed draws the same."""
    rng = np.random.default_rng(seed)
    rows = len(next(iter(wishes.values())))
    whole = sum(mix.values())
    missed = np.ones(rows)
    asker = np.full(rows, -1)
    for number, (name, share) in enumerate(mix.items()):
        mine = chances(wishes[name], size * share / whole)
        missed *= 1.0 - mine
        asker = np.where((asker < 0) & (rng.random(rows) < mine), number, asker)
    drawn = rng.permutation(np.flatnonzero(asker >= 0))
    names = list(mix)
    return Draw(drawn, [names[number] for number in asker[drawn]], 1.0 - missed[drawn])
