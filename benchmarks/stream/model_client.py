"""Asks the model server, over a connection that each worker keeps open."""

import functools

import requests


@functools.cache
def _connection() -> requests.Session:
    return requests.Session()


def ask(url: str, text: str) -> float:
    """Return the probability of one text."""
    return _connection().post(url, json={"text": text}).json()["probability"]
