"""Finds the texts in what a request carries: strings, objects with a `text`, and binary strings as `{"b64": …}`."""

import base64
import binascii
from typing import Any

from goldstream.serving.requests import Refused

INPUT = "text"  #: the one input of a model


def text_of(value: Any, where: str) -> str:
    """Return the text that `value` is; raises `Refused` with `where` it stands.

    >>> text_of({"text": {"b64": "aGk="}}, "instances[0]"), text_of(["hi"], "instances[1]")
    ('hi', 'hi')
    """
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        if value.keys() == {"b64"}:
            return _decoded(value["b64"], where)
        if INPUT not in value:
            raise Refused(400, f"{where} has no {INPUT!r}")
        if not isinstance(value[INPUT], dict) or value[INPUT].keys() == {"b64"}:
            return text_of(value[INPUT], f"{where}.{INPUT}")
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str | dict):
        return text_of(value[0], f"{where}[0]")
    raise Refused(400, f"{where} is no text")


def rows(values: Any, where: str) -> list[str]:
    """Return the texts of a list of instances, one for each."""
    if not isinstance(values, list):
        raise Refused(400, f"{where} is no list")
    return [value if isinstance(value, str) else text_of(value, f"{where}[{number}]") for number, value in enumerate(values)]


def column(values: Any, where: str) -> list[str]:
    """Return the texts of named columns, `{"text": […]}`, or of the bare column where the name is left out."""
    if isinstance(values, dict) and values.keys() != {"b64"}:
        if INPUT not in values:
            raise Refused(400, f"{where} has no {INPUT!r}, which is the model's one input")
        values, where = values[INPUT], f"{where}.{INPUT}"
    return rows(values if isinstance(values, list) else [values], where)


def _decoded(value: Any, where: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode()
    except (binascii.Error, TypeError, ValueError):
        raise Refused(400, f"{where} is no UTF-8 text in base64") from None
