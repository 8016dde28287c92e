"""Who is asked what, by whom it is answered, and what counts in the end."""

import threading
from typing import Any

import pytest

from goldstream.annotation import answers, questions, rounds
from goldstream.annotation.posts import words
from goldstream.settings import Annotation

SECTION = Annotation(round=40)


def ask(conn: Any, me: str, limit: int = 5, overlap: int = 1, have: tuple[str, ...] = ()) -> list[str]:
    return [q["post_id"] for q in questions.next_for(conn, me, overlap=overlap, limit=limit, have=list(have))]


def drawn(conn: Any, section: Annotation = SECTION) -> rounds.Drawn:
    return rounds.draw_round(conn, section, keep=0, reader="classify", seed=1)


def test_a_round_draws_from_every_live_distinct_post(collected):
    found = drawn(collected, Annotation(round=1_000))
    assert found == rounds.Drawn(198, 198)
    rows = collected.execute("SELECT min(chance), max(chance), count(DISTINCT place) FROM questions").fetchone()
    assert rows == (1.0, 1.0, 198)


def test_each_strategy_asks_about_what_it_likes(collected):
    section = Annotation(round=60, mix={"rules-in-conflict": 1, "uncovered": 1, "model-against-rules": 1, "uncertain": 1})
    drawn(collected, section)
    asked = {
        name: {int(post.removeprefix("t:")) for post in posts}
        for name, posts in collected.execute("SELECT strategy, array_agg(post_id) FROM questions GROUP BY 1")
    }
    assert asked["rules-in-conflict"] <= set(range(41, 51))
    assert asked["uncovered"] <= set(range(61, 200))
    assert asked["model-against-rules"] <= set(range(1, 61))
    assert asked["uncertain"] <= set(range(1, 100))


def test_candidates_are_asked_about_too_before_there_is_a_dataset(conn, keep):
    keep("s:1", "hello")
    assert drawn(conn) == rounds.Drawn(1, 1)
    assert ask(conn, "ann") == ["s:1"]
    assert words(conn, ["s:1", "s:2"])["s:1"]["text"] == "hello"


def test_nobody_is_asked_twice_and_no_two_people_the_same(collected):
    drawn(collected)
    ann, bob = ask(collected, "ann"), ask(collected, "bob")
    assert not set(ann) & set(bob)
    assert ask(collected, "ann") == ann  # what is on the screen comes again after the page is loaded anew
    for post in ann:
        answers.answer(collected, post, "ann", "keep")
    later = [post for _ in range(8) for post in _answered(collected, ask(collected, "ann"))]
    assert len(set(later)) == len(later)
    assert not set(later) & {*ann, *bob}


def _answered(conn: Any, posts: list[str]) -> list[str]:
    for post in posts:
        answers.answer(conn, post, "ann", "keep")
    return posts


def test_with_an_overlap_of_two_everybody_is_asked_until_two_have_answered(collected):
    drawn(collected)
    first = ask(collected, "ann", overlap=2)
    assert ask(collected, "bob", overlap=2) == first
    assert not set(ask(collected, "cy", overlap=2)) & set(first)
    for me in ("ann", "bob"):
        answers.answer(collected, first[0], me, "keep", overlap=2)
    assert collected.execute("SELECT answers, open FROM questions WHERE post_id = %s", (first[0],)).fetchone() == (2, False)


def test_what_somebody_left_on_the_screen_comes_to_others_when_the_loan_ends(collected):
    drawn(collected)
    left = ask(collected, "ann")
    collected.execute("UPDATE loans SET until = now()")
    assert ask(collected, "bob") == left


def test_a_skip_is_for_good_and_for_one_person(collected):
    drawn(collected)
    post = ask(collected, "ann", 1)[0]
    answers.answer(collected, post, "ann", None, act="skip")
    everything = ask(collected, "ann", 1_000)
    assert post not in everything
    collected.execute("DELETE FROM loans")
    assert post in ask(collected, "bob", 1_000)


