"""Scores a batch, and sets aside the texts on which the model fails, so that one post can't stop the stream.

The batch is halved until the failing texts stand alone. A model that fails on a plain text too is broken itself: then the
error is raised, nothing is set aside, and the stream waits for a better champion.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from goldstream.errors import ModelError
from goldstream.store.reconnect import OUTAGES
from goldstream.stream.champion import Scored, Scorer

PLAIN = pa.array(["hello"], pa.string())


def score(champion: Scorer, texts: pa.StringArray) -> Scored | None:
    """Return the scores of `texts`, all by one version, with the reason for each row that has none; None without a model.

    Rows without scores hold NaN. Raises `ModelError` when it is the model that fails, whatever the text.
    """
    try:
        scored = champion.predict(texts)
    except OUTAGES:
        raise
    except Exception as error:
        return _piece_by_piece(champion, texts, error)
    return None if scored is None else _without_nonsense(scored, len(texts))


class _Piece(NamedTuple):
    first: int  # row
    scored: Scored | None
    reason: str


def _piece_by_piece(champion: Scorer, texts: pa.StringArray, error: Exception) -> Scored | None:
    while True:
        plain = _plain(champion, error)
        if plain is None:
            return None
        pieces = list(_pieces(champion, texts, 0, error))
        if {piece.scored.version for piece in pieces if piece.scored is not None} <= {plain.version}:
            return _without_nonsense(_joined(plain, pieces, len(texts)), len(texts))
        # the champion changed in the middle: once more, with the new one


def _plain(champion: Scorer, error: Exception) -> Scored | None:
    try:
        return champion.predict(PLAIN)
    except Exception:
        raise ModelError(f"the model fails on every text: {_said(error)}") from error


def _pieces(champion: Scorer, texts: pa.StringArray, first: int, error: Exception) -> Iterator[_Piece]:
    """The texts that can be scored, in pieces as large as they come, and those that can't, one by one."""
    if len(texts) == 1:
        yield _Piece(first, None, _said(error))
        return
    half = len(texts) // 2
    for offset, part in ((0, texts.slice(0, half)), (half, texts.slice(half))):
        try:
            scored = champion.predict(part)
        except Exception as its_own:
            yield from _pieces(champion, part, first + offset, its_own)
        else:
            yield _Piece(first + offset, scored, "")


def _joined(plain: Scored, pieces: list[_Piece], rows: int) -> Scored:
    scores = np.full((rows, len(plain.labels)), np.nan, np.float32)
    for piece in pieces:
        if piece.scored is not None:
            scores[piece.first : piece.first + len(piece.scored.scores)] = piece.scored.scores
    refused = {piece.first: piece.reason for piece in pieces if piece.scored is None}
    return plain._replace(scores=scores, refused=refused)


def _without_nonsense(scored: Scored, rows: int) -> Scored:
    """The same scores, where a row that is no number counts as refused; raises `ModelError` for another shape."""
    if scored.scores.shape != (rows, len(scored.labels)):
        raise ModelError(
            f"the model gave scores of shape {scored.scores.shape} for {rows} texts and {len(scored.labels)} labels"
        )
    if np.isfinite(scored.scores).all():
        return scored
    nonsense = np.flatnonzero(~np.isfinite(scored.scores).all(axis=1)).tolist()
    reasons = {row: scored.refused.get(row, "the model gave a score that is no number") for row in nonsense}
    scores = scored.scores.copy()
    scores[nonsense] = np.nan
    return scored._replace(scores=scores, refused=reasons)


def _said(error: Exception) -> str:
    return f"the model failed: {type(error).__name__}: {error}"
