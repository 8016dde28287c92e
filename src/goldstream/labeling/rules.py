"""Rules over columns that need no code: words, regular expressions, and values to look up.

They are Polars expressions, so that all of them run together, in Rust and on every core (see `functions.ballots`).
"""

from collections.abc import Sequence

import polars as pl
import pyarrow as pa

from goldstream.errors import LabelingError
from goldstream.keywords import has_words
from goldstream.labeling.functions import VISIBLE, LabelingFunction
from goldstream.labeling.versions import hashed
from goldstream.records import POSTS


def keyword_rule(label: str, words: Sequence[str], *, name: str) -> LabelingFunction:
    """Vote for `label` where a whole word or phrase occurs, in any case; `*` at its end means "any ending".

    >>> rule = keyword_rule("ai", ["neural net*"], name="nets")
    >>> rule(pl.DataFrame({"text": ["Neural networks!", "neural gym"]})).to_list()
    ['ai', None]
    """
    if isinstance(words, str) or not words or not all(word.strip(" *") for word in words):
        raise LabelingError(f"{name}: a keyword rule needs words, none of them empty")
    return LabelingFunction(name, label, has_words(pl.col("text"), words), hashed("keywords", label, *words))


def regex_rule(label: str, pattern: str, *, name: str) -> LabelingFunction:
    """Vote for `label` where the regular expression (Rust syntax) matches the text; raises `LabelingError` if it can't."""
    try:
        pl.Series([""]).str.contains(pattern)
    except pl.exceptions.ComputeError as error:
        raise LabelingError(f"{name}: not a regular expression that the Rust engine can run: {error}") from None
    return LabelingFunction(name, label, pl.col("text").str.contains(pattern), hashed("regex", label, pattern))


def lookup_rule(label: str, *, column: str, values: Sequence[str], name: str) -> LabelingFunction:
    """Vote for `label` where `column` is, or for a list column has, one of `values`; links are looked up by host too.

    Raises `LabelingError` for a column without text.
    """
    kinds = {field.name: field.type for field in POSTS if field.name in VISIBLE}
    wanted = [value.lower() for value in values]
    if kinds.get(column) == pa.string():
        found = pl.col(column).str.to_lowercase().is_in(wanted)
    elif kinds.get(column) == pa.list_(pa.string()):
        found = pl.col(column).list.eval(_looked_up(column).is_in(wanted)).list.any()
    else:
        known = ", ".join(name for name, kind in kinds.items() if kind in (pa.string(), pa.list_(pa.string())))
        raise LabelingError(f"{name}: a post has no column {column!r} of texts; there are {known}")
    return LabelingFunction(name, label, found.fill_null(False), hashed("lookup", label, column, *wanted))


def _looked_up(column: str) -> pl.Expr:
    each = pl.element().str.to_lowercase()
    return each.str.extract(r"^[a-z]+://(?:www\.)?([^/:?#]+)", 1) if column == "links" else each
