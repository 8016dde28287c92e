"""What answers say of the whole pool, though the posts were not drawn alike.

An answer counts for 1 / chance posts, so what a strategy prefers does not tilt the figures. Posts are asked in random
order within a round, so those answered so far stand for all that were drawn. Several rounds are put together as in
Des Raj (JASA 1956): each estimates the pool without the posts drawn before it, and those are added.
"""

from typing import NamedTuple

import numpy as np

from goldstream.annotation.smooth import Interval, interval


class Answered(NamedTuple):
    """Questions with an answer that counts: one array element each."""

    round: np.ndarray  #: int64
    chance: np.ndarray  #: float64, with which it was drawn
    said_keep: np.ndarray  #: bool: people say it is to be kept
    would_keep: np.ndarray  #: bool: the model would keep it
    weight: np.ndarray  #: float64: how many posts of the stream it stands for; 1 for figures of the pool itself


class Round(NamedTuple):
    """One draw."""

    round: int
    pool: int  #: posts it was drawn from, those of earlier rounds left out
    drawn: int


class Estimate(NamedTuple):
    """What is expected over the whole pool."""

    answers: int
    precision: Interval
    recall: Interval
    share: Interval  #: of posts that are to be kept


def estimate(answered: Answered, rounds: list[Round]) -> Estimate:
    """Return precision, recall and share over the pool, each post weighed by what it stands for."""
    share = _stands_for(answered, rounds) * answered.weight
    keep, would = answered.said_keep.astype(float), answered.would_keep.astype(float)
    rows = np.column_stack([keep * would, would, keep, np.ones(len(keep))]) * share[:, None]
    return Estimate(
        len(share),
        interval(lambda sums: sums[0] / sums[1], rows, lowest=0.0),
        interval(lambda sums: sums[0] / sums[2], rows, lowest=0.0),
        interval(lambda sums: sums[2] / sums[3], rows, lowest=0.0),
    )


def _stands_for(answered: Answered, rounds: list[Round]) -> np.ndarray:
    """How many posts of the pool each answer stands for; sums to about the pool."""
    counts = {each.round: int((answered.round == each.round).sum()) for each in rounds}
    whole = sum(counts.values())
    share = np.zeros(len(answered.round))
    later = 1.0  # part of the estimates that are of later rounds, for which this one's posts are known ground
    for each in sorted(rounds, key=lambda each: each.round):
        mine = answered.round == each.round
        if not counts[each.round]:
            continue
        part = counts[each.round] / whole
        later -= part
        inverse = 1.0 / answered.chance[mine]
        share[mine] = part * each.pool * inverse / inverse.sum() + max(later, 0.0) * each.drawn / counts[each.round]
    return share
