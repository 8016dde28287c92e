# mypy: disable-error-code="no-untyped-call"
"""The n-gram bag: a linear classifier over hashed words, word pairs and character n-grams, trained on soft labels.

A text's words (and pairs) and its character n-grams are two bags. In each, an n-gram counts with a power of its inverse
document frequency (by default the power 0: all count the same), and the bag is scaled to length one:

    score(text) = bias + Σ_bags  Σ_i idf_i · W_i / √(Σ_i idf_i²)

Both sums are over occurrences, so everything that scoring needs of an n-gram stands in one row of one table:
`idf_i · W_i` for each class and `idf_i²`. Scoring is a walk over UTF-8 bytes with one gather for each n-gram, and two
classes need one column. How the weights are found stands in `learning`.
"""

from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Self

import msgspec
import numpy as np
import pyarrow as pa
from msgspec import Meta

from goldstream.errors import ModelError
from goldstream.models.characters import tables
from goldstream.models.explain import Shares
from goldstream.models.hashing import hash_texts
from goldstream.models.learning import Known, Pace, bags, importance, inverse_frequency, learn, loss, number, renumber
from goldstream.models.scoring import score, slots
from goldstream.models.shares import BUCKETS, STOP, token_sums
from goldstream.models.tokens import PAST, SKIPPED
from goldstream.settings import Section

MOST_WEIGHTS = 1 << 26  #: labels × buckets; a quarter of a gigabyte, and eight times that while learning
FEWEST_BITS = 15  #: a table for many labels is made smaller, but not below 2**15 rows
PATIENCE = 3  #: epochs without a better loss on dev after which learning stops
MEMORY = 1 << 18  #: numbers kept while scoring, so that a word's n-grams are not counted again; a megabyte
FEW, LETTERS = 256, 1 << 16  #: texts, and their bytes, for which there is room already
SHORT = 4_096  #: bytes; for texts up to this there is room already
HEADERS = 2_048  #: bytes of a saved model beside its weights


class NgramBagSettings(Section, frozen=True, kw_only=True):
    """The `[model.options]` of the n-gram bag."""

    bits: Annotated[int, Meta(ge=8, le=26)] = 20  #: the table has 2**bits rows; fewer for hundreds of labels
    pairs: bool = True  #: word pairs beside words
    low: Annotated[int, Meta(ge=0, le=8)] = 3  #: shortest character n-gram; 0 for none
    high: Annotated[int, Meta(ge=0, le=8)] = 5  #: longest character n-gram
    idf: Annotated[float, Meta(ge=0, le=2)] = 0.0  #: power of the inverse document frequency that an n-gram counts with
    ratio: Annotated[float, Meta(ge=0, le=2)] = 0.5  #: power of the log-count ratio that an n-gram learns with
    balance: Annotated[float, Meta(ge=0, le=1)] = 0.0  #: 1: rare labels count as much as common ones; 0: as they come
    epochs: Annotated[int, Meta(ge=1, le=200)] = 12
    rate: Annotated[float, Meta(gt=0)] = 0.15  #: learning rate
    decay: Annotated[float, Meta(ge=0)] = 3e-5  #: pull towards zero, per update of a weight
    start: Annotated[float, Meta(gt=0)] = (
        1.0  #: what the sum of squared slopes starts with: the higher, the less rare n-grams learn
    )
    most_kb: Annotated[int, Meta(ge=8)] | None = None  #: most kilobytes of the saved weights; none for all n-grams
    seed: int = 0


