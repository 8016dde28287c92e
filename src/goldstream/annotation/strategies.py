"""What to ask next. A strategy says of every post in the pool how much it would like to ask about it.

A strategy is a function of a `Pool`: a float per post, nought or more, in any unit. A stranger's package adds one by an
entry point in the group `goldstream.strategies`, and `[annotation] mix` gives it a share.

>>> pool = Pool(
...     probability=np.array([0.5, 0.99]), soft_label=np.array([0.5, 0.1]), votes=np.array([2, 1]), sides=np.array([2, 1]))
>>> uncertain(pool).round(2).tolist(), rules_in_conflict(pool).tolist(), uncovered(pool).tolist()
([1.0, 0.04], [1.0, 0.0], [0.0, 0.0])
"""

from typing import NamedTuple

import numpy as np


class Pool(NamedTuple):
    """What is known of every post that could be asked about: one array element per post."""

    probability: np.ndarray  #: float64, the champion's, of the label that the project keeps; NaN where there is none
    soft_label: np.ndarray  #: float64, the label model's, of the same label; NaN where no rule voted
    votes: np.ndarray  #: how many rules voted
    sides: np.ndarray  #: for how many different labels they voted

    def __len__(self) -> int:
        """Return how many posts there are."""
        return len(self.votes)


def at_random(pool: Pool) -> np.ndarray:
    """The control arm: every post alike."""
    return np.ones(len(pool))


def uncertain(pool: Pool) -> np.ndarray:
    """Posts of which the champion can't tell; before there is one, the label model."""
    known = np.where(np.isnan(pool.probability), pool.soft_label, pool.probability)
    return np.nan_to_num(4 * known * (1 - known), nan=0.0)


def rules_in_conflict(pool: Pool) -> np.ndarray:
    """Posts on which rules vote for different labels."""
    return (pool.sides > 1).astype(float)


def model_against_rules(pool: Pool) -> np.ndarray:
    """Posts of which the champion says something else than the label model."""
    return np.nan_to_num(np.abs(pool.probability - pool.soft_label) ** 2, nan=0.0)


def uncovered(pool: Pool) -> np.ndarray:
    """Posts on which no rule votes."""
    return (pool.votes == 0).astype(float)
