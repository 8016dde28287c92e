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

import linecache
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from goldstream.errors import LabelingError
from goldstream.keywords import keyword_pattern
from goldstream.labeling.limits import Alarm, TooSlow
from goldstream.labeling.versions import hashed, version
from goldstream.records import POSTS, Post

FIRST_ERRORS = 3  #: how many of a rule's errors are kept, each with its post
MOST_ERRORS = 1_000  #: posts on which a rule raises before whole batches are given up
LIMIT_S = 1.0  #: how long a rule may look at one post, unless it says otherwise

#: What a rule sees: the columns of a post without `extra`. Gold labels and splits stand beside them and are not shown.
VISIBLE = tuple(name for name in POSTS.names if name != "extra")


@dataclass(frozen=True)
class LabelingFunction:
    """A rule with a name, the label it votes for, and a version that changes when the rule does."""

    name: str
    label: str | None  #: what "true" means; None when the rule returns labels itself
    rule: Callable[[Any], Any]
    version: str
    per_post: bool = False
    limit_s: float = LIMIT_S  #: how long a rule on one post may take

    def __call__(self, posts: pl.DataFrame) -> pl.Series:
        """Return this rule's votes on a batch: a label or null for each post."""
        return self.vote(posts).labels

    def vote(self, posts: pl.DataFrame) -> "Ballot":
        """Return the votes, and the errors: a rule that raises abstains on that post and is counted.

        Raises `LabelingError` when the rule returns what is not a vote.
        """
        seen = posts.select(name for name in VISIBLE if name in posts.columns)
        return self._one_by_one(seen) if self.per_post else self._in_batches(seen)

    def _in_batches(self, posts: pl.DataFrame) -> "Ballot":
        """Vote on all at once; where that raises, on each half, down to the posts that are to blame."""
        ballot = Ballot(pl.Series(self.name, [], pl.String))
        parts, waiting = [ballot.labels], [posts]
        while waiting:
            part = waiting.pop()
            try:
                parts.append(self._labels(self.rule(part), part))
            except LabelingError:
                raise
            except Exception as error:
                if len(part) <= 1 or ballot.errors >= MOST_ERRORS:
                    ballot.count(part, error)
                    parts.append(pl.Series(self.name, [None] * len(part), pl.String))
                else:
                    waiting += [part[len(part) // 2 :], part[: len(part) // 2]]
        ballot.labels = pl.concat(parts)
        return ballot

    def _one_by_one(self, posts: pl.DataFrame) -> "Ballot":
        labels: list[str | None] = []
        ballot = Ballot(pl.Series(self.name, [], pl.String))
        with Alarm.set(self.limit_s) as alarm:
            for at, row in enumerate(posts.iter_rows(named=True)):
                answer = None
                try:
                    alarm.start()
                    try:
                        answer = self.rule(Post(**row))
                    finally:
                        alarm.stop()
                except (Exception, TooSlow) as error:
                    ballot.count(posts[at], error)
                labels.append(self._label(answer))
        ballot.labels = pl.Series(self.name, labels, pl.String)
        return ballot

    def _labels(self, answer: Any, posts: pl.DataFrame) -> pl.Series:
        if isinstance(answer, pl.Expr):
            answer = posts.select(answer).to_series()
        if not isinstance(answer, pl.Series | np.ndarray | list):
            raise LabelingError(
                f"{self.name} returned a {type(answer).__name__} for a batch; return a column, or say per_post=True"
            )
        column = pl.Series(answer.tolist() if isinstance(answer, np.ndarray) else answer)
        if len(column) != len(posts):
            raise LabelingError(f"{self.name} returned {len(column)} answers for {len(posts)} posts")
        if column.dtype == pl.Boolean:
            return pl.select(pl.when(column).then(pl.lit(self._true(), pl.String))).to_series().alias(self.name)
        return column.cast(pl.String).alias(self.name)

    def _label(self, answer: Any) -> str | None:
        if isinstance(answer, bool | np.bool_):
            return self._true() if answer else None
        if answer is None or isinstance(answer, str):
            return answer or None
        raise LabelingError(f"{self.name} returned {answer!r} for a post; return True, False, a label or None")

    def _true(self) -> str:
        if self.label is None:
            raise LabelingError(f"{self.name} returns true or false but names no label; say @labeling_function(LABEL)")
        return self.label


@dataclass
class Ballot:
    """What one rule said of a batch."""

    labels: pl.Series
    errors: int = 0  #: posts on which the rule raised
    first_errors: list[str] = field(default_factory=list)

    def count(self, posts: pl.DataFrame, error: BaseException) -> None:
        """Count an error on all of `posts`, and keep it if it is among the first."""
        self.errors += len(posts)
        if len(self.first_errors) < FIRST_ERRORS:
            at = posts["id"][0] if "id" in posts.columns and len(posts) else "a post"
            self.first_errors.append(f"{at}: {type(error).__name__}: {error}")


def labeling_function(
    label: str | None = None, *, name: str | None = None, per_post: bool = False, limit_s: float = LIMIT_S
) -> Callable[[Callable[[Any], Any]], LabelingFunction]:
    """Turn a function of a batch (or, with `per_post`, of one `Post`) into a labelling function.

    A rule on one post that takes longer than `limit_s` seconds abstains on that post, as one that raises does.
    """

    def decorate(rule: Callable[[Any], Any]) -> LabelingFunction:
        return LabelingFunction(name or rule.__name__, label, rule, version(rule, str(label), str(per_post)), per_post, limit_s)

    return decorate


def keyword_rule(label: str, words: Sequence[str], *, name: str) -> LabelingFunction:
    """Vote for `label` where a whole word or phrase occurs, in any case; `*` at its end means "any ending".

    >>> rule = keyword_rule("ai", ["neural net*"], name="nets")
    >>> rule(pl.DataFrame({"text": ["Neural networks!", "neural gym"]})).to_list()
    ['ai', None]
    """
    if not words or not all(word.strip(" *") for word in words):
        raise LabelingError(f"{name}: a keyword rule needs words, none of them empty")
    return regex_rule(label, keyword_pattern(words), name=name)


def regex_rule(label: str, pattern: str, *, name: str) -> LabelingFunction:
    """Vote for `label` where the regular expression (Rust syntax) matches the text; raises `LabelingError` if it can't."""
    try:
        pl.Series([""]).str.contains(pattern)
    except pl.exceptions.ComputeError as error:
        raise LabelingError(f"{name}: not a regular expression that the Rust engine can run: {error}") from None

    def rule(posts: pl.DataFrame) -> pl.Series:
        return posts["text"].str.contains(pattern)

    return LabelingFunction(name, label, rule, hashed("regex", label, pattern))


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

    return LabelingFunction(name, label, rule, hashed("lookup", label, column, *wanted))


def load(path: Path) -> list[LabelingFunction]:
    """Return the labelling functions in the Python file at `path`, in the order in which they are written.

    Raises `LabelingError` when the file can't be run, holds none, or gives two the same name.
    """
    spec = spec_from_file_location("goldstream_user_labeling", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise LabelingError(f"{path}: no such file; labeling.functions in goldstream.toml names it")
    linecache.checkcache(str(path))  # so that a version is made from the file as it is now
    module = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise LabelingError(f"{path}: can't be run: {type(error).__name__}: {error}{_line(error, path)}") from error
    found = list({id(value): value for value in vars(module).values() if isinstance(value, LabelingFunction)}.values())
    names = [function.name for function in found]
    if not found:
        raise LabelingError(f"{path}: no labelling functions in it; decorate one with @labeling_function(LABEL)")
    if twice := {name for name in names if names.count(name) > 1}:
        raise LabelingError(f"{path}: two labelling functions are named {', '.join(sorted(twice))}")
    return found


def _line(error: Exception, path: Path) -> str:
    """Where in the user's file it went wrong; a SyntaxError says so itself."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f" (line {lines[-1]})" if lines else ""