class _Facts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `ngram_bag.json` holds."""

    labels: list[str]
    settings: NgramBagSettings
    unseen: float  #: the squared idf of every row that `rows.npy` does not name


class NgramBag:
    """A `models.base.Classifier`.

    >>> model = NgramBag(("no", "yes"), NgramBagSettings(bits=12))
    >>> model.fit(pa.array(["rain again", "new model", "more rain", "a model"]), np.eye(2, dtype=np.float32)[[0, 1, 0, 1]])
    >>> bool(model.predict_proba(pa.array(["rain"]))[0, 0] > 0.5)
    True
    """

    Settings = NgramBagSettings
    #: What a search tries, one row after the other (see `training.search`), the most promising first.
    ALTERNATIVES: tuple[tuple[dict[str, float], ...], ...] = (
        ({"balance": 0.5}, {"balance": 1.0}),
        ({"rate": 0.3},),
        ({"ratio": 1.0}, {"ratio": 0.0}),
        ({"rate": 0.6},),
        ({"idf": 0.5}, {"idf": 1.0}),
        ({"low": 2},),
        ({"epochs": 20},),
    )

    def __init__(self, labels: tuple[str, ...], settings: NgramBagSettings | None = None) -> None:
        self.settings = settings or NgramBagSettings()
        if len(labels) < 2:
            raise ModelError(f"a classifier needs at least two labels, and here is {', '.join(labels) or 'none'}")
        self._labels = tuple(labels)
        self._columns = 1 if len(labels) == 2 else len(labels)
        self.settings = _fitting(self.settings, len(labels))
        self._width = 2 if self._columns == 1 else -(-(self._columns + 1) // 4) * 4
        self._shift = np.uint64(64 - self.settings.bits)
        self._table = np.zeros((1 << self.settings.bits, self._width), np.float32)
        self._bias = np.zeros(self._columns, np.float32)
        self._unseen = np.float32(0)  # the squared idf of n-grams that no text had
        self._forget()

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in the order of the score columns."""
        return self._labels

    @property
    def shape(self) -> dict[str, Any]:
        """The options that a model must share with one that it goes on from."""
        return {name: getattr(self.settings, name) for name in ("bits", "pairs", "low", "high")}

    def fit(self, texts: pa.StringArray, targets: np.ndarray, weights: np.ndarray | None = None) -> None:
        """Learn from `targets` (float32, texts × labels, rows sum to one); `weights`: float32, one per text."""
        self.learn(texts, targets, weights)

    def learn(
        self, texts: pa.StringArray, targets: np.ndarray, weights: np.ndarray | None = None, *,
        dev: tuple[pa.StringArray, np.ndarray] | None = None, start: Self | None = None,
        watch: Callable[[], None] = lambda: None,
    ) -> int:  # fmt: skip
        """Learn as `fit` does, and return how many epochs the weights have seen.

        With `dev` (texts, and targets as above) the weights of the epoch with the lowest loss there are kept, and learning
        stops after `PATIENCE` epochs without a lower one. `start` is a model to go on from; raises `ModelError` when its
        labels or n-grams are others. `watch` is called after each epoch; what it raises ends the learning.
        """
        options = self.settings
        if targets.shape != (len(texts), len(self._labels)) or (weights is not None and len(weights) != len(texts)):
            raise ModelError(f"{len(texts)} texts need as many targets and weights; here are {targets.shape} targets")
        ids, starts = self._hashed(texts)
        buckets = number(ids, 1 << options.bits)
        idf = inverse_frequency(ids, starts, len(buckets), options.idf)
        known = Known(targets, importance(targets, weights, options.balance))
        found = np.zeros((len(idf), self._columns), np.float32)
        bias = np.zeros(self._columns, np.float32)
        if start is not None:
            found[:-1] = self._table_of(start)[buckets, : self._columns] / idf[:-1, None]
            bias[:] = start._bias
        pace = Pace(options.epochs, options.rate, options.decay, options.start, options.ratio, options.seed)
        epochs = _watched(learn(bags(ids, starts, idf), known, idf, pace, found, bias), watch)
        count = sum(1 for _ in epochs) if dev is None else self._stop_early(epochs, *dev, buckets, idf, found, bias)
        if options.most_kb is not None:
            _prune(found, idf, ids, options.most_kb * 1024)
        self._keep(buckets, idf, found, bias)
        return count

    def predict_proba(self, texts: pa.StringArray) -> np.ndarray:
        """Return float32 scores, texts × labels; each row sums to one. A null counts as an empty text."""
        scores = np.empty((len(texts), len(self._labels)), np.float32)
        desk = self._desks.pop() if self._desks else _Desk(self._width, self._orders)
        for data, offsets, valid, rows in _parts(texts):
            self._score(data, offsets, valid, _longest(offsets), desk, scores[rows])
        self._desks.append(desk)
        return scores

    def predict_few(self, texts: list[bytes]) -> np.ndarray:
        """Return the same for texts in UTF-8: for a few, in less time than it takes to make a column of them."""
        if len(texts) > FEW or sum(map(len, texts)) > LETTERS:
            return self.predict_proba(pa.array(texts, pa.string()))
        scores = np.empty((len(texts), len(self._labels)), np.float32)
        desk = self._desks.pop() if self._desks else _Desk(self._width, self._orders)
        self._score(desk.data, desk.fill(texts), _VALID, max(map(len, texts), default=0), desk, scores)
        self._desks.append(desk)
        return scores

    def _score(
        self, data: np.ndarray, offsets: np.ndarray, valid: np.ndarray, longest: int, desk: "_Desk", scores: np.ndarray
    ) -> None:
        scratch = desk.scratch if longest <= SHORT else _scratch(longest, max(3, self._orders))
        score(
            data, offsets, valid, *self._reading, self._table, self._bias, *scratch, desk.sums, desk.keys, desk.kept, scores,
        )  # fmt: skip

    @cached_property
    def _reading(self) -> tuple[np.ndarray, np.ndarray, int, int, int, np.uint64]:
        """How kernels read texts."""
        options = self.settings
        return *tables(), int(options.pairs), options.low, options.high, self._shift

    def rescale(self, slope: float, shift: float) -> None:
        """Multiply all logits by `slope`, and for two labels add `shift` to the second one's."""
        self._table[:, : self._columns] *= np.float32(slope)
        self._bias = (self._bias * np.float32(slope) + np.float32(shift if self._columns == 1 else 0)).astype(np.float32)
        self._forget()

    def shares(self, text: bytes) -> Shares:
        """Return what each token of `text` (UTF-8) adds to each label's logit; with the bias they add up to it."""
        data = np.frombuffer(text + bytes(PAST), np.uint8)[: len(text)]
        trace = np.empty((len(data) + 3, 4), np.int64)
        steps, words, grams = token_sums(
            data, *self._reading, self._table,
            *_scratch(len(data), max(3, self._orders)), trace,
        )  # fmt: skip
        weights = np.zeros((steps, self._columns))
        for sums in (words, grams):
            if (length := sums[:, -1].sum()) > 0:
                weights += sums[:, : self._columns] / np.sqrt(length)
        counted = np.diff(trace[: steps + 1, BUCKETS]) > 0
        starts, ends = _spans(text, trace[: steps + 1, STOP], counted)
        bias = self._bias.astype(np.float64)
        if self._columns == 1:
            return Shares(starts, ends, np.concatenate([-weights, weights], axis=1)[counted], np.array([-bias[0], bias[0]]))
        return Shares(starts, ends, weights[counted], bias)

    def save(self, folder: Path) -> None:
        """Write weights and settings into `folder`."""
        used = np.flatnonzero((self._table[:, :-1] != 0).any(axis=1) | (self._table[:, -1] != self._unseen)).astype(np.uint32)
        np.save(folder / "rows.npy", used)
        np.save(folder / "weights.npy", self._table[used][:, [*range(self._columns), -1]])
        np.save(folder / "bias.npy", self._bias)
        facts = _Facts(labels=list(self._labels), settings=self.settings, unseen=float(self._unseen))
        (folder / "ngram_bag.json").write_bytes(msgspec.json.encode(facts))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the model that `save` wrote; raises `ModelError` when the folder is not one."""
        try:
            facts = msgspec.json.decode((folder / "ngram_bag.json").read_bytes(), type=_Facts)
            # Mapped, since a header may claim more than the file holds, and memory for that would be taken before it is read.
            rows, weights, bias = (
                np.load(folder / f"{name}.npy", "r", allow_pickle=False) for name in ("rows", "weights", "bias")
            )
            model = cls(tuple(facts.labels), facts.settings)
        except (OSError, ValueError, RecursionError, EOFError) as error:
            raise ModelError(f"{folder} is not an n-gram bag: {error}") from None
        if (
            rows.ndim != 1 or rows.dtype != np.uint32 or weights.dtype != np.float32 or bias.dtype != np.float32
            or weights.shape != (len(rows), model._columns + 1) or bias.shape != (model._columns,)
            or (len(rows) and int(rows.max()) >= len(model._table)) or not np.isfinite(weights).all() or not np.isfinite(bias).all()
            or not 0 <= facts.unseen <= float(np.finfo(np.float32).max)
        ):  # fmt: skip
            raise ModelError(f"{folder}: the weights have another shape or type than ngram_bag.json says, or are not numbers")
        model._unseen = np.float32(facts.unseen)
        model._table[:, -1] = facts.unseen
        model._table[rows, : model._columns] = weights[:, :-1]
        model._table[rows, -1] = weights[:, -1]
        model._bias = np.array(bias)
        return model

    def _stop_early(
        self, epochs: Iterator[int], texts: pa.StringArray, targets: np.ndarray,
        buckets: np.ndarray, idf: np.ndarray, found: np.ndarray, bias: np.ndarray,
    ) -> int:  # fmt: skip
        """Go through epochs until the loss on dev rises for good; leave the best weights in `found` and `bias`."""
        ids, starts = self._hashed(texts)
        renumber(ids, buckets, 1 << self.settings.bits)
        seen, known = bags(ids, starts, idf), Known(targets, importance(targets, None, self.settings.balance))
        lowest, best, kept = np.inf, -1, (found.copy(), bias.copy())
        for epoch in epochs:
            if (now := loss(seen, known, idf, found, bias)) < lowest:
                lowest, best, kept = now, epoch, (found.copy(), bias.copy())
            elif epoch - best >= PATIENCE:
                break
        found[:], bias[:] = kept
        return best + 1

    def _table_of(self, start: Self) -> np.ndarray:
        """The table of a model to go on from."""
        if start.labels != self._labels or start.shape != self.shape:
            raise ModelError("can't go on from that model: its labels or n-grams (bits, pairs, low, high) are others")
        return start._table

    def _keep(self, buckets: np.ndarray, idf: np.ndarray, found: np.ndarray, bias: np.ndarray) -> None:
        """Take in what was learnt: the table as `score` reads it."""
        self._unseen = idf[-1] ** 2
        self._table[:] = 0
        self._table[:, -1] = self._unseen
        self._table[buckets, : self._columns] = found[:-1] * idf[:-1, None]
        self._table[buckets, -1] = idf[:-1] ** 2
        self._bias = bias
        self._forget()

    def _hashed(self, texts: pa.StringArray) -> tuple[np.ndarray, np.ndarray]:
        """The buckets of all texts, and where each text's two bags begin."""
        texts = _plain(texts)
        ids = np.empty((3 + self._orders) * (texts.nbytes + 4 * len(texts)), np.uint32)
        starts = np.zeros(2 * len(texts) + 1, np.int64)
        count = 0
        for data, offsets, valid, rows in _parts(texts):
            count = hash_texts(
                data, offsets, valid, *self._reading, self._table,
                *_scratch(_longest(offsets), 0)[:-1], ids, starts[2 * rows.start : 2 * rows.stop + 1], count,
            )  # fmt: skip
        ids.resize(count, refcheck=False)
        return ids, starts

    @property
    def _orders(self) -> int:
        return self.settings.high - self.settings.low + 1 if self.settings.low else 0

    def _forget(self) -> None:
        """Drop what was kept of words: the table has changed."""
        self._desks: list[_Desk] = []  # one for each thread that has been scoring