def test_undo_asks_the_same_again(collected):
    drawn(collected)
    post = ask(collected, "ann", 1)[0]
    answers.answer(collected, post, "ann", "keep")
    assert answers.undo(collected, "ann") == [post]
    assert answers.undo(collected, "ann") == []
    query = "SELECT label, answers, open FROM questions LEFT JOIN gold USING (post_id) WHERE post_id = %s"
    assert collected.execute(query, (post,)).fetchone() == (None, 0, True)
    assert post in ask(collected, "ann", 1_000)
    assert [row[0] for row in collected.execute("SELECT act FROM annotations ORDER BY id")] == ["answer", "undo"]


def test_an_answer_remembers_who_asked_and_with_what_chance(collected):
    drawn(collected)
    question = questions.next_for(collected, "ann", overlap=1, limit=1)[0]
    answers.answer(collected, question["post_id"], "ann", "other", note=" hm\x00 ", seconds=2.5, shown={"probability": 0.5})
    row = collected.execute("SELECT strategy, chance, round, note, seconds, shown FROM annotations").fetchone()
    assert row == (question["strategy"], question["chance"], question["round"], "hm", 2.5, {"probability": 0.5})


def test_gold_is_what_all_agree_on_or_what_was_adjudicated(conn):
    def gold() -> tuple[Any, ...] | None:
        return conn.execute("SELECT label, annotators, adjudicated FROM gold").fetchone()

    answers.answer(conn, "p", "ann", "keep")
    assert gold() == ("keep", 1, False)
    answers.answer(conn, "p", "bob", "other")
    assert gold() is None
    answers.answer(conn, "p", "cy", "other", act="adjudicate")
    assert gold() == ("other", 2, True)
    answers.answer(conn, "p", "cy", None, act="adjudicate")
    assert gold() is None
    answers.answer(conn, "p", "ann", "other")
    assert gold() == ("other", 2, False)


def test_many_are_labelled_at_once_and_taken_back_at_once(collected):
    posts = {f"t:{n}": 1 for n in range(1, 21)}
    batch = answers.label_many(collected, posts, "keep", "ann", strategy="search")
    answers.answer(collected, "t:1", "ann", "other")
    assert len(answers.take_back(collected, "ann", batch)) == 19
    assert collected.execute("SELECT post_id, label FROM gold").fetchall() == [("t:1", "other")]
    answers.label_many(collected, posts, "keep", "ann", strategy="search")
    assert len(answers.undo(collected, "ann")) == 20


@pytest.mark.parametrize("overlap", [1, 2])
def test_two_who_answer_at_once_lose_nothing(collected, store, overlap):
    drawn(collected)
    posts = [row[0] for row in collected.execute("SELECT post_id FROM questions LIMIT 20")]

    def work(me: str) -> None:
        with store.connect(name=me) as mine:
            for post in posts:
                answers.answer(mine, post, me, "keep", overlap=overlap)

    people = [threading.Thread(target=work, args=(me,)) for me in ("ann", "bob", "cy")]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert collected.execute("SELECT count(*) FROM latest_answers").fetchone() == (60,)
    assert collected.execute("SELECT count(*) FROM questions WHERE answers = 3 AND NOT open").fetchone() == (20,)


def test_a_second_round_asks_about_other_posts(collected):
    drawn(collected)
    first = {row[0] for row in collected.execute("SELECT post_id FROM questions")}
    assert drawn(collected, Annotation(round=len(first))) == rounds.Drawn(0, 0)  # enough wait
    collected.execute("UPDATE questions SET answers = 1")
    again = rounds.draw_round(collected, SECTION, keep=0, reader="classify", seed=2)
    assert again.pool == 198 - len(first)
    assert collected.execute("SELECT count(*) FROM questions").fetchone() == (len(first) + again.drawn,)
