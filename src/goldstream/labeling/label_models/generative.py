"""A generative label model: functions vote independently of each other once the true label is known.

Each function has one accuracy: it names the true label so often, and else any of the others alike. Accuracies are found
from how functions agree, by expectation maximisation, without gold labels. It is the conditionally independent model of
data programming (Ratner et al., 2016, arXiv 1605.07723; the model behind Snorkel's `LabelModel`) with three changes
that keep it from running away on few votes: the class balance is taken from gold or from the majority and stays, each
accuracy starts out as `LIKELY` with `IMAGINED_VOTES` behind it, and none leaves the range from `LOWEST` to `SUREST`.
"""

import numpy as np

from goldstream.labeling.label_models.counting import LIKELY, Votes
from goldstream.labeling.label_models.one_accuracy import LOWEST, SUREST, OneAccuracy

ROUNDS = 200
CLOSE_ENOUGH = 1e-4  #: no accuracy moved further in the last round
IMAGINED_VOTES = 20.0  #: how many votes it takes to outweigh the belief that a function is `LIKELY` right


class Generative(OneAccuracy):
    """Weighs functions by how they agree.

    >>> votes = Votes(np.array([[0, 0, 1]] * 40 + [[1, 1, -1]] * 40, np.int8), labels=2)
    >>> model = Generative(2)
    >>> model.fit(votes)
    >>> model.predict_proba(votes).argmax(axis=1).tolist() == [0] * 40 + [1] * 40
    True
    """

    def _found(self, votes: Votes) -> np.ndarray:
        guess = np.where(votes.covered[:, None], votes.shares(), self.balance)
        given = votes.right(np.repeat(votes.counts[:, None], votes.labels, axis=1))
        accuracy = np.full(votes.functions, LIKELY)
        for _ in range(ROUNDS):
            right, before = votes.right(guess * votes.counts[:, None]), accuracy
            accuracy = np.clip((right + LIKELY * IMAGINED_VOTES) / (given + IMAGINED_VOTES), LOWEST, SUREST)
            guess = self._posterior(votes, accuracy)
            if np.abs(accuracy - before).max(initial=0.0) < CLOSE_ENOUGH:
                break
        return accuracy