class _Desk:
    """What one thread writes on while it scores, kept so that a single text needs no new arrays."""

    def __init__(self, width: int, orders: int) -> None:
        count = max(256, MEMORY // width) if orders else 1
        self.keys = slots(1 << (count.bit_length() - 1))  #: the words met most recently
        self.kept = np.zeros((count, width), np.float32)  #: the sums of their n-grams
        self.sums = np.empty((2, width), np.float32)
        self.scratch = _scratch(SHORT, max(3, orders))
        self._letters, self._ends = memoryview(bytearray(LETTERS + PAST)), memoryview(bytearray(4 * (FEW + 1))).cast("i")
        self.data, self._offsets = _frozen(np.frombuffer(self._letters, np.uint8)), _frozen(np.frombuffer(self._ends, np.int32))

    def fill(self, texts: list[bytes]) -> np.ndarray:
        """Put a few texts into `data`; return their offsets."""
        end = 0
        for row, text in enumerate(texts, 1):
            start, end = end, end + len(text)
            self._letters[start:end] = text
            self._ends[row] = end
        return self._offsets[: len(texts) + 1]


def _watched(epochs: Iterator[int], watch: Callable[[], None]) -> Iterator[int]:
    for epoch in epochs:
        watch()
        yield epoch


def _fitting(settings: NgramBagSettings, labels: int) -> NgramBagSettings:
    """The settings with a table that fits into memory for so many labels."""
    bits = settings.bits
    while labels > 2 and labels << bits > MOST_WEIGHTS and bits > FEWEST_BITS:
        bits -= 1
    if labels > 2 and labels << bits > MOST_WEIGHTS:
        most = MOST_WEIGHTS >> FEWEST_BITS
        raise ModelError(f"{labels:,} labels need too much memory: up to {most:,} can be learnt; merge or drop the rare ones")
    return msgspec.structs.replace(settings, bits=bits)


def _prune(found: np.ndarray, idf: np.ndarray, ids: np.ndarray, most_bytes: int) -> None:
    """Forget the n-grams that change scores least, as if no text had had them, so that the saved weights are no larger."""
    most = max(1, (most_bytes - HEADERS) // (4 * (found.shape[1] + 2)))
    if most < len(found) - 1:
        changes = np.bincount(ids, minlength=len(found)) * (found.astype(np.float64) ** 2).sum(axis=1)
        least = np.argsort(-changes, kind="stable")[most:]
        found[least], idf[least] = 0, idf[-1]


def _spans(text: bytes, stops: np.ndarray, counted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the tokens of a traced text start and end in its bytes; a `#` belongs to the word that it makes a hashtag."""
    starts, ends = stops[:-1].copy(), stops[1:].copy()
    for at in np.flatnonzero(counted):
        token = text[starts[at] : ends[at]]
        starts[at] += len(token) - len(token.lstrip(SKIPPED))
        ends[at] -= len(token) - len(token.rstrip(SKIPPED))
        if at and not counted[at - 1] and text[stops[at - 1] : stops[at]] == b"#":
            starts[at] -= 1
    return starts[counted], ends[counted]


def _scratch(longest: int, per_byte: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What a kernel writes on while it reads a text of so many bytes: characters, words found, buckets."""
    size = longest + 4
    return np.empty(size, np.int32), np.empty((size, 2), np.uint64), np.empty(per_byte * size, np.uint32)


def _longest(offsets: np.ndarray) -> int:
    return int((offsets[1:] - offsets[:-1]).max(initial=0))


def _plain(texts: pa.StringArray | pa.ChunkedArray) -> pa.StringArray:
    """The texts in one piece, with offsets of 32 bits."""
    whole = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    return whole if whole.type == pa.string() else whole.cast(pa.string())


def _parts(texts: pa.StringArray) -> list[tuple[np.ndarray, np.ndarray, np.ndarray, slice]]:
    """The UTF-8 bytes, the offsets (int32, one more than texts), which texts are not null, and which rows these are.

    The last texts are copied, unless `PAST` bytes follow them, for kernels read so many more than a text has.
    """
    texts = _plain(texts)
    rows = len(texts)
    _, where, letters = texts.buffers()
    offsets = _frozen(np.frombuffer(where, np.int32, rows + 1, texts.offset * 4) if rows else np.zeros(1, np.int32))
    data = _frozen(np.frombuffer(b"" if letters is None else letters, np.uint8))
    plain = texts.null_count == 0 and rows <= len(_VALID)
    valid = _VALID if plain else _frozen(texts.is_valid().to_numpy(zero_copy_only=False))
    if offsets[-1] + PAST <= len(data):
        return [(data, offsets, valid, slice(0, rows))]
    safe = int(np.searchsorted(offsets[1:], len(data) - PAST, side="right"))
    rest = np.concatenate([data[offsets[safe] :], np.zeros(PAST, np.uint8)])
    return [
        (data, offsets[: safe + 1], valid, slice(0, safe)),
        (_frozen(rest), _frozen(offsets[safe:] - offsets[safe]), valid[safe:], slice(safe, rows)),
    ]


def _frozen(array: np.ndarray) -> np.ndarray:
    """An array that can't be written to: if some could, kernels would be compiled a second time for those."""
    array.flags.writeable = False
    return array


_VALID = _frozen(np.ones(SHORT, np.bool_))  # of texts none of which is null
