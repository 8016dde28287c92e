"""Label models on real votes: ours beside Snorkel's and crowd-kit's, with the classifier that learns from each, and times.

    python benchmarks/label_models.py [--data FOLDER] [--sets NAME ...] [--json FILE]

FOLDER holds a folder for each set, with `train`, `valid` and `test` as Parquet (columns `text`, `label`, `weak_labels`: a list of
label numbers, -1 for an abstention). Label models learn from the votes of `train`; the gold labels of `valid` may weigh and choose;
`test` is looked at once. "goldstream" is what it picks by itself; every other row is there to compare. Each row shows the accuracy
on `test` of the label model / of TF-IDF with logistic regression fitted on its labels of `train`.

The classifier is the same for everybody: fitted on the covered rows of `train`; how (on probabilities, or on the likeliest
label, and with which C) is chosen for every row by its accuracy on `valid`, but for "goldstream", which learns as its own
classifier does: the likeliest label, weighing as much as it is certain. Ties are drawn by seed. Then 100,000 × 8 made-up
votes are fitted, medians of five runs. What this does not show: votes whose functions copy each other.
"""

import argparse
import json
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import polars as pl
import scipy.sparse as sp
from crowdkit import aggregation
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from snorkel.labeling.model import LabelModel as SnorkelLabelModel
from threadpoolctl import threadpool_limits

from goldstream.labeling.choice import LABEL_MODELS, choose
from goldstream.labeling.label_models import Votes
from goldstream.training.fit import taught_by

DATA = Path(__file__).parents[2] / "shared" / "data" / "weak_supervision"
STRENGTHS = (1.0, 3.0, 10.0, 30.0)  # C of the logistic regression
POSTS, FUNCTIONS, RUNS = 100_000, 8, 5

Proba = Callable[[np.ndarray], np.ndarray]


class Part(NamedTuple):
    texts: list[str]
    gold: np.ndarray
    votes: np.ndarray


class VoteSet(NamedTuple):
    name: str
    labels: int
    train: Part
    valid: Part
    test: Part


def read(folder: Path) -> VoteSet:
    def part(name: str) -> Part:
        table = pl.read_parquet(folder / f"{name}.parquet")
        return Part(table["text"].to_list(), table["label"].to_numpy(), np.array(table["weak_labels"].to_list(), np.int8))

    parts = [part(name) for name in ("train", "valid", "test")]
    return VoteSet(folder.name, int(max(max(each.gold.max(), each.votes.max()) for each in parts)) + 1, *parts)


def stacked(data: VoteSet) -> tuple[np.ndarray, np.ndarray]:
    """The votes of train and valid, with the gold labels of valid."""
    return np.vstack([data.train.votes, data.valid.votes]), np.concatenate([np.full(len(data.train.gold), -1), data.valid.gold])


def goldstream(data: VoteSet, wanted: str = "auto") -> tuple[Proba, str]:
    votes, gold = stacked(data)
    choice = choose(votes, gold, [str(j) for j in range(votes.shape[1])], data.labels, wanted=wanted)
    return lambda votes: choice.model.predict_proba(Votes(votes, data.labels)), choice.name


def majority(data: VoteSet) -> tuple[Proba, str]:
    """Without any gold label: where nobody votes, every label is alike."""
    model = LABEL_MODELS["majority"](data.labels)
    model.fit(Votes(data.train.votes, data.labels), balance=np.full(data.labels, 1 / data.labels))
    return lambda votes: model.predict_proba(Votes(votes, data.labels)), "no gold"


def snorkel(data: VoteSet, *, balanced: bool) -> tuple[Proba, str]:
    model = SnorkelLabelModel(cardinality=data.labels, verbose=False)
    shares = np.bincount(data.valid.gold, minlength=data.labels) + 1
    balance = (shares / shares.sum()).tolist() if balanced else None
    model.fit(data.train.votes.astype(np.int64), n_epochs=500, seed=0, class_balance=balance, progress_bar=False)
    return lambda votes: model.predict_proba(votes.astype(np.int64)), "balance from valid" if balanced else "balance learnt"


def crowd_kit(data: VoteSet) -> tuple[Proba, str]:
    """Dawid and Skene as crowd-kit has it, which labels the rows it is fitted on, so the votes of all parts go in."""
    votes = np.vstack([data.train.votes, data.valid.votes, data.test.votes])
    row, function = np.nonzero(votes >= 0)
    answers = pd.DataFrame({"task": row, "worker": function, "label": votes[row, function]})
    found = aggregation.DawidSkene(n_iter=100).fit_predict_proba(answers)
    scores = np.full((len(votes), data.labels), 1 / data.labels)
    scores[np.ix_(found.index.to_numpy(), found.columns.to_numpy())] = found.to_numpy()
    ends = np.cumsum([len(data.train.votes), len(data.valid.votes)])
    parts = dict(zip((id(data.train.votes), id(data.valid.votes), id(data.test.votes)), np.split(scores, ends), strict=True))
    return lambda votes: parts[id(votes)], "no gold"


WAYS: dict[str, Callable[[VoteSet], tuple[Proba, str]]] = {
    "goldstream": goldstream,
    **{f"· {name}": (lambda data, name=name: goldstream(data, name)) for name in LABEL_MODELS},
    "majority vote": majority,
    "Snorkel, balance learnt": lambda data: snorkel(data, balanced=False),
    "Snorkel, balance from valid": lambda data: snorkel(data, balanced=True),
    "crowd-kit Dawid-Skene": crowd_kit,
}


