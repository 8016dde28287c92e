"""Fits every label model, judges each on dev by posts it has not seen, and takes one by a stated rule.

The rule: with enough gold labels in dev, the weighted vote, unless another model's macro F1 there is higher by `MARGIN`
and by more than chance (the lower end of the 95 % paired bootstrap interval of the difference is above nought). Gold
labels cost hours of somebody's time and votes cost nothing, so what gold says about each function is believed first.
Without enough gold, the generative model, which needs none; with fewer than three functions, the majority, since two
can't tell which of them is right.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from goldstream.errors import LabelingError
from goldstream.intervals import wilson
from goldstream.labeling.label_models import DawidSkene, Generative, LabelModel, Majority, Triplet, Votes, Weighted

#: by name, the simplest first: where two do equally well, the one that comes first is taken
LABEL_MODELS: dict[str, type[LabelModel]] = {
    "majority": Majority,
    "weighted": Weighted,
    "generative": Generative,
    "triplet": Triplet,
    "dawid-skene": DawidSkene,
}
DEFAULT = "weighted"
FEWEST_GOLD = 30  #: dev posts with gold labels below which no label model is judged, or weighed, by them
FEWEST_FUNCTIONS = 3  #: below this, agreement can't tell who is right
MARGIN = 0.01
FEWEST_VOTES = 5  #: on dev, for a function to be named in the reason
FOLDS = 10
RESAMPLES = 500


@dataclass(frozen=True)
class Choice:
    """One label model, fitted, and what speaks for it."""

    name: str
    model: LabelModel
    reason: str
    on_dev: dict[str, dict[str, float]]  #: label model → n, accuracy, low, high (95 %), macro_f1, macro_f1_low, macro_f1_high

    def text(self) -> str:
        """Return a line for each label model as a person reads it, the chosen one marked."""
        return "\n".join(
            f"{'→' if name == self.name else ' '} {name:<11} on dev: "
            f"accuracy {scores['accuracy']:.3f} ({scores['low']:.3f} to {scores['high']:.3f}), "
            f"macro F1 {scores['macro_f1']:.3f} ({scores['macro_f1_low']:.3f} to {scores['macro_f1_high']:.3f})"
            for name, scores in self.on_dev.items()
        )


def choose(
    votes: np.ndarray, gold: np.ndarray, names: Sequence[str], labels: int, *,
    wanted: str = "auto", balance: np.ndarray | None = None, seed: int = 0,
) -> Choice:  # fmt: skip
    """Return the label model that `wanted` names, or the one the rule takes, fitted on all `votes`.

    `votes`: integers, posts × functions, -1 for an abstention. `gold`: a label's number for each post, -1 where unknown.
    `names`: the functions', for the reason. `balance`: the class balance, where it is known better than from `gold`.
    Raises `LabelingError` for an unknown name.

    >>> votes, gold = np.array([[0, 1, 1]] * 40 + [[1, 1, -1]] * 40, np.int8), np.repeat([0, 1], 40)
    >>> choice = choose(votes, gold, ["a", "b", "c"], 2)
    >>> choice.name, choice.on_dev["weighted"]["accuracy"], choice.on_dev["majority"]["accuracy"]
    ('weighted', 1.0, 0.5)
    """
    if wanted != "auto" and wanted not in LABEL_MODELS:
        raise LabelingError(f"no label model named {wanted!r}; there are auto, {', '.join(LABEL_MODELS)}")
    counted, known = Votes(votes, labels, gold), np.flatnonzero(gold >= 0)
    said = {name: _cross_fitted(name, counted, gold, balance, seed) for name in LABEL_MODELS} if len(known) else {}
    resamples = np.random.default_rng(seed).integers(0, max(len(known), 1), (RESAMPLES, len(known)))
    sampled = {name: _macro_f1(each[resamples], gold[known][resamples], labels) for name, each in said.items()}
    on_dev = {name: _judge(each, gold[known], labels, sampled[name]) for name, each in said.items()}
    if wanted != "auto":
        name, reason = wanted, "as labeling.label-model says"
    elif len(known) < FEWEST_GOLD:
        name, reason = _take_without_gold(len(known), len(names))
    else:
        name, reason = _take_by_gold(on_dev, sampled)
        reason = f"{reason}; {_spread(votes[known], gold[known], names)}"
    model = LABEL_MODELS[name](labels)
    model.fit(counted, balance)
    return Choice(name, model, reason, on_dev)


def _cross_fitted(name: str, votes: Votes, gold: np.ndarray, balance: np.ndarray | None, seed: int) -> np.ndarray:
    """The likeliest labels of the posts with gold labels, each from a model that has not seen its gold label."""
    known = np.flatnonzero(gold >= 0)
    fold = np.random.default_rng(seed).permutation(len(known)) % min(FOLDS, len(known))
    said = np.empty(len(known), np.int64)
    for each in range(fold.max() + 1):
        hidden, model = known[fold == each], LABEL_MODELS[name](votes.labels)
        seen = gold.copy()
        seen[hidden] = -1
        model.fit(votes.seeing(seen), balance)
        said[fold == each] = model.predict_proba(votes)[hidden].argmax(axis=1)
    return said


def _judge(said: np.ndarray, gold: np.ndarray, labels: int, sampled: np.ndarray) -> dict[str, float]:
    """Scores with 95 % intervals; `sampled` is the macro F1 on each resample of the posts."""
    right = said == gold
    low, high = wilson(float(right.mean()), len(gold))
    f1_low, f1_high = np.percentile(sampled, [2.5, 97.5])
    return {
        "n": len(gold), "accuracy": float(right.mean()), "low": low, "high": high,
        "macro_f1": float(_macro_f1(said[None], gold[None], labels)[0]), "macro_f1_low": float(f1_low), "macro_f1_high": float(f1_high),
    }  # fmt: skip


def _macro_f1(said: np.ndarray, gold: np.ndarray, labels: int) -> np.ndarray:
    """The mean F1 over the labels that `gold` holds, for each row of `said` and `gold` (samples × posts)."""
    f1, there = np.zeros((labels, len(said))), np.zeros((labels, len(said)), bool)
    for label in range(labels):
        true, voted = gold == label, said == label
        there[label] = true.any(axis=1)
        f1[label] = 2 * (true & voted).sum(axis=1) / np.maximum(true.sum(axis=1) + voted.sum(axis=1), 1)
    return (f1 * there).sum(axis=0) / np.maximum(there.sum(axis=0), 1)


def _take_without_gold(gold: int, functions: int) -> tuple[str, str]:
    few = f"because dev has {gold} gold labels, too few to weigh functions by ({FEWEST_GOLD} are needed), and"
    if functions < FEWEST_FUNCTIONS:
        return "majority", f"{few} fewer than three functions can't tell which of them is right"
    return "generative", f"{few} it weighs functions by how they agree"


def _take_by_gold(on_dev: dict[str, dict[str, float]], sampled: dict[str, np.ndarray]) -> tuple[str, str]:
    found = {name: scores["macro_f1"] for name, scores in on_dev.items()}
    better = [
        name for name in found
        if found[name] > found[DEFAULT] + MARGIN and np.percentile(sampled[name] - sampled[DEFAULT], 2.5) > 0
    ]  # fmt: skip
    if not better:
        return DEFAULT, "because no other model's macro F1 on dev is higher by more than chance"
    best = max(better, key=found.__getitem__)
    return best, (
        f"because its macro F1 on dev is {found[best]:.3f} and that of the weighted vote {found[DEFAULT]:.3f}, "
        f"by more than chance: {_WHY[best]}"
    )


_WHY = {
    "majority": "one vote for each function is steadier than the weights that so few gold labels give",
    "generative": "how functions agree on all posts tells more than dev does",
    "triplet": "how pairs of functions agree on all posts tells more than dev does",
    "dawid-skene": "its functions err in ways that depend on the true label, or are silent for a reason",
}


def _spread(votes: np.ndarray, gold: np.ndarray, names: Sequence[str]) -> str:
    """Say how far apart the functions are on dev, which is what weights live on."""
    given = (votes >= 0).sum(axis=0)
    right = (votes == gold[:, None]).sum(axis=0) / np.maximum(given, 1)
    counted = np.flatnonzero(given >= FEWEST_VOTES)
    if len(counted) < 2:
        return f"fewer than two functions have {FEWEST_VOTES} votes on dev"
    worst, best = counted[right[counted].argmin()], counted[right[counted].argmax()]
    if right[best] - right[worst] < 0.1:
        return f"its functions are about equally right there ({right[worst]:.2f} to {right[best]:.2f}), so it is close to the majority"
    return f"{names[best]} is right there {right[best]:.0%} of the time and {names[worst]} {right[worst]:.0%}"
