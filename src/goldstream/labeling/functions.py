"""Labelling functions: rules that vote for a label, or abstain.

A rule sees a batch: a Polars DataFrame with the columns of `records.POSTS` (never `extra`, where the truth may stand).
It returns true where its label applies, or a column of labels with null for "I abstain". A rule on one post sees a
`Post` and returns true, a label, or None. The vocabulary is Snorkel's (Ratner et al., VLDB 2017).

>>> import polars as pl
>>> @labeling_function("flood")
... def river_level(posts):
...     return posts["text"].str.contains("(?i)river (level|gauge)")
>>> river_level(pl.DataFrame({"text": ["River level rising", "lunch"]})).to_list()
['flood', None]
"""

import hashlib
import inspect
import re
import types
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import polars as pl

from goldstream.errors import LabelingError
from goldstream.keywords import keyword_pattern
from goldstream.records import Post

_CONSTANT = (str, int, float, tuple, list, dict, re.Pattern)

FIRST_ERRORS = 3  #: how many of a rule's errors are kept, each with its post

_HIDDEN = ("extra",)


@dataclass(frozen=True)
class LabelingFunction:
    """A rule with a name, the label it votes for, and a version that changes when the rule does."""

    name: str
    label: str | None  #: what "true" means; None when the rule returns labels itself
    rule: Callable[[Any], Any]
    version: str
    per_post: bool = False

    def __call__(self, posts: pl.DataFrame) -> pl.Series:
        """Return this rule's votes on a batch: a label or null for each post."""
        return self.vote(posts).labels

    def vote(self, posts: pl.DataFrame) -> "Ballot":
        """Return the votes, and the errors: a rule that raises abstains on that post and is counted."""
        seen = posts.drop(_HIDDEN, strict=False)
        if self.per_post:
            return self._one_by_one(seen)
        try:
            return Ballot(self._labels(self.rule(seen), len(seen)))
        except Exception as error:
            if len(seen) == 1:
                return Ballot(pl.Series(self.name, [None], pl.String), 1, [f"{_id(seen)}: {_said(error)}"])
        return Ballot.joined(self.name, (self.vote(seen[row]) for row in range(len(seen))))

    def _one_by_one(self, posts: pl.DataFrame) -> "Ballot":
        labels: list[str | None] = []
        ballot = Ballot(pl.Series(self.name, [], pl.String))
        for row in posts.iter_rows(named=True):
            try:
                answer = self.rule(Post(**row))
                labels.append(self.label if answer is True else answer or None)
            except Exception as error:
                labels.append(None)
                ballot.count(f"{row.get('id', 'a post')}: {_said(error)}")
        ballot.labels = pl.Series(self.name, labels, pl.String)
        return ballot

    def _labels(self, answer: Any, rows: int) -> pl.Series:
        column = answer if isinstance(answer, pl.Series) else pl.Series(answer)
        if len(column) != rows:
            raise LabelingError(f"{self.name} returned {len(column)} answers for {rows} posts")
        if column.dtype == pl.Boolean:
            if self.label is None:
                raise LabelingError(f"{self.name} returns true or false but names no label")
            return pl.select(pl.when(column).then(pl.lit(self.label, pl.String))).to_series().alias(self.name)
        return column.cast(pl.String).alias(self.name)


@dataclass
class Ballot:
    """What one rule said of a batch."""

    labels: pl.Series
    errors: int = 0
    first_errors: list[str] = field(default_factory=list)

    def count(self, error: str) -> None:
        """Count an error, and keep it if it is among the first."""
        self.errors += 1
        if len(self.first_errors) < FIRST_ERRORS:
            self.first_errors.append(error)

    @classmethod
    def joined(cls, name: str, ballots: Iterable["Ballot"]) -> "Ballot":
        """Return the ballots of one rule as one."""
        whole = cls(pl.Series(name, [], pl.String))
        parts = [whole.labels]
        for ballot in ballots:
            parts.append(ballot.labels)
            whole.errors += ballot.errors
            whole.first_errors = (whole.first_errors + ballot.first_errors)[:FIRST_ERRORS]
        whole.labels = pl.concat(parts)
        return whole


