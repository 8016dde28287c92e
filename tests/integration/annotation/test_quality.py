"""What answers say of the model, however the questions were drawn."""

from goldstream.annotation import answers, rounds
from goldstream.annotation.quality import FEWEST, from_answers
from goldstream.settings import Annotation


def test_the_truth_lies_within_the_intervals_though_the_draw_preferred_some_posts(collected):
    # The champion scores t:1 … t:100 with n / 100, so from 0.5 on it keeps t:50 … t:100. The truth: odd ones are to be kept.
    section = Annotation(round=80, mix={"random": 1, "uncertain": 3})
    rounds.draw_round(collected, section, keep=0, reader="classify", seed=3)
    asked = [row[0] for row in collected.execute("SELECT post_id FROM questions WHERE version = 1")]
    for post in asked:
        answers.answer(collected, post, "ann", "keep" if int(post[2:]) % 2 else "other")
    found = from_answers(collected, keep="keep", version=1, threshold=0.495)
    assert found["answers"] == len(asked)
    for name, truth in (("precision", 25 / 51), ("recall", 25 / 50), ("share", 0.5)):
        assert found[name]["low"] <= truth <= found[name]["high"], name


def test_nothing_is_said_of_a_few_answers_or_of_another_version(collected):
    rounds.draw_round(collected, Annotation(round=FEWEST - 5), keep=0, reader="classify", seed=1)
    for (post,) in collected.execute("SELECT post_id FROM questions").fetchall():
        answers.answer(collected, post, "ann", "keep")
    assert from_answers(collected, keep="keep", version=1, threshold=0.5) is None
    assert from_answers(collected, keep="keep", version=2, threshold=0.5) is None
