"""The report on a model as plain data; `web.report` makes a page of it.

Every figure in it belongs to the rows, the model and the code that `trace` names.
"""

import hashlib
import platform
from collections.abc import Mapping
from importlib.metadata import version as installed_version
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from goldstream.clock import now
from goldstream.errors import DataError, ModelError
from goldstream.models.explain import explain
from goldstream.models.folder import Loaded
from goldstream.training.evaluation import Judgement, evaluation
from goldstream.training.gold_alone import sentence
from goldstream.training.look import look
from goldstream.training.slices import slices
from goldstream.training.words import MOST_LABELS, for_and_against

MISTAKES = 20  #: shown
TOKENS = 6  #: shown of each mistake
LONGEST_TEXT = 400  #: characters shown of a text


def report(
    model: Loaded, posts: pl.DataFrame, *, everything: pl.DataFrame | None = None, trace: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the report on `model`, judged by `posts`, as plain data.

    `posts` has columns `text` and `gold` (a label's name), and may have `id`, `source`, `lang`, `links`, `created_at`,
    `seen_at` and `weight`; `everything` is the data that is looked at, by default the same. Raises `DataError` when no post
    has a label that the model knows.
    """
    known = posts.filter(pl.col("gold").is_in(list(model.labels)))
    if not len(known):
        raise DataError("no row has a label that the model knows; there is nothing to judge it by")
    judged = judgement(model, known)
    shown = known if everything is None else everything
    return {
        "model": {"name": model.facts.name, "type": model.facts.type, "labels": list(model.labels),
                  "positive": model.facts.positive, "threshold": model.threshold},
        "rows": len(known), **evaluation(judged), "slices": slices(known, judged), "mistakes": _mistakes(model, known, judged),
        "ngrams": for_and_against(model, model.labels, shown["text"], asked=_commonest(judged)), "data": look(shown),
        "chosen": {name: model.facts.made_from.get(name) for name in ("calibration", "threshold", "gold_alone", "leakage")},
        "far_said": sentence(model.facts.made_from.get("gold_alone")),
        "trace": {**trace, "rows_sha256": rows_hash(known), **_code()},
    }  # fmt: skip


def judgement(model: Loaded, posts: pl.DataFrame) -> Judgement:
    """Return the model's probabilities of `posts` beside the truth (column `gold`, labels that the model knows)."""
    texts = posts["text"].to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.string())
    numbers = {label: number for number, label in enumerate(model.labels)}
    true = posts["gold"].replace_strict(numbers, return_dtype=pl.Int64).to_numpy()
    return Judgement(
        model.labels, model.predict_proba(texts), model.uncalibrated(texts), true, model.labels.index(model.facts.positive),
        model.threshold, posts["weight"].to_numpy() if "weight" in posts.columns else None,
    )  # fmt: skip


def _commonest(judged: Judgement) -> list[int]:
    """The labels by number: in order where they are few, else the commonest first."""
    counts = np.bincount(judged.true, minlength=len(judged.labels))
    few = len(judged.labels) <= MOST_LABELS
    return list(range(len(judged.labels))) if few else np.argsort(-counts, kind="stable").tolist()


def rows_hash(posts: pl.DataFrame) -> str:
    """Return the sha256 of texts and labels, in order."""
    digest = hashlib.sha256()
    for text, gold in posts.select("text", "gold").iter_rows():
        digest.update(f"{gold}\t{text}\0".encode())
    return digest.hexdigest()


def _mistakes(model: Loaded, posts: pl.DataFrame, judged: Judgement) -> list[dict[str, Any]]:
    """The posts on which the model was wrong, the surest first, with the tokens that spoke for what it said."""
    said = judged.said
    rows = np.arange(len(said))
    sure = judged.scores[rows, said]
    wrong = np.flatnonzero(said != judged.true)
    found = []
    for at in wrong[np.argsort(-sure[wrong], kind="stable")][:MISTAKES].tolist():
        text = posts["text"][at]
        found.append({
            "id": str(posts["id"][at]) if "id" in posts.columns else None, "text": text[:LONGEST_TEXT], "cut": len(text) > LONGEST_TEXT,
            "gold": model.labels[judged.true[at]], "said": model.labels[said[at]], "probability": float(sure[at]),
            "tokens": _tokens(model, text, model.labels[said[at]]),
        })  # fmt: skip
    return found


def _tokens(model: Loaded, text: str, label: str) -> list[dict[str, Any]]:
    try:
        found = explain(model, text, top=TOKENS)
    except ModelError:  # a kind whose scores are no sums over tokens
        return []
    return [{"token": token.token, "weight": token.weight} for token in found.tokens[label]]


def _code() -> dict[str, Any]:
    versions = {name: installed_version(name) for name in ("goldstream", "numpy", "numba", "polars")}
    return {"code": versions, "python": platform.python_version(), "machine": platform.machine(), "made_at": now().isoformat()}
