"""How far people agree beyond chance: Cohen's κ, Fleiss' κ and Krippendorff's α, for labels without an order.

Cohen, Educational and Psychological Measurement 1960; Fleiss, Psychological Bulletin 1971; Krippendorff, "Computing
Krippendorff's Alpha-Reliability", 2011. Each comes with a 95 % interval.

>>> table = answers_table([("p1", "ann", "x"), ("p1", "bob", "x"), ("p2", "ann", "x"), ("p2", "bob", "y")])
>>> table.codes.tolist(), table.people, table.labels
([[0, 0], [0, 1]], ('ann', 'bob'), ('x', 'y'))
"""

from collections.abc import Iterable
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from goldstream.annotation.smooth import Interval, interval

MOST_PEOPLE = 30  #: compared two by two


class Answers(NamedTuple):
    """Who said what: a row per post, a column per person."""

    codes: np.ndarray  #: int64, number of the label; -1 where the person has not answered
    people: tuple[str, ...]
    labels: tuple[str, ...]


def answers_table(rows: Iterable[tuple[str, str, str]]) -> Answers:
    """Return answers (post, person, label) as a table; of two by one person on one post the later counts."""
    listed = list(rows)
    posts = {post: row for row, post in enumerate(dict.fromkeys(post for post, _, _ in listed))}
    people = {name: column for column, name in enumerate(sorted({person for _, person, _ in listed}))}
    labels = {name: code for code, name in enumerate(sorted({label for _, _, label in listed}))}
    codes = np.full((len(posts), len(people)), -1, np.int64)
    for post, person, label in listed:
        codes[posts[post], people[person]] = labels[label]
    return Answers(codes, tuple(people), tuple(labels))


def cohen_kappa(first: np.ndarray, second: np.ndarray) -> Interval:
    """Return Cohen's κ of two people; posts that either has not answered (-1) do not count."""
    both = (first >= 0) & (second >= 0)
    one, two = first[both], second[both]
    labels = int(max(one.max(initial=-1), two.max(initial=-1))) + 1
    if not len(one):
        return Interval(None, None, None)
    rows = np.column_stack([one == two, np.eye(labels)[one], np.eye(labels)[two]]).astype(float)

    def kappa(sums: np.ndarray) -> float:
        count = sums[1 : 1 + labels].sum()
        expected = float(sums[1 : 1 + labels] @ sums[1 + labels :]) / count**2
        return _beyond(float(sums[0]) / count, expected)

    return interval(kappa, rows)


def fleiss_kappa(codes: np.ndarray) -> Interval:
    """Return Fleiss' κ over the posts with the most usual number of answers (it wants the same number on each)."""
    counts = _counts(codes)
    answers = counts.sum(axis=1)
    if not (answers >= 2).any():
        return Interval(None, None, None)
    wanted = int(np.bincount(answers[answers >= 2].astype(int)).argmax())
    counts = counts[answers == wanted]
    agreeing = ((counts**2).sum(axis=1) - wanted) / (wanted * (wanted - 1))
    rows = np.column_stack([agreeing, np.ones(len(counts)), counts])

    def kappa(sums: np.ndarray) -> float:
        shares = sums[2:] / sums[2:].sum()
        return _beyond(float(sums[0] / sums[1]), float(shares @ shares))

    return interval(kappa, rows)


def krippendorff_alpha(codes: np.ndarray) -> Interval:
    """Return Krippendorff's α (nominal); any number of people may have answered each post, and two must."""
    counts = _counts(codes)
    counts = counts[counts.sum(axis=1) >= 2]
    if not len(counts):
        return Interval(None, None, None)
    answers = counts.sum(axis=1)
    apart = (answers**2 - (counts**2).sum(axis=1)) / (answers - 1)
    rows = np.column_stack([apart, counts])

    def alpha(sums: np.ndarray) -> float:
        total = sums[1:].sum()
        expected = float(total**2 - sums[1:] @ sums[1:]) / (total - 1)
        return 1.0 - float(sums[0]) / expected if expected else float("nan")

    return interval(alpha, rows)


def agreement(answers: Answers) -> dict[str, Any]:
    """Return all three figures, and Cohen's κ for each two people who have answered the same posts."""
    people = range(min(len(answers.people), MOST_PEOPLE))
    pairs = []
    for first, second in combinations(people, 2):
        one, two = answers.codes[:, first], answers.codes[:, second]
        both = int(((one >= 0) & (two >= 0)).sum())
        if both:
            same = int(((one == two) & (one >= 0)).sum())
            names = {"first": answers.people[first], "second": answers.people[second]}
            pairs.append({**names, "posts": both, "agreed": same, "cohen_kappa": cohen_kappa(one, two)._asdict()})
    return {
        "posts": int(((answers.codes >= 0).sum(axis=1) >= 2).sum()),
        "fleiss_kappa": fleiss_kappa(answers.codes)._asdict(),
        "krippendorff_alpha": krippendorff_alpha(answers.codes)._asdict(),
        "pairs": sorted(pairs, key=lambda pair: -int(str(pair["posts"]))),
    }


def _counts(codes: np.ndarray) -> np.ndarray:
    """How many people gave each label: float64, a row per post, a column per label."""
    labels = int(codes.max(initial=-1)) + 1
    return (
        np.stack([(codes == label).sum(axis=1) for label in range(labels)], axis=1).astype(float)
        if labels
        else np.zeros((0, 0))
    )


def _beyond(observed: float, expected: float) -> float:
    return float("nan") if expected >= 1.0 else (observed - expected) / (1.0 - expected)
