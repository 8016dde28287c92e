# mypy: disable-error-code="no-untyped-def, no-untyped-call"
"""Finds the n-gram bag's weights: Adagrad (Duchi, Hazan and Singer, JMLR 2011) on the cross-entropy with soft targets.

How fast an n-gram may learn of a label depends on how much more often it stands beside that label than elsewhere: its
log-count ratio to the power `ratio` (the idea of NB-SVM, Wang and Manning, ACL 2012). N-grams that say nothing stay near
zero, which keeps them from being learnt by heart. One row comes after the other, in an order that the seed decides: the
same data and seed give the same bits.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from goldstream.jit import kernel

SMOOTHING = 1.0  #: added to the counts of a log-count ratio
WEIGHT, SQUARES, PACE = range(3)  #: what is kept for each n-gram and column


class Bags(NamedTuple):
    """Texts as numbers of n-grams: two bags a text, each of length one."""

    ids: np.ndarray  #: uint32, the n-grams of all texts, one after the other
    starts: np.ndarray  #: int64, where each bag begins, and the end
    scales: np.ndarray  #: float32, one over the length of each bag


class Known(NamedTuple):
    """What is known of the labels of texts."""

    targets: np.ndarray  #: float32, texts × labels, rows sum to one
    importance: np.ndarray  #: float32, how much each text counts; one on average


class Pace(NamedTuple):
    """How learning goes on."""

    epochs: int
    rate: float
    decay: float  #: pull towards zero, per update of a weight
    start: float  #: what the sum of squared slopes starts with
    ratio: float  #: power of the log-count ratio
    seed: int


def number(ids: np.ndarray, size: int) -> np.ndarray:
    """Renumber buckets of a table of `size` rows in place, without gaps; return the bucket of each number (uint32)."""
    used = np.zeros(size, np.bool_)
    used[ids] = True
    buckets = np.flatnonzero(used).astype(np.uint32)
    renumber(ids, buckets, size)
    return buckets


def renumber(ids: np.ndarray, buckets: np.ndarray, size: int) -> None:
    """Write the numbers of `buckets` over the buckets in `ids`; those that have none get the last number and one."""
    numbers = np.full(size, len(buckets), np.uint32)
    numbers[buckets] = np.arange(len(buckets), dtype=np.uint32)
    np.take(numbers, ids, out=ids)


def inverse_frequency(ids: np.ndarray, starts: np.ndarray, size: int, power: float) -> np.ndarray:
    """(1 + log((1 + texts) / (1 + texts that have it)))^power, float32, for each n-gram below `size` and one unseen."""
    texts = (len(starts) - 1) // 2
    counts = np.append(_label_counts(ids, starts, np.ones((texts, 1), np.float32), size)[:, 0], 0)
    return ((1 + np.log((1 + texts) / (1 + counts))) ** power).astype(np.float32)


def importance(targets: np.ndarray, weights: np.ndarray | None, balance: float) -> np.ndarray:
    """Return how much each text counts, one on average: its weight, times how rare its labels are to the power `balance`.

    >>> importance(np.array([[1, 0], [1, 0], [1, 0], [0, 1]], np.float32), None, 1.0).tolist()[2:]
    [0.6666666865348816, 2.0]
    """
    each = np.ones(len(targets), np.float32) if weights is None else np.asarray(weights, np.float32)
    if balance:
        shares = (targets * each[:, None]).sum(axis=0, dtype=np.float64) / max(float(each.sum(dtype=np.float64)), 1e-9)
        each = each * (targets @ np.where(shares > 0, np.maximum(shares, 1e-9) ** -balance, 0.0)).astype(np.float32)
    return each / np.float32(max(float(each.mean(dtype=np.float64)), 1e-9))


def bags(ids: np.ndarray, starts: np.ndarray, idf: np.ndarray) -> Bags:
    """Return the bags of texts with the length that each has when n-grams count as in `idf`."""
    return Bags(ids, starts, _scales(ids, starts, idf))


def learn(seen: Bags, known: Known, idf: np.ndarray, pace: Pace, weights: np.ndarray, bias: np.ndarray) -> Iterator[int]:
    """Change `weights` (float32, n-grams × columns) and `bias` for the better; give the number of each epoch as it ends."""
    columns = weights.shape[1]
    wanted = np.ascontiguousarray(known.targets[:, 1:2] if columns == 1 else known.targets, np.float32)
    state = np.empty((len(weights), 3, columns), np.float32)
    state[:, WEIGHT] = weights
    state[:, SQUARES] = pace.start
    state[:, PACE] = _pace(seen, known, weights.shape, pace.ratio) if pace.ratio else 1.0
    bias_squares = np.full(columns, 1e-6, np.float32)
    random = np.random.default_rng(pace.seed)
    for epoch in range(pace.epochs):
        _epoch(
            *seen, random.permutation(len(wanted)), wanted, known.importance, idf, state, bias, bias_squares,
            np.float32(pace.rate * (1 - 0.9 * epoch / pace.epochs)), np.float32(pace.decay),
        )  # fmt: skip
        weights[:] = state[:, WEIGHT]
        yield epoch


def loss(seen: Bags, known: Known, idf: np.ndarray, weights: np.ndarray, bias: np.ndarray) -> float:
    """Return the mean cross-entropy of texts, each as important as it is."""
    wanted = np.ascontiguousarray(known.targets[:, 1:2] if weights.shape[1] == 1 else known.targets, np.float32)
    return float(_loss(*seen, wanted, known.importance, idf, weights, bias) / known.importance.sum(dtype=np.float64))


def _pace(seen: Bags, known: Known, shape: tuple[int, ...], power: float) -> np.ndarray:
    """How fast each n-gram may learn of each column, one on (quadratic) average."""
    counts = _label_counts(seen.ids, seen.starts, np.ascontiguousarray(known.targets, np.float32), shape[0])
    rows = known.targets.sum(axis=0, dtype=np.float32)
    inside, all_rows = counts[:, -shape[1] :], rows[-shape[1] :]  # two labels have one column, the second's
    outside = counts.sum(axis=1, keepdims=True) - inside
    ratios = np.log((inside + SMOOTHING) / (all_rows + 2 * SMOOTHING))
    ratios -= np.log((outside + SMOOTHING) / (rows.sum() - all_rows + 2 * SMOOTHING))
    np.abs(ratios, out=ratios)
    ratios **= np.float32(power)
    mean = float(np.sqrt(np.mean(ratios**2, dtype=np.float64)))
    return ratios / np.float32(max(mean, 1e-9))


@kernel
def _label_counts(ids, starts, targets, size):
    """How many texts of each label have each n-gram, float32."""
    counts = np.zeros((size, targets.shape[1]), np.float32)
    last = np.full(size, -1, np.int32)
    for row in range(len(targets)):
        for i in range(starts[2 * row], starts[2 * row + 2]):
            if last[ids[i]] != row:
                last[ids[i]] = row
                for k in range(targets.shape[1]):
                    counts[ids[i], k] += targets[row, k]
    return counts


@kernel
def _scales(ids, starts, idf):
    scales = np.zeros(len(starts) - 1, np.float32)
    for bag in range(len(scales)):
        squares = np.float32(0)
        for i in range(starts[bag], starts[bag + 1]):
            squares += idf[ids[i]] * idf[ids[i]]
        if squares > 0:
            scales[bag] = 1 / np.sqrt(squares)
    return scales


@kernel
def _to_probabilities(logits):
    if len(logits) == 1:
        logits[0] = 1 / (1 + np.exp(-logits[0]))
        return
    top = logits.max()
    total = np.float32(0)
    for k in range(len(logits)):
        logits[k] = np.exp(logits[k] - top)
        total += logits[k]
    for k in range(len(logits)):
        logits[k] /= total


@kernel
def _epoch(ids, starts, scales, order, wanted, importance, idf, state, bias, bias_squares, step, decay):
    columns = len(bias)
    logits = np.zeros(columns, np.float32)
    for row in order:
        logits[:] = bias
        for bag in range(2 * row, 2 * row + 2):
            for i in range(starts[bag], starts[bag + 1]):
                value = scales[bag] * idf[ids[i]]
                weights = state[ids[i], WEIGHT]  # views of one n-gram, so that the loop over columns becomes vectors
                for k in range(columns):
                    logits[k] += value * weights[k]
        _to_probabilities(logits)
        for k in range(columns):
            logits[k] = (logits[k] - wanted[row, k]) * importance[row]
            bias_squares[k] += logits[k] * logits[k]
            bias[k] -= step * logits[k] / np.sqrt(bias_squares[k])
        for bag in range(2 * row, 2 * row + 2):
            for i in range(starts[bag], starts[bag + 1]):
                value = scales[bag] * idf[ids[i]]
                weights, squares, paces = state[ids[i], WEIGHT], state[ids[i], SQUARES], state[ids[i], PACE]
                for k in range(columns):
                    slope = paces[k] * (logits[k] * value + decay * weights[k])
                    square = squares[k] + slope * slope
                    squares[k] = square
                    weights[k] -= step * paces[k] * slope / np.sqrt(square)


@kernel
def _loss(ids, starts, scales, wanted, importance, idf, weights, bias):
    columns = len(bias)
    logits = np.zeros(columns, np.float32)
    total = 0.0
    for row in range(len(wanted)):
        logits[:] = bias
        for bag in range(2 * row, 2 * row + 2):
            for i in range(starts[bag], starts[bag + 1]):
                value = scales[bag] * idf[ids[i]]
                found = weights[ids[i]]
                for k in range(columns):
                    logits[k] += value * found[k]
        _to_probabilities(logits)
        for k in range(columns):
            chance = logits[k]
            total -= importance[row] * wanted[row, k] * np.log(max(chance, np.float32(1e-7)))
            if columns == 1:
                total -= importance[row] * (1 - wanted[row, k]) * np.log(max(1 - chance, np.float32(1e-7)))
    return total