def accuracy(scores: np.ndarray, gold: np.ndarray) -> float:
    """The expected accuracy when ties are drawn by lot."""
    best = scores >= scores.max(axis=1, keepdims=True) - 1e-9
    return float((best[np.arange(len(gold)), gold] / best.sum(axis=1)).mean())


def likeliest(scores: np.ndarray) -> np.ndarray:
    """1 for the likeliest label; several that are equally likely share."""
    best = scores >= scores.max(axis=1, keepdims=True) - 1e-9
    return best / best.sum(axis=1, keepdims=True)


def lessons(scores: np.ndarray) -> dict[str, np.ndarray]:
    """What a classifier can learn from a label model: its likeliest labels, or its probabilities."""
    return {"likeliest": likeliest(scores), "probabilities": scores}


def as_goldstream(scores: np.ndarray) -> np.ndarray:
    """What goldstream's own classifier learns: the likeliest label, weighing as much as it is certain."""
    targets, weights = taught_by(scores)
    return targets * weights[:, None]


def classifier(data: VoteSet, ways: dict[str, np.ndarray]) -> tuple[float, str]:
    """The accuracy on test of the classifier that does best on valid, and how it was fitted."""
    tfidf = TfidfVectorizer().fit(data.train.texts)
    train, valid, test = (tfidf.transform(part.texts) for part in (data.train, data.valid, data.test))
    covered = (data.train.votes >= 0).any(axis=1)
    best = (-1.0, 0.0, "")
    for how, targets in ways.items():
        for strength in STRENGTHS:
            model = fitted(train[covered], targets[covered], strength)
            on_valid = float((model.predict(valid) == data.valid.gold).mean())
            if on_valid > best[0]:
                best = (on_valid, float((model.predict(test) == data.test.gold).mean()), f"{how}, C={strength:g}")
    return best[1], best[2]


def fitted(features: sp.csr_matrix, targets: np.ndarray, strength: float) -> LogisticRegression | DummyClassifier:
    """Logistic regression on soft targets: each row once for each label, with the label's probability as its weight."""
    row, label = np.nonzero(targets > 1e-3)
    if len(np.unique(label)) == 1:  # a label model that has collapsed into one class
        return DummyClassifier(strategy="most_frequent").fit(features[row], label)
    return LogisticRegression(C=strength, max_iter=500).fit(features[row], label, sample_weight=targets[row, label])


def table(sets: list[VoteSet]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for way, make in WAYS.items():
        found[way] = {}
        for data in sets:
            started = time.perf_counter()
            proba, note = make(data)
            scores, seconds = proba(data.train.votes), time.perf_counter() - started
            end, how = classifier(data, {"as goldstream": as_goldstream(scores)} if way == "goldstream" else lessons(scores))
            found[way][data.name] = {
                "label_model": accuracy(proba(data.test.votes), data.test.gold), "end_model": end,
                "note": note, "end_model_by": how, "seconds": seconds,
            }  # fmt: skip
        cells = [f"{each['label_model']:.3f}/{each['end_model']:.3f}" for each in found[way].values()]
        means = [np.mean([each[part] for each in found[way].values()]) for part in ("label_model", "end_model")]
        print(f"{way:<29}", *cells, f"{means[0]:.3f}/{means[1]:.3f}", flush=True)
    return found


def times() -> dict[str, dict[str, float]]:
    """Fit 100,000 × 8 votes of known accuracies: seconds, and the accuracy on the same rows."""
    chance = np.random.default_rng(0)
    gold = chance.integers(0, 2, POSTS)
    right = chance.random((POSTS, FUNCTIONS)) < np.linspace(0.6, 0.9, FUNCTIONS)
    votes = np.where(right, gold[:, None], 1 - gold[:, None]).astype(np.int8)
    votes[chance.random(votes.shape) < 0.6] = -1

    def ours(name: str) -> np.ndarray:
        model, counted = LABEL_MODELS[name](2), Votes(votes, 2)
        model.fit(counted)
        return model.predict_proba(counted)

    def snorkels() -> np.ndarray:
        model = SnorkelLabelModel(cardinality=2, verbose=False)
        model.fit(votes.astype(np.int64), n_epochs=100, seed=0, progress_bar=False)
        return model.predict_proba(votes.astype(np.int64))

    ways: dict[str, Callable[[], np.ndarray]] = {name: (lambda name=name: ours(name)) for name in LABEL_MODELS}
    ways["Snorkel LabelModel (100 epochs, its default)"] = snorkels
    found = {}
    for name, work in ways.items():
        seconds = []
        for _ in range(RUNS):
            started = time.perf_counter()
            scores = work()
            seconds.append(time.perf_counter() - started)
        found[name] = {"seconds": statistics.median(seconds), "accuracy": accuracy(scores, gold)}
        print(f"{name:<46} {found[name]['seconds']:8.3f} s   accuracy {found[name]['accuracy']:.3f}", flush=True)
    return found


def main() -> None:
    warnings.filterwarnings("ignore", category=FutureWarning)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--sets", nargs="*", help="folders in --data (default: all)")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    names = asked.sets or sorted(path.parent.name for path in asked.data.glob("*/valid.parquet"))
    sets = [read(asked.data / name) for name in names]
    print(f"accuracy on test: label model/classifier\n{'':<29}", *(f"{data.name:<11}" for data in sets), "mean")
    with threadpool_limits(1):  # small matrices: more threads only wait for each other
        accuracies = table(sets)
    print(f"\nfit and label {POSTS:,} × {FUNCTIONS} votes, median of {RUNS}")
    measured = {"accuracy": accuracies, "times": times()}
    if asked.json:
        asked.json.write_text(json.dumps(measured, indent=2))


if __name__ == "__main__":
    main()
