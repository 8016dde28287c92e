import polars as pl
import pytest

from goldstream.errors import LabelingError
from goldstream.labeling.show import Behind, Number, behind

#        a     b     gold  split
ROWS = [("x", "x", "x", "dev"),
        ("x", "y", "y", "dev"),
        ("x", None, "y", "test"),
        (None, "y", "y", "dev"),
        (None, None, None, "train"),
        (None, "y", "x", "dev"),
        ("x", "y", "y", "train")]  # fmt: skip
VOTES = pl.DataFrame([row[:2] for row in ROWS], schema=["a", "b"], orient="row")
POSTS = pl.DataFrame(
    {
        "id": [f"p:{row}" for row in range(len(ROWS))],
        "text": "words",
        "gold": [row[2] for row in ROWS],
        "split": [row[3] for row in ROWS],
    }
)


def shown(number: Number, function: str = "a", limit: int = 10) -> Behind:
    return behind(VOTES, POSTS, function, number, limit)


def ids(found: Behind) -> list[str]:
    return [post["id"] for post in found.posts]


def test_wrong_votes_are_those_against_gold_of_dev() -> None:
    found = shown("wrong")
    assert (ids(found), found.count, found.kept_back) == (["p:1"], 1, 0)
    assert found.posts[0] == {"id": "p:1", "split": "dev", "text": "words", "gold": "y", "vote": "x", "others": {"b": "y"}}


def test_conflicts_name_who_says_otherwise() -> None:
    assert ids(shown("conflicts")) == ids(shown("conflicts", "b")) == ["p:1", "p:6"]
    assert shown("conflicts").posts[1]["gold"] is None  # gold outside dev is not shown


def test_what_is_missed_comes_first_among_the_uncovered_and_what_nobody_covers_second() -> None:
    assert ids(shown("uncovered")) == ["p:5", "p:4", "p:3"]


def test_posts_of_test_are_counted_and_not_shown() -> None:
    found = shown("uncovered", "b")
    assert (ids(found), found.count, found.kept_back) == (["p:4"], 2, 1)
    assert "2 posts, 1 of them in test and not shown" in found.text()


def test_a_limit_is_said() -> None:
    found = shown("uncovered", limit=1)
    assert (len(found.posts), found.count) == (1, 3)
    assert found.text().endswith("and 2 more; --limit shows more of them")


def test_an_unknown_function_is_refused() -> None:
    with pytest.raises(LabelingError, match="no labelling function named 'c'; there are a, b"):
        shown("wrong", "c")
