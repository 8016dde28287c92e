import sys
import threading
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from goldstream.errors import LabelingError
from goldstream.labeling import LabelingFunction, keyword_rule, labeling_function, load, lookup_rule, regex_rule
from goldstream.labeling.functions import MOST_ERRORS, MOST_SLOW, ballots
from goldstream.records import Post, to_columns

POSTS = pl.DataFrame(
    pl.from_arrow(
        to_columns(
            [
                Post(id="a:1", source="a", text="Flood in town", author="ann", links=["https://www.News.example/x"], lang="en"),
                Post(id="a:2", source="a", text="flooded with mail", author="bob", tags=["Rain"], extra={"gold": "flood"}),
                Post(id="a:3", source="a", text="lunch", links=["https://example.org", "http://news.example:80?q"]),
            ]
        )
    )
)


def test_a_keyword_rule_votes_where_a_whole_word_stands() -> None:
    assert keyword_rule("flood", ["flood"], name="f")(POSTS).to_list() == ["flood", None, None]
    assert keyword_rule("flood", ["flood*"], name="f")(POSTS).to_list() == ["flood", "flood", None]


def test_a_regex_rule_speaks_rust() -> None:
    assert regex_rule("flood", r"(?i)\bflood\b", name="f")(POSTS).to_list() == ["flood", None, None]
    with pytest.raises(LabelingError, match="not a regular expression"):
        regex_rule("flood", r"(?=x)", name="f")


@pytest.mark.parametrize("words", [[], [""], ["flood", "*"], "flood"])
def test_a_keyword_rule_needs_words(words: list[str]) -> None:
    with pytest.raises(LabelingError, match="needs words"):
        keyword_rule("flood", words, name="f")


@pytest.mark.parametrize(
    ("column", "values", "votes"),
    [
        ("author", ["BOB"], [None, "x", None]),
        ("links", ["news.example"], ["x", None, "x"]),
        ("tags", ["rain"], [None, "x", None]),
        ("lang", ["de"], [None, None, None]),
    ],
)
def test_a_lookup_rule_finds_values_and_hosts(column: str, values: list[str], votes: list[str | None]) -> None:
    assert lookup_rule("x", column=column, values=values, name="f")(POSTS).to_list() == votes


@pytest.mark.parametrize("column", ["likes", "created_at", "extra"])
def test_a_lookup_rule_needs_a_column_of_texts(column: str) -> None:
    with pytest.raises(LabelingError, match=f"no column '{column}' of texts; there are id, source, "):
        lookup_rule("x", column=column, values=["a"], name="f")


@pytest.mark.parametrize(
    "answer",
    [
        lambda posts: posts["text"] == "lunch",
        lambda posts: pl.col("text") == "lunch",
        lambda posts: (posts["text"] == "lunch").to_numpy(),
        lambda posts: [None, False, True],
        lambda posts: pl.Series([None, None, "x"]),
        lambda posts: np.array([None, None, "x"]),
    ],
)
def test_a_rule_may_answer_with_any_column(answer) -> None:
    assert labeling_function("x", name="f")(answer)(POSTS).to_list() == [None, None, "x"]


def test_a_rule_on_one_post_returns_true_a_label_or_none() -> None:
    answers = {"a:1": True, "a:2": "other", "a:3": None}
    rule = labeling_function("flood", name="f", per_post=True)(lambda post: answers[post.id])
    assert rule(POSTS).to_list() == ["flood", "other", None]
    assert labeling_function("flood", name="f", per_post=True)(lambda post: np.bool_(post.id == "a:3"))(POSTS)[2] == "flood"


@pytest.mark.parametrize("per_post", [False, True])
def test_no_rule_sees_the_truth(per_post: bool) -> None:
    seen = []

    @labeling_function("x", per_post=per_post)
    def peek(posts):
        seen.append(posts)
        return False if per_post else posts["text"].is_null()

    with_gold = POSTS.with_columns(gold=pl.lit("flood"), split=pl.lit("test"), stratum=pl.lit("topic"), weight=1.0)
    assert peek(with_gold).to_list() == [None] * 3
    shown = {name for each in seen for name in (each.__struct_fields__ if per_post else each.columns)}
    assert not shown & {"gold", "split", "stratum", "weight"}
    assert all(each.extra == {} for each in seen) if per_post else "extra" not in shown


def test_a_batch_rule_that_raises_on_one_post_abstains_there_alone() -> None:
    @labeling_function("x")
    def picky(posts):
        if "a:2" in posts["id"]:
            raise ValueError("no such thing")
        return posts["text"] != ""

    ballot = picky.vote(POSTS)
    assert ballot.labels.to_list() == ["x", None, "x"]
    assert (ballot.errors, ballot.first_errors) == (1, ["a:2: ValueError: no such thing"])


def test_a_rule_on_one_post_that_raises_abstains_and_is_counted() -> None:
    @labeling_function("x", per_post=True)
    def picky(post):
        return len(post.links[0]) > 0

    ballot = picky.vote(POSTS)
    assert ballot.labels.to_list() == ["x", None, "x"]
    assert ballot.first_errors == ["a:2: IndexError: list index out of range"]


def test_a_rule_that_always_raises_is_given_up_before_long() -> None:
    calls = []

    @labeling_function("x")
    def broken(posts):
        calls.append(len(posts))
        raise KeyError("oh")

    many = pl.DataFrame({"id": [f"a:{number}" for number in range(100_000)]})
    ballot = broken.vote(many)
    assert (ballot.errors, len(ballot.labels), ballot.labels.null_count()) == (100_000, 100_000, 100_000)
    assert len(ballot.first_errors) == 3
    assert len(calls) < 3 * MOST_ERRORS


