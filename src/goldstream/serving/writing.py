# mypy: disable-error-code="no-untyped-def, no-untyped-call"
"""Writes predictions as JSON, without a Python object for any of them, and outside of the interpreter's lock.

What stands between the numbers of a prediction is the same for every text, and is made once for each model.
"""

import msgspec
import numpy as np

from goldstream.jit import tight_kernel
from goldstream.serving.judged import Judged

DIGITS = np.frombuffer(b"0123456789abcdef", np.uint8)
ID, NUMBER = 36, 9  #: characters of an identifier, and of a probability


class Form:
    """The predictions of one model, but for their numbers.

    >>> form = Form("floods", 3, ("yes", "no"))
    >>> [form.pieces[start:end].tobytes() for start, end in zip(form.ends, form.ends[1:])][:2]
    [b'{"label":"yes","probability":', b'{"label":"no","probability":']
    """

    def __init__(self, name: str, version: int, labels: tuple[str, ...]) -> None:
        said = [msgspec.json.encode(label) for label in labels]
        begins = [b'{"label":%b,"probability":' % label for label in said]
        between = [b',"probabilities":{%b:' % said[0], *(b",%b:" % label for label in said[1:])]
        end = b'},"model":%b,"version":%d,"prediction_id":"' % (msgspec.json.encode(name), version)
        parts = [*begins, *between, end, b'"},']
        self.pieces = np.frombuffer(bytearray(b"".join(parts)), np.uint8)
        self.ends = np.cumsum([0, *map(len, parts)])
        self._longest = max(map(len, begins)) + sum(map(len, parts[len(labels) :])) + ID + NUMBER * (len(labels) + 1)

    def write(self, judged: Judged, ids: bytearray) -> tuple[memoryview, list[int]]:
        """Return the predictions of texts that have these `ids`, each with a comma behind it.

        And where each begins and ends: a number for each text, and one more.
        """
        rows = len(judged.scores)
        out, places = np.empty(self._longest * rows, np.uint8), np.empty(rows + 1, np.int64)
        _write(out, places, self.pieces, self.ends, judged.scores, judged.decided, np.frombuffer(ids, np.uint8))
        return out.data, places.tolist()


@tight_kernel
def _copy(out, at, data, start, end):
    for i in range(start, end):
        out[at + i - start] = data[i]
    return at + end - start


@tight_kernel
def _write_number(out, at, score):
    """A probability with seven digits behind the point."""
    left = np.int64(np.float64(score) * 1e7 + 0.5)
    for place in range(NUMBER - 1, 1, -1):
        out[at + place] = 48 + left % 10
        left //= 10
    out[at] = 48 + left
    out[at + 1] = 46
    return at + NUMBER


@tight_kernel
def _write_id(out, at, ids, start):
    for i in range(16):
        if i == 4 or i == 6 or i == 8 or i == 10:
            out[at] = 45
            at += 1
        out[at] = DIGITS[ids[start + i] >> 4]
        out[at + 1] = DIGITS[ids[start + i] & 15]
        at += 2
    return at


@tight_kernel
def _write(out, places, pieces, ends, scores, decided, ids):
    """Write all rows, and into `places` where each ends; `pieces[ends[i]:ends[i + 1]]` is the i-th piece."""
    at, labels = 0, scores.shape[1]
    places[0] = 0
    for row in range(len(scores)):
        said = decided[row]
        at = _copy(out, at, pieces, ends[said], ends[said + 1])
        at = _write_number(out, at, scores[row, said])
        for label in range(labels):
            at = _copy(out, at, pieces, ends[labels + label], ends[labels + label + 1])
            at = _write_number(out, at, scores[row, label])
        at = _copy(out, at, pieces, ends[2 * labels], ends[2 * labels + 1])
        at = _write_id(out, at, ids, 16 * row)
        at = _copy(out, at, pieces, ends[2 * labels + 1], ends[2 * labels + 2])
        places[row + 1] = at
