"""Answers once before anybody asks, so that no request waits for a compiler."""

from contextlib import suppress

from goldstream.errors import ModelError
from goldstream.models.explain import explain
from goldstream.serving.ids import new_ids
from goldstream.serving.judged import judge
from goldstream.serving.writing import Form
from goldstream.stream.champion import Fixed

TEXT = "warm up"


def warm_up(model: Fixed) -> None:
    """Judge, write and explain a text, which compiles what does that or reads it from a cache."""
    Form("", model.version, model.model.labels).write(judge(model, [TEXT]), new_ids(1))
    with suppress(ModelError):  # a model that can't say what each token adds
        explain(model.model, TEXT)
