"""Lists of words and phrases as one regular expression, for strata and for keyword rules."""

import re
from collections.abc import Sequence


def keyword_pattern(words: Sequence[str]) -> str:
    """Return one regular expression for a list of words and phrases; `*` at the end of one means "any ending".

    >>> keyword_pattern(["a.i.", "gpt*"])
    '(?i)(?:^|[^\\\\p{L}\\\\p{N}_])(?:(?:a\\\\.i\\\\.)(?:$|[^\\\\p{L}\\\\p{N}_])|(?:gpt))'
    """
    if not words:
        return r"\A\z[^\s\S]"  # matches nothing
    whole = [_escape(word) for word in words if not word.endswith("*")]
    open_ended = [_escape(word[:-1]) for word in words if word.endswith("*")]
    branches = [rf"(?:{'|'.join(whole)})(?:$|[^\p{{L}}\p{{N}}_])"] * bool(whole)
    branches += [f"(?:{'|'.join(open_ended)})"] * bool(open_ended)
    return rf"(?i)(?:^|[^\p{{L}}\p{{N}}_])(?:{'|'.join(branches)})"


def _escape(word: str) -> str:
    return r"\s+".join(re.sub(r"([!-/:-@\[-^`{-~])", r"\\\1", part) for part in word.split())
