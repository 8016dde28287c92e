"""Where a text has one of a list of words and phrases: for strata and for keyword rules."""

import re
from collections.abc import Sequence

import polars as pl


def has_words(texts: pl.Expr, words: Sequence[str]) -> pl.Expr:
    r"""Return whether one of the words and phrases occurs whole, in any case; `*` at the end of one means "any ending".

    Texts are put in lower case and then searched for the words as they are: several times as fast as a search that minds
    both cases, and several lists over one column share the lower case of it.

    >>> texts = pl.DataFrame({"text": ["A.I. is here", "the mail", "GPT4"]})
    >>> texts.select(has_words(pl.col("text"), ["a.i.", "gpt*"])).to_series().to_list()
    [True, False, True]
    """
    return texts.str.to_lowercase().str.contains(_pattern(words))


def _pattern(words: Sequence[str]) -> str:
    if not words:
        return r"\A\z[^\s\S]"  # matches nothing
    whole = [_escape(word) for word in words if not word.endswith("*")]
    open_ended = [_escape(word[:-1]) for word in words if word.endswith("*")]
    branches = [rf"(?:{'|'.join(whole)})\b{{end-half}}"] * bool(whole) + open_ended
    return rf"\b{{start-half}}(?:{'|'.join(branches)})"


def _escape(word: str) -> str:
    parts = (re.sub(r"([!-/:-@\[-^`{-~])", r"\\\1", part) for part in word.lower().split())
    return re.sub("[σς]", "[σς]", r"\s+".join(parts))  # which of the two a capital becomes depends on what follows
