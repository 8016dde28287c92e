"""The posts behind the numbers of a labelling function: where it is wrong, where others say otherwise, where it is silent."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl

from goldstream.errors import LabelingError
from goldstream.labeling.analysis import codes, together

Number = Literal["wrong", "conflicts", "uncovered"]
LONGEST_SHOWN = 240  #: characters of a post

_MEANING = {
    "wrong": "votes against the gold label of dev",
    "conflicts": "votes, and another function votes otherwise",
    "uncovered": "abstains",
}


@dataclass(frozen=True)
class Behind:
    """Some of the posts behind a number, and how many there are."""

    function: str
    number: Number
    count: int  #: posts behind the number
    kept_back: int  #: those of them that are in test, which are not shown: a rule written on test tests nothing
    posts: list[dict[str, Any]]  #: id, split, text, gold (dev only), the function's vote and those of the others

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return dict(vars(self))

    def text(self) -> str:
        """Return it as a person reads it."""
        held = f", {self.kept_back:,} of them in test and not shown" if self.kept_back else ""
        lines = [f"{self.function} {_MEANING[self.number]}: {self.count:,} post{'s' * (self.count != 1)}{held}"]
        for post in self.posts:
            said = [f"votes {post['vote'] or 'nothing'}", *([f"gold {post['gold']}"] if post["gold"] else [])]
            said += [f"{name} votes {vote}" for name, vote in post["others"].items()]
            lines += ["", f"{post['id']} ({post['split']}): {', '.join(said)}", f"    {excerpt(post['text'])}"]
        if (left := self.count - self.kept_back - len(self.posts)) > 0:
            lines += ["", f"and {left:,} more; --limit shows more of them"]
        return "\n".join(lines)


def behind(votes: pl.DataFrame, posts: pl.DataFrame, function: str, number: Number, limit: int) -> Behind:
    """Return up to `limit` of the posts behind a number of `function`, a column of `votes`; `posts` has `split` and `gold`.

    Uncovered posts come in order of need: those whose gold label the function votes for elsewhere, then those on which
    nobody votes. Raises `LabelingError` for a function that is not among the columns.
    """
    if function not in votes.columns:
        raise LabelingError(f"no labelling function named {function!r}; there are {', '.join(votes.columns)}")
    gold = posts.select(gold=pl.when(pl.col("split") == "dev").then("gold"))["gold"]
    matrix, truth = _numbers(votes, gold)
    j = votes.columns.index(function)
    voted = matrix[:, j] >= 0
    masks = {
        "wrong": voted & (truth >= 0) & (truth != matrix[:, j]),
        "conflicts": together(matrix)[1][:, j],
        "uncovered": ~voted,
    }
    missed = np.isin(truth, np.unique(matrix[voted, j]))
    need = np.where(voted, 0, np.where(missed, 0, np.where((matrix >= 0).any(axis=1), 2, 1)))
    in_test = (posts["split"] == "test").fill_null(False).to_numpy()
    rows = np.flatnonzero(masks[number] & ~in_test)
    rows = rows[np.argsort(need[rows], kind="stable")][:limit]
    shown = [_post(posts.row(row, named=True), gold[row], votes.row(row, named=True), function) for row in rows.tolist()]
    return Behind(function, number, int(masks[number].sum()), int((masks[number] & in_test).sum()), shown)


def excerpt(text: str, longest: int = LONGEST_SHOWN) -> str:
    r"""Return the beginning of a text on one line, without what a terminal would obey.

    >>> excerpt("red:\x1b[31m\nnew line"), excerpt("too long", 5)
    ('red: [31m new line', 'too …')
    """
    line = " ".join("".join(char if char.isprintable() else " " for char in text[: 4 * longest]).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def _numbers(votes: pl.DataFrame, gold: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    columns: Sequence[pl.Series] = [*votes.iter_columns(), gold]
    labels = sorted({label for column in columns for label in column.unique().drop_nulls()})
    return codes(votes, labels), codes(gold.to_frame(), labels)[:, 0]


def _post(post: dict[str, Any], gold: str | None, votes: dict[str, str | None], function: str) -> dict[str, Any]:
    others = {name: vote for name, vote in votes.items() if vote is not None and name != function}
    return {
        "id": post["id"], "split": post["split"], "text": post["text"], "gold": gold, "vote": votes[function], "others": others,
    }  # fmt: skip
