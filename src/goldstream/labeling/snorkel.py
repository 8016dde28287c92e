"""Snorkel's labelling functions, unchanged. They are known by their form: nothing of Snorkel is imported.

A function of theirs takes a data point and returns a number: -1 to abstain, and 0, 1, 2 … for the first, second, third label
of the project. The data point has the columns of a post as attributes and as items, and can be written to, so that
preprocessors work (Ratner et al., VLDB 2017; snorkel 0.10).
"""

from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

from goldstream.labeling.functions import LabelingFunction
from goldstream.labeling.versions import constants, version


class DataPoint(SimpleNamespace):
    """A post as Snorkel's functions see it: `x.text` and `x["text"]`."""

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)

    def __setitem__(self, name: str, value: Any) -> None:
        setattr(self, name, value)


def is_snorkel(value: object) -> bool:
    """Whether `value` is a labelling function of Snorkel's."""
    return not isinstance(value, type) and all(hasattr(value, name) for name in ("name", "_f", "_resources", "_pre"))


def from_snorkel(function: Any, labels: Sequence[str]) -> LabelingFunction:
    """Return a function of Snorkel's as one of ours, which votes for `labels` by their numbers.

    Its version changes with its code, its resources, its preprocessors and the labels.
    """
    parts = [part for each in function._pre for part in _preprocessor(each)]
    made_from = version(function._f, "snorkel", *labels, constants(function._resources), *parts)
    return LabelingFunction(function.name, None, function, made_from, per_post=True, sees=DataPoint, numbers=tuple(labels))


def _preprocessor(mapper: Any) -> Iterator[str]:
    """The versions of a preprocessor and of those before it; what it remembers of posts is no part of it."""
    settings = {name: value for name, value in vars(mapper).items() if name not in ("_f", "_pre", "_cache")}
    yield version(getattr(mapper, "_f", type(mapper)), constants(settings))
    for each in mapper._pre:
        yield from _preprocessor(each)
