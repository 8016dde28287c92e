import dataclasses

import polars as pl
import pytest

from goldstream.labeling import keyword_rule, labeling_function
from goldstream.labeling.votes import vote
from goldstream.store import Store

TEXTS = {"a:1": "flood in town", "a:2": "lunch", "a:3": "a flood of mail", "a:4": "rain"}


def posts(*ids: str, revision: int = 0) -> pl.DataFrame:
    return pl.DataFrame([{"id": each, "source": "a", "revision": revision, "text": TEXTS[each]} for each in ids])


@pytest.fixture
def conn(store: Store):
    with store.connect(name="test") as conn:
        yield conn


def counted(word: str = "flood"):
    """A rule, and the ids of the posts that it has seen."""
    seen: list[str] = []

    def rule(batch):
        seen.extend(batch["id"])
        return batch["text"].str.contains(word)

    return labeling_function("disaster", name="counted")(rule), seen


def test_only_new_posts_are_voted_on(conn) -> None:
    rule, seen = counted()
    words = keyword_rule("disaster", ["flood"], name="words")
    first = vote(conn, [rule, words], posts("a:1", "a:2"), print)
    assert (first.new, seen) == (4, ["a:1", "a:2"])
    second = vote(conn, [rule, words], posts("a:3", "a:2", "a:1"), print)
    assert (second.new, seen) == (2, ["a:1", "a:2", "a:3"])
    assert second.votes["counted"].to_list() == second.votes["words"].to_list() == ["disaster", None, "disaster"]


def test_a_new_rule_votes_beside_an_old_one(conn) -> None:
    rule, _ = counted()
    vote(conn, [rule], posts("a:1", "a:2"), print)
    both = vote(conn, [keyword_rule("food", ["lunch"], name="words"), rule], posts("a:1", "a:2"), print)
    assert both.new == 2
    assert both.votes.to_dict(as_series=False) == {"words": [None, "food"], "counted": ["disaster", None]}


def test_of_many_rules_only_the_one_that_was_changed_votes_again(conn) -> None:
    rules = {word: counted(word) for word in ("flood", "lunch", "rain")}
    functions = [dataclasses.replace(rule, name=word) for word, (rule, _) in rules.items()]
    vote(conn, functions, posts("a:1", "a:2"), print)
    functions[1] = dataclasses.replace(functions[1], version="changed")
    assert vote(conn, functions, posts("a:1", "a:2", "a:3"), print).new == 1 + 3 + 1
    assert [seen for _, seen in rules.values()] == [
        ["a:1", "a:2", "a:3"],
        ["a:1", "a:2", "a:1", "a:2", "a:3"],
        ["a:1", "a:2", "a:3"],
    ]


def test_a_changed_rule_and_an_edited_post_are_voted_on_again(conn) -> None:
    rule, _ = counted()
    vote(conn, [rule], posts("a:1", "a:2"), print)
    other, seen = counted("lunch")
    assert vote(conn, [other], posts("a:1", "a:2"), print).votes["counted"].to_list() == [None, "disaster"]
    assert seen == ["a:1", "a:2"]
    assert vote(conn, [other], posts("a:1", revision=1), print).new == 1


def test_a_post_on_which_a_rule_raises_is_tried_again_and_shown(conn) -> None:
    said: list[str] = []
    broken = [True]

    @labeling_function("disaster", per_post=True)
    def moody(post):
        if broken[0] and post.id == "a:3":
            raise ValueError("the service is down\nfor long")
        return "flood" in post.text

    first = vote(conn, [moody], posts("a:1", "a:3"), said.append)
    assert first.votes["moody"].to_list() == ["disaster", None]
    assert first.errors == {"moody": (1, ["a:3: ValueError: the service is down"])}
    assert said == [
        "moody failed on 1 post and abstained there; the first:\n  a:3: ValueError: the service is down\n    a flood of mail"
    ]
    broken[0] = False
    second = vote(conn, [moody], posts("a:1", "a:3"), said.append)
    assert (second.votes["moody"].to_list(), second.errors, second.new) == (["disaster", "disaster"], {}, 1)


def test_two_processes_may_vote_at_once(conn) -> None:
    meanwhile, _ = counted()

    def rule(batch):
        vote(conn, [meanwhile], posts("a:1"), print)  # another process is faster
        return batch["text"].str.contains("flood")

    twin = dataclasses.replace(meanwhile, rule=rule)
    assert vote(conn, [twin], posts("a:1", "a:2"), print).votes["counted"].to_list() == ["disaster", None]
    assert vote(conn, [twin], posts("a:1", "a:2"), print).new == 0
