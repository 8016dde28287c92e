# mypy: disable-error-code="no-untyped-def, no-untyped-call"
"""Writes predictions as JSON, without a Python object for any of them, and outside of the interpreter's lock.

What stands between the numbers of a prediction is the same for every text, and is made once for each model.
"""

import msgspec
import numpy as np

from goldstream.jit import tight_kernel, tiny_kernel
from goldstream.serving.judged import Judged

HEXADECIMAL = np.frombuffer(b"0123456789abcdef", np.uint8)
DIGITS = 7  #: of a probability behind the point


class Form:
    """The predictions of one model, but for their numbers: what each label begins with, and what follows for all of them.

    >>> form = Form("floods", 3, ("yes", "no"))
    >>> form.rest[:44].tobytes()
    b'0.0000000,"probabilities":{"yes":0.0000000,"'
    """

    def __init__(self, name: str, version: int, labels: tuple[str, ...]) -> None:
        said = [msgspec.json.encode(label) for label in labels]
        begins = [b'{"label":%b,"probability":' % label for label in said]
        pieces = [
            b'0.0000000,"probabilities":{%b:' % said[0], *(b"0.0000000,%b:" % label for label in said[1:]),
            b'0.0000000},"model":%b,"version":%d,"prediction_id":"' % (msgspec.json.encode(name), version),
        ]  # fmt: skip
        self.begins = np.frombuffer(bytearray(b"".join(begins)), np.uint8)
        self.ends = np.cumsum([0, *map(len, begins)])
        self.rest = np.frombuffer(bytearray(b"".join((*pieces, b'00000000-0000-0000-0000-000000000000"},'))), np.uint8)
        self.places = np.cumsum([0, *map(len, pieces)])  #: in `rest`: of each number, and of the identifier
        self._longest = max(map(len, begins)) + len(self.rest)

    def write(self, judged: Judged, ids: bytearray) -> tuple[memoryview, list[int]]:
        """Return the predictions of texts that have these `ids`, each with a comma behind it.

        And where each begins and ends: a number for each text, and one more.
        """
        rows = len(judged.scores)
        out, bounds = np.empty(self._longest * rows, np.uint8), np.empty(rows + 1, np.int64)
        _write(
            out,
            bounds,
            self.begins,
            self.ends,
            self.rest,
            self.places,
            judged.scores,
            judged.decided,
            np.frombuffer(ids, np.uint8),
        )
        return out.data, bounds.tolist()


@tiny_kernel
def _copy(out, at, data, start, count):
    for i in range(count):
        out[at + np.uint64(i)] = data[start + np.uint64(i)]


@tiny_kernel
def _write_number(out, at, score):
    """The digits of a probability, seven of them behind the point."""
    left = np.uint32(np.float64(score) * 1e7 + 0.5)
    for place in range(DIGITS, 0, -1):
        high = left // np.uint32(10)
        out[at + np.uint64(place + 1)] = np.uint32(48) + left - np.uint32(10) * high
        left = high
    out[at] = np.uint32(48) + left


@tiny_kernel
def _write_id(out, at, ids, start):
    for i in range(16):
        byte, place = ids[np.uint64(start + i)], at + np.uint64(2 * i + (i > 3) + (i > 5) + (i > 7) + (i > 9))
        out[place], out[place + np.uint64(1)] = HEXADECIMAL[byte >> 4], HEXADECIMAL[byte & 15]


@tight_kernel
def _write(out, bounds, begins, ends, rest, places, scores, decided, ids):
    """Write all rows, and into `bounds` where each ends."""
    at, labels = 0, scores.shape[1]
    bounds[0] = 0
    for row in range(len(scores)):
        said = decided[row]
        middle = at + ends[said + 1] - ends[said]
        _copy(out, np.uint64(at), begins, np.uint64(ends[said]), middle - at)
        _copy(out, np.uint64(middle), rest, np.uint64(0), len(rest))
        at = middle + len(rest)
        _write_number(out, np.uint64(middle), scores[row, said])
        for label in range(labels):
            _write_number(out, np.uint64(middle + places[label + 1]), scores[row, label])
        _write_id(out, np.uint64(middle + places[labels + 1]), ids, 16 * row)
        bounds[row + 1] = at