def labeling_function(
    label: str | None = None, *, name: str | None = None, per_post: bool = False
) -> Callable[[Callable[[Any], Any]], LabelingFunction]:
    """Turn a function of a batch (or, with `per_post`, of one `Post`) into a labelling function."""

    def decorate(rule: Callable[[Any], Any]) -> LabelingFunction:
        return LabelingFunction(name or rule.__name__, label, rule, _version(rule, label, per_post), per_post)

    return decorate


def keyword_rule(label: str, words: Sequence[str], *, name: str) -> LabelingFunction:
    """Vote for `label` where a whole word or phrase occurs, in any case; `*` at its end means "any ending".

    >>> rule = keyword_rule("ai", ["neural net*"], name="nets")
    >>> rule(pl.DataFrame({"text": ["Neural networks!", "neural gym"]})).to_list()
    ['ai', None]
    """
    return regex_rule(label, keyword_pattern(words), name=name)


def regex_rule(label: str, pattern: str, *, name: str) -> LabelingFunction:
    """Vote for `label` where the regular expression (Rust syntax) matches the text; raises `LabelingError` if it can't."""
    try:
        pl.Series([""]).str.contains(pattern)
    except pl.exceptions.ComputeError as error:
        raise LabelingError(f"{name}: not a regular expression that the Rust engine can run: {error}") from None

    def rule(posts: pl.DataFrame) -> pl.Series:
        return posts["text"].str.contains(pattern)

    return LabelingFunction(name, label, rule, _hash("regex", label, pattern))


def lookup_rule(label: str, *, column: str, values: Sequence[str], name: str) -> LabelingFunction:
    """Vote for `label` where `column` is, or for a list column has, one of `values`; links are looked up by host too."""
    wanted = [value.lower() for value in values]

    def rule(posts: pl.DataFrame) -> pl.Series:
        found = posts[column]
        if found.dtype != pl.List(pl.String):
            return found.str.to_lowercase().is_in(wanted).fill_null(False)
        each = pl.element().str.to_lowercase()
        if column == "links":
            each = each.str.extract(r"^[a-z]+://(?:www\.)?([^/:?#]+)", 1)
        return found.list.eval(each.is_in(wanted)).list.any().fill_null(False)

    return LabelingFunction(name, label, rule, _hash("lookup", label, column, *wanted))


def load(path: Path) -> list[LabelingFunction]:
    """Return the labelling functions in the Python file at `path`, in the order in which they are written.

    Raises `LabelingError` when the file can't be run, holds none, or gives two the same name.
    """
    spec = spec_from_file_location("goldstream_user_labeling", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise LabelingError(f"{path}: no such file; labeling.functions in goldstream.toml names it")
    module = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise LabelingError(f"{path}: can't be run: {_said(error)}") from error
    found = [value for value in vars(module).values() if isinstance(value, LabelingFunction)]
    names = [function.name for function in found]
    if not found:
        raise LabelingError(f"{path}: no labelling functions in it; decorate one with @labeling_function(LABEL)")
    if twice := {name for name in names if names.count(name) > 1}:
        raise LabelingError(f"{path}: two labelling functions are named {', '.join(sorted(twice))}")
    return found


def _id(posts: pl.DataFrame) -> str:
    return str(posts["id"][0]) if "id" in posts.columns else "a post"


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _version(rule: Callable[[Any], Any], label: str | None, per_post: bool) -> str:
    """A hash of the source and of the constants it reads, so that a changed word list is a changed rule."""
    try:
        source = inspect.getsource(rule)
    except OSError:
        source = str(getattr(rule, "__code__", rule))
    constants: list[str] = []
    if isinstance(rule, types.FunctionType):
        known = {**rule.__globals__, **inspect.getclosurevars(rule).nonlocals}
        names = sorted(set(rule.__code__.co_names) | set(rule.__code__.co_freevars))
        constants += [f"{name}={known[name]!r}" for name in names if isinstance(known.get(name), _CONSTANT)]
    return _hash(str(label), str(per_post), source, *constants)


def _hash(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]
