"""Tensors of the Open Inference Protocol: text comes in as BYTES, labels and probabilities go out, in JSON or in binary.

In the binary extension a BYTES element is four bytes of length (little endian) and its content; numbers are little endian,
row by row. Source: triton-inference-server `protocol/extension_binary_data.md`.
"""

import base64
import binascii
import math
import struct
from typing import Any

import numpy as np

from goldstream.serving.requests import Refused

MOST_DIMENSIONS = 8


def texts_of_json(data: Any, shape: list[int], *, base64_coded: bool) -> list[str]:
    """Return the texts in `data`, flat or nested; raises `Refused` when they are not what `shape` says."""
    flat = _flat(data, 0)
    _check_shape(shape, len(flat))
    if not all(isinstance(value, str) for value in flat):
        raise Refused(400, "the data of a BYTES tensor is strings")
    if not base64_coded:
        return flat
    try:
        return [base64.b64decode(value, validate=True).decode() for value in flat]
    except (binascii.Error, ValueError):
        raise Refused(400, "the data is no UTF-8 text in base64") from None


def texts_of_binary(data: bytes, shape: list[int]) -> list[str]:
    """Return the texts in a binary BYTES tensor; raises `Refused` when they are not what `shape` says.

    >>> texts_of_binary(b"\\x02\\x00\\x00\\x00hi\\x00\\x00\\x00\\x00", [2])
    ['hi', '']
    """
    found, at = [], 0
    while at < len(data):
        end = at + 4 + int.from_bytes(data[at : at + 4], "little")
        if end > len(data) or at + 4 > len(data):
            raise Refused(400, "the binary tensor ends in the middle of an element")
        found.append(text_of_bytes(data[at + 4 : end]))
        at = end
    _check_shape(shape, len(found))
    return found


def text_of_bytes(data: bytes) -> str:
    """Return the text; raises `Refused` when it is not UTF-8."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise Refused(400, f"a text is not UTF-8: {error.reason} at byte {error.start}") from None


def binary_texts(values: list[str]) -> bytes:
    """Return a binary BYTES tensor.

    >>> binary_texts(["hi", ""])
    b'\\x02\\x00\\x00\\x00hi\\x00\\x00\\x00\\x00'
    """
    coded = [value.encode() for value in values]
    return b"".join(part for value in coded for part in (struct.pack("<I", len(value)), value))


def binary_floats(values: list[float]) -> bytes:
    """Return a binary FP32 tensor."""
    return np.array(values, "<f4").tobytes()


def _flat(data: Any, depth: int) -> list[Any]:
    if not isinstance(data, list) or depth > MOST_DIMENSIONS:
        raise Refused(400, "the data of a tensor is a list, flat or as deep as its shape")
    if not any(isinstance(value, list) for value in data):
        return data
    return [element for value in data for element in _flat(value, depth + 1)]


def _check_shape(shape: list[int], count: int) -> None:
    if len(shape) not in (1, 2) or any(size < 0 for size in shape) or (len(shape) == 2 and shape[1] != 1):
        raise Refused(400, f"the shape of text is [n] or [n, 1], not {shape}")
    if math.prod(shape) != count:
        raise Refused(400, f"the shape {shape} needs {math.prod(shape)} elements, and there are {count}")