def test_a_rule_that_takes_too_long_abstains() -> None:
    @labeling_function("x", per_post=True, limit_s=0.05)
    def slow(post):
        try:
            while post.id == "a:2":
                pass
        except Exception:  # swallows everything it can
            return "swallowed"
        return True

    ballot = slow.vote(POSTS)
    assert ballot.labels.to_list() == ["x", None, "x"]
    assert ballot.first_errors == ["a:2: TooSlow: not done after 0.05 s"]


def test_a_rule_that_is_always_too_slow_is_given_up() -> None:
    calls = []

    @labeling_function("x", per_post=True, limit_s=0.01)
    def slow(post):
        calls.append(post.id)
        time.sleep(1)

    many = pl.DataFrame({"id": [f"a:{number}" for number in range(1_000)], "source": "a"})
    ballot = slow.vote(many)
    assert (len(calls), ballot.errors, ballot.labels.to_list()) == (MOST_SLOW, 1_000, [None] * 1_000)
    assert ballot.given_up == 1_000 - MOST_SLOW


@pytest.mark.parametrize("per_post", [True, False])
def test_what_a_rule_does_to_its_process_is_caught(per_post: bool) -> None:
    @labeling_function("x", per_post=per_post)
    def leaves(post):
        sys.exit("I have seen enough")

    ballot = leaves.vote(POSTS)
    assert (ballot.errors, ballot.first_errors[0]) == (3, "a:1: SystemExit: I have seen enough")


def test_a_batch_rule_that_takes_too_long_abstains_on_the_batch() -> None:
    calls = []

    @labeling_function("x", limit_s=0.05)
    def hangs(posts):
        calls.append(len(posts))
        while True:
            pass

    ballot = hangs.vote(POSTS)
    assert (calls, ballot.errors, ballot.given_up, ballot.labels.to_list()) == ([3], 3, 3, [None] * 3)
    assert ballot.first_errors == ["a:1: TooSlow: not done after 0.05 s"]


def test_rules_vote_together_as_they_do_alone() -> None:
    many = pl.concat([POSTS] * 5_000)
    rules = [
        keyword_rule("flood", ["flood*"], name="words"),
        labeling_function("x", name="slow", per_post=True)(lambda post: post.id == "a:3"),
        regex_rule("flood", "(?i)^lunch$", name="pattern"),
        lookup_rule("news", column="links", values=["news.example"], name="links"),
    ]
    assert [each.labels.to_list() for each in ballots(rules, many)] == [rule(many).to_list() for rule in rules]


def test_a_rule_that_cannot_run_spoils_no_other() -> None:
    rules = [lookup_rule("x", column="author", values=["ann"], name="a"), keyword_rule("x", ["flood"], name="b")]
    broken, words = ballots(rules, POSTS.drop("author"))
    assert (broken.errors, words.labels.to_list()) == (3, ["x", None, None])
    assert "author" in broken.first_errors[0]


def test_outside_the_main_thread_there_is_no_time_limit() -> None:
    rule = labeling_function("x", name="f", per_post=True, limit_s=0.001)(lambda post: time.sleep(0.003) is None)
    votes: list[str | None] = []
    thread = threading.Thread(target=lambda: votes.extend(rule(POSTS).to_list()))
    thread.start()
    thread.join()
    assert votes == ["x"] * 3


@pytest.mark.parametrize(
    ("per_post", "label", "answer", "message"),
    [
        (False, "x", lambda posts: [True], "1 answers for 3 posts"),
        (False, "x", lambda posts: True, "per_post=True"),
        (False, None, lambda posts: posts["text"] == "", "names no label"),
        (True, None, lambda post: True, "names no label"),
        (True, "x", lambda post: 1, "returned 1 for a post"),
    ],
)
def test_what_is_no_vote_is_refused(per_post: bool, label: str | None, answer, message: str) -> None:
    with pytest.raises(LabelingError, match=message):
        labeling_function(label, name="f", per_post=per_post)(answer)(POSTS)


def test_no_posts_make_no_votes() -> None:
    for rule in (keyword_rule("x", ["a"], name="f"), labeling_function("x", name="g", per_post=True)(lambda post: True)):
        assert rule(POSTS[:0]).to_list() == []


def written(folder: Path, text: str) -> list[LabelingFunction]:
    path = folder / "labeling.py"
    path.write_text("from goldstream.labeling import keyword_rule, labeling_function\n" + text)
    return load(path)


def test_functions_come_in_the_order_of_the_file_and_once_each(tmp_path: Path) -> None:
    found = written(tmp_path, "b = keyword_rule('x', ['b'], name='b')\na = keyword_rule('x', ['a'], name='a')\nagain = b\n")
    assert [function.name for function in found] == ["b", "a"]


def test_functions_may_stand_in_a_list(tmp_path: Path) -> None:
    found = written(tmp_path, "rules = [keyword_rule('x', [word], name=word) for word in ('a', 'b')]\nfirst = rules[0]\n")
    assert [function.name for function in found] == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1", "no labelling functions in it"),
        ("x = = 1", r"SyntaxError: .*line 2"),
        ("def f():\n    boom\nf()", r"NameError: name 'boom' is not defined \(line 3\)"),
        ("import nothing_of_this_name", "ModuleNotFoundError"),
        (
            "a = keyword_rule('x', ['a'], name='a')\nb = keyword_rule('x', ['b'], name='a')",
            "two labelling functions are named a",
        ),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(LabelingError, match=message):
        written(tmp_path, text)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(LabelingError, match=r"labeling\.functions in goldstream\.toml names it"):
        load(tmp_path / "labeling.py")
