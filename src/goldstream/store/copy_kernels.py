"""The loops that write columns as the fields of `COPY … (FORMAT binary)`: big-endian lengths, and values after them.

Each takes `out`, the bytes of the whole copy, and `at`, where each row goes on in it; `at` is moved past what was written.
"""

import numpy as np

from goldstream.jit import tight_kernel


@tight_kernel
def _write_length(out: np.ndarray, at: int, length: int) -> None:
    out[at] = (length >> 24) & 255
    out[at + 1] = (length >> 16) & 255
    out[at + 2] = (length >> 8) & 255
    out[at + 3] = length & 255


@tight_kernel
def write_counts(out: np.ndarray, at: np.ndarray, fields: int) -> None:
    """Write the number of fields in front of each row."""
    for row in range(at.size):
        out[at[row]] = fields >> 8
        out[at[row] + 1] = fields & 255
        at[row] += 2


@tight_kernel
def write_fixed(out: np.ndarray, at: np.ndarray, values: np.ndarray, valid: np.ndarray) -> None:
    """Write values of one width: `values` holds their bytes, a row each."""
    width = values.shape[1]
    for row in range(at.size):
        here = at[row]
        if valid[row]:
            _write_length(out, here, width)
            for i in range(width):
                out[here + 4 + i] = values[row, i]
            at[row] = here + 4 + width
        else:
            _write_length(out, here, -1)
            at[row] = here + 4


@tight_kernel
def write_bytes(out: np.ndarray, at: np.ndarray, offsets: np.ndarray, data: np.ndarray, valid: np.ndarray, mark: int) -> None:
    """Write strings or bytes, with the byte `mark` in front of each when it is not negative."""
    for row in range(at.size):
        here = at[row]
        if not valid[row]:
            _write_length(out, here, -1)
            at[row] = here + 4
            continue
        start = offsets[row]
        length = offsets[row + 1] - start
        marked = 1 if mark >= 0 else 0
        _write_length(out, here, length + marked)
        here += 4
        if marked:
            out[here] = mark
            here += 1
        for i in range(length):
            out[here + i] = data[start + i]
        at[row] = here + length


@tight_kernel
def write_lists(
    out: np.ndarray, at: np.ndarray, starts: np.ndarray, counts: np.ndarray, data: np.ndarray, valid: np.ndarray,
    header: np.ndarray,
) -> None:  # fmt: skip
    """Write arrays of one dimension: `header`, their length, and elements that are fields already."""
    for row in range(at.size):
        here = at[row]
        if not valid[row]:
            _write_length(out, here, -1)
            at[row] = here + 4
            continue
        filled = counts[row] > 0
        length = starts[row + 1] - starts[row]
        size = 20 + length if filled else 12
        _write_length(out, here, size)
        for i in range(size - length if filled else 12):
            out[here + 4 + i] = header[i]
        if filled:
            _write_length(out, here + 16, counts[row])
            for i in range(length):
                out[here + 24 + i] = data[starts[row] + i]
        else:
            _write_length(out, here + 4, 0)
            _write_length(out, here + 8, 0)
        at[row] = here + 4 + size
