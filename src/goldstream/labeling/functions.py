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

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from goldstream.errors import LabelingError
from goldstream.labeling.limits import Alarm, TooSlow
from goldstream.labeling.versions import version
from goldstream.records import POSTS, Post

FIRST_ERRORS = 3  #: how many of a rule's errors are kept, each with its post
MOST_ERRORS = 1_000  #: posts on which a rule raises before whole batches are given up
MOST_SLOW = 20  #: posts on which a rule takes too long before it is given up
LONGEST_ERROR = 200  #: characters of an error that are kept
LIMIT_S = 1.0  #: how long a rule may look at one post, unless it says otherwise
BATCH_LIMIT_S = 600.0  #: how long a rule may look at a batch, unless it says otherwise

#: What may come out of a rule that somebody else wrote; a person's Ctrl-C is not among it.
RULE_ERRORS = (Exception, TooSlow, SystemExit)

#: What a rule sees: the columns of a post without `extra`. Gold labels and splits stand beside them and are not shown.
VISIBLE = tuple(name for name in POSTS.names if name != "extra")


@dataclass(frozen=True)
class LabelingFunction:
    """A rule with a name, the label it votes for, and a version that changes when the rule does."""

    name: str
    label: str | None  #: what "true" means; None when the rule returns labels itself
    rule: Callable[[Any], Any] | pl.Expr  #: an expression is true where the rule's label applies
    version: str
    per_post: bool = False
    limit_s: float = LIMIT_S  #: how long a rule may take for a post, or for a batch
    sees: Callable[..., Any] = Post  #: what a rule on one post is given, made of the post's columns
    numbers: tuple[str, ...] = ()  #: the labels that a rule means which returns 0, 1, 2 …, and -1 to abstain

    def __call__(self, posts: pl.DataFrame) -> pl.Series:
        """Return this rule's votes on a batch: a label or null for each post."""
        return self.vote(posts).labels

    def vote(self, posts: pl.DataFrame) -> "Ballot":
        """Return the votes, and the errors: a rule that raises abstains on that post and is counted.

        Raises `LabelingError` when the rule returns what is not a vote.
        """
        shown = _visible(posts)
        return self._one_by_one(shown) if self.per_post else self._in_batches(shown)

    def _in_batches(self, posts: pl.DataFrame) -> "Ballot":
        """Vote on all at once; where that raises, on each half, down to the posts that are to blame."""
        ballot = Ballot(pl.Series(self.name, [], pl.String))
        parts, waiting = [ballot.labels], [posts]
        while waiting:
            part = waiting.pop()
            try:
                with Alarm.set(self.limit_s) as alarm, alarm:
                    parts.append(self._labels(self.rule(part) if callable(self.rule) else self.rule, part))
            except LabelingError:
                raise
            except RULE_ERRORS as error:
                slow = isinstance(error, TooSlow)
                if slow or len(part) <= 1 or ballot.errors >= MOST_ERRORS:
                    ballot.count(part, sum(map(len, parts)), error, given_up=len(part) if slow else 0)
                    parts.append(pl.Series(self.name, [None] * len(part), pl.String))
                else:
                    waiting += [part[len(part) // 2 :], part[: len(part) // 2]]
        ballot.labels = pl.concat(parts)
        return ballot

    def _one_by_one(self, posts: pl.DataFrame) -> "Ballot":
        rule: Any = self.rule
        labels: list[str | None] = []
        ballot = Ballot(pl.Series(self.name, [], pl.String))
        slow = 0
        with Alarm.set(self.limit_s) as alarm:
            for at, row in enumerate(posts.iter_rows(named=True)):
                answer = None
                try:
                    with alarm:
                        answer = rule(self.sees(**row))
                except RULE_ERRORS as error:
                    slow += isinstance(error, TooSlow)
                    if slow == MOST_SLOW:
                        ballot.count(posts[at:], at, error, given_up=len(posts) - at - 1)
                        break
                    ballot.count(posts[at], at, error)
                labels.append(self._label(answer))
        ballot.labels = pl.Series(self.name, labels, pl.String).extend_constant(None, len(posts) - len(labels))
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
        if self.numbers and isinstance(answer, int | np.integer) and -1 <= answer < len(self.numbers):
            return None if answer == -1 else self.numbers[answer]
        if isinstance(answer, bool | np.bool_):
            return self._true() if answer else None
        if answer is None or isinstance(answer, str):
            return answer or None
        ways = f"-1 to {len(self.numbers) - 1}" if self.numbers else "True, False"
        raise LabelingError(f"{self.name} returned {answer!r} for a post; return {ways}, a label or None")

    def _true(self) -> str:
        if self.label is None:
            raise LabelingError(f"{self.name} returns true or false but names no label; say @labeling_function(LABEL)")
        return self.label


@dataclass
class Ballot:
    """What one rule said of a batch."""

    labels: pl.Series
    failed: list[int] = field(default_factory=list)  #: the rows on which the rule raised
    first_errors: list[str] = field(default_factory=list)  #: what it raised on the first of them, with the post's id
    given_up: int = 0  #: rows among those that failed which the rule was not asked about, or not to the end, for want of time

    @property
    def errors(self) -> int:
        """On how many posts the rule raised."""
        return len(self.failed)

    def count(self, posts: pl.DataFrame, row: int, error: BaseException, *, given_up: int = 0) -> None:
        """Count an error on all of `posts`, which begin at `row`, and keep it if it is among the first."""
        self.given_up += given_up
        self.failed += range(row, row + len(posts))
        if len(self.first_errors) < FIRST_ERRORS:
            at = posts["id"][0] if "id" in posts.columns and len(posts) else "a post"
            said = str(error).partition("\n")[0][:LONGEST_ERROR]
            self.first_errors.append(f"{at}: {type(error).__name__}: {said}")


def ballots(functions: Sequence[LabelingFunction], posts: pl.DataFrame) -> list[Ballot]:
    """Return the ballot of each function on `posts`, in order.

    All rules that are expressions run in one pass over the columns, on every core; the others run after one another.
    """
    together = _in_one_pass(functions, _visible(posts))
    return [Ballot(together[each.name]) if each.name in together else each.vote(posts) for each in functions]


def _in_one_pass(functions: Sequence[LabelingFunction], posts: pl.DataFrame) -> dict[str, pl.Series]:
    votes = [
        pl.when(each.rule).then(pl.lit(each.label, pl.String)).alias(each.name)
        for each in functions
        if isinstance(each.rule, pl.Expr)
    ]
    try:
        return posts.lazy().select(votes).collect(engine="streaming").to_dict() if votes else {}
    except pl.exceptions.PolarsError:
        return {}  # one of them can't run on these posts: each finds out for itself


def _visible(posts: pl.DataFrame) -> pl.DataFrame:
    return posts.select(name for name in VISIBLE if name in posts.columns)


def labeling_function(
    label: str | None = None, *, name: str | None = None, per_post: bool = False, limit_s: float | None = None
) -> Callable[[Callable[[Any], Any]], LabelingFunction]:
    """Turn a function of a batch (or, with `per_post`, of one `Post`) into a labelling function.

    A rule on one post that takes longer than `limit_s` seconds (by default `LIMIT_S`) abstains on that post, as one that
    raises does; a rule on a batch that takes longer than that (`BATCH_LIMIT_S`) abstains on the batch.
    """
    limit_s = limit_s or (LIMIT_S if per_post else BATCH_LIMIT_S)

    def decorate(rule: Callable[[Any], Any]) -> LabelingFunction:
        return LabelingFunction(name or rule.__name__, label, rule, version(rule, str(label), str(per_post)), per_post, limit_s)

    return decorate
