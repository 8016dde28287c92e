"""Tries a rule on collected posts before it goes into `labeling.py`: what it matches, and whether that is right."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from goldstream.labeling.functions import LabelingFunction
from goldstream.labeling.rules import keyword_rule, regex_rule

EXAMPLES = 8  #: posts that are shown of each kind


def made(kind: str, label: str, text: str, name: str) -> tuple[LabelingFunction, str]:
    """Return a rule and the code to paste; `text` is words (one a line, or with commas between) or a regular expression.

    Raises `LabelingError` for what can't be a rule.

    >>> made("keyword", "ai", "neural net*, llm", "nets")[1]
    'nets = keyword_rule("ai", ["neural net*", "llm"], name="nets")'
    """
    if kind == "regex":
        return regex_rule(label, text, name=name), f"{name} = regex_rule({_quoted(label)}, {_raw(text)}, name={_quoted(name)})"
    words = [word.strip() for line in text.splitlines() for word in line.split(",") if word.strip()]
    listed = ", ".join(map(_quoted, words))
    return keyword_rule(label, words, name=name), f"{name} = keyword_rule({_quoted(label)}, [{listed}], name={_quoted(name)})"


def matches(rule: LabelingFunction, posts: pl.DataFrame) -> list[str]:
    """Return the ids of the posts (columns `id`, `text`) on which the rule votes."""
    return posts.filter(rule(posts).is_not_null())["id"].to_list()


def judged(label: str, matched: Sequence[str], gold: Mapping[str, str], votes: Mapping[str, set[str]]) -> dict[str, Any]:
    """Return how a rule does that says `label` of `matched`: against gold, and beside the votes of other rules.

    >>> judged("ai", ["a", "b", "c"], {"a": "ai", "b": "other"}, {"a": {"ai"}, "c": {"other"}})
    {'correct': 1, 'incorrect': 1, 'accuracy': 0.5, 'overlaps': 2, 'conflicts': 1}
    """
    known = [gold[post] for post in matched if post in gold]
    right = sum(said == label for said in known)
    overlaps = [post for post in matched if votes.get(post)]
    return {
        "correct": right, "incorrect": len(known) - right, "accuracy": right / len(known) if known else None,
        "overlaps": len(overlaps), "conflicts": sum(bool(votes[post] - {label}) for post in overlaps),
    }  # fmt: skip


def _quoted(text: str) -> str:
    """A Python string in double quotes; JSON's are among them."""
    return json.dumps(text, ensure_ascii=False)


def _raw(pattern: str) -> str:
    """A pattern as it is best read: raw where that can hold it."""
    plain = '"' not in pattern and not pattern.endswith("\\") and pattern.isprintable()
    return f'r"{pattern}"' if plain else repr(pattern)
