"""Dawid and Skene's model: for each function, what it says (or that it abstains) given the true label.

Source: Dawid & Skene, "Maximum likelihood estimation of observer error-rates using the EM algorithm", Applied
Statistics 28 (1979). Abstaining counts as something said, since a rule that is silent on a post tells about it too. On
sparse votes the plain model collapses into one class; here each function's table starts out as what a function of its
coverage that is right `LIKELY` often would say, with `IMAGINED_POSTS` for each label behind it, and the class balance stays.
"""

import numpy as np

from goldstream.labeling.label_models.counting import LIKELY, Votes, by_truth, class_balance

ROUNDS = 100
CLOSE_ENOUGH = 1e-4  #: no chance moved further in the last round
IMAGINED_POSTS = 30.0
RAREST = 1e-6  #: no chance is lower


class DawidSkene:
    """Finds, for each function, the chance of each vote given each true label.

    >>> chance = np.random.default_rng(0)
    >>> truth = chance.integers(0, 2, 2000)
    >>> always_zero = np.where(truth == 0, 0, np.where(chance.random(2000) < 0.5, 0, 1))
    >>> votes = np.column_stack([truth, always_zero, np.where(chance.random(2000) < 0.9, truth, 1 - truth)])
    >>> model = DawidSkene(2)
    >>> model.fit(Votes(votes, labels=2))
    >>> bool(model.chance[1, 0, 1] > 0.4), bool(model.chance[1, 1, 0] < 0.1)  # says 0 of a true 1; 1 of a true 0
    (True, True)
    """

    def __init__(self, labels: int) -> None:
        self.balance = np.full(labels, 1 / labels)
        self.chance = np.zeros((0, labels, labels))  #: functions × votes × true labels; what is missing to 1 is silence

    def fit(self, votes: Votes, balance: np.ndarray | None = None) -> None:
        """Learn by expectation maximisation; gold labels serve the class balance only. See `LabelModel.fit`."""
        self.balance = class_balance(votes, balance)
        believed = self._believed(votes)
        guess = np.where(votes.covered[:, None], votes.shares(), self.balance)
        for _ in range(ROUNDS):
            weights = guess * votes.counts[:, None]
            chance = (votes.tally(weights) + IMAGINED_POSTS * believed) / (weights.sum(axis=0) + IMAGINED_POSTS)
            before, self.chance = self.chance, np.clip(chance, RAREST, 1 - RAREST)
            guess = votes.posterior(*self._evidence())
            if before.shape == self.chance.shape and np.abs(self.chance - before).max(initial=0.0) < CLOSE_ENOUGH:
                break

    def predict_proba(self, votes: Votes) -> np.ndarray:
        """Return float64 probabilities, posts × labels; silence speaks too."""
        return votes.posterior(*self._evidence())[votes.inverse]

    def _believed(self, votes: Votes) -> np.ndarray:
        """Functions × votes × labels: the table of a function of this coverage that is right `LIKELY` often."""
        every = np.repeat(votes.counts[:, None], votes.labels, axis=1)
        said = votes.tally(every)[:, :, 0] / max(votes.counts.sum(), 1.0)
        table = by_truth(said * LIKELY / self.balance, said * (1 - LIKELY) / (1 - self.balance + RAREST))
        return np.clip(table, RAREST, 0.99)

    def _evidence(self) -> tuple[np.ndarray, np.ndarray]:
        """The log chance of total silence, and what each vote adds to it."""
        silence = np.log(np.clip(1 - self.chance.sum(axis=1), RAREST, 1.0))
        return np.log(self.balance) + silence.sum(axis=0), np.log(self.chance) - silence[:, None, :]
