"""The bundled sample: the same everywhere, varied, hard, and with its truth kept apart."""

import hashlib
import tomllib
from collections import Counter
from itertools import islice
from pathlib import Path

import polars as pl
import pytest

from goldstream.errors import SourceError
from goldstream.keywords import has_words
from goldstream.records import to_columns, to_json
from goldstream.sources.sample import POSTS, Sample, SampleSettings, events, gold
from goldstream.sources.sample_text import judged_ai, judged_other, learnt_ai, learnt_other
from goldstream.sources.sample_text.compose import lines
from goldstream.sources.sample_text.events import Event

EXAMPLE = Path(__file__).parents[3] / "examples" / "ai-links"


@pytest.fixture(scope="module")
def stream() -> list[Event]:
    return list(events())


@pytest.fixture(scope="module")
def created(stream: list[Event]) -> list[Event]:
    return [event for event in stream if event.post.kind == "create"]


def ids(settings: SampleSettings, cursor: str | None = None) -> list[tuple[str, str]]:
    found = []
    for arrival in Sample(settings).read(cursor):
        found += zip(arrival.posts["id"].to_pylist(), arrival.posts["kind"].to_pylist(), strict=True)
    return found


# The same everywhere.


def test_the_stream_is_the_same_on_every_machine_and_python():
    text = "\n".join(
        f"{e.post.id} {e.post.kind} {e.post.revision} {e.post.author} {e.post.text}" for e in islice(events(), 5_000)
    )
    assert hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16] == "f2099f30707a0ee9"


def test_another_seed_is_another_stream_with_other_ids():
    first, second = ({event.post.id for event in events(seed, 200)} for seed in (0, 1))
    assert not first & second


def test_a_shorter_stream_has_exactly_its_posts():
    assert sum(event.post.kind == "create" for event in events(3, 1_234)) == 1_234


# Resuming.


def test_reading_on_from_any_cursor_repeats_and_skips_nothing():
    settings = SampleSettings(posts=5_000)
    whole = ids(settings)
    assert len(whole) > 5_000
    for arrival in Sample(settings).read(None):
        assert ids(settings, arrival.cursor) == whole[int(arrival.cursor or 0) :]
    assert ids(settings, "17") == whole[17:]
    assert ids(settings, str(len(whole))) == []


def test_a_cursor_of_another_source_is_refused():
    with pytest.raises(SourceError, match="not a number of events"):
        next(Sample(SampleSettings()).read("abc"))


def test_with_a_rate_the_end_comes_slowly_and_the_beginning_does_not():
    source = Sample(SampleSettings(posts=1_000, live_after=990, rate=1_000_000.0))
    arrivals = list(source.read(None))
    assert arrivals[0].posts.num_rows == 990
    assert sum(arrival.posts.num_rows for arrival in arrivals) == len(ids(SampleSettings(posts=1_000)))


def test_an_idle_source_says_nothing_yet_and_ends_when_closed():
    source = Sample(SampleSettings(rate=0.001))
    read = source.read(None)
    assert next(read).posts.num_rows == 0
    source.close()
    source.close()
    assert list(read) == []


# Variety.


def test_there_are_at_least_20_000_distinct_posts(created: list[Event]):
    assert len(created) == POSTS
    assert len({event.post.text for event in created}) >= 20_000


def test_a_fifth_or_a_quarter_is_about_ai(created: list[Event]):
    about = sum(event.topic is not None and event.topic.label == "ai" for event in created)
    assert 0.15 <= about / len(created) <= 0.25


def test_most_posts_are_english_and_five_other_languages_occur(created: list[Event]):
    langs = Counter(event.post.lang for event in created)
    assert langs["en"] > 0.7 * len(created)
    assert min(langs[lang] for lang in ("es", "de", "fr", "ja", "pt")) > 100


def test_posts_carry_what_posts_carry(created: list[Event]):
    posts = [event.post for event in created]
    assert sum(bool(post.links) for post in posts) > 8_000
    assert sum(len(post.links) > 1 for post in posts) > 500
    assert sum("utm_" in post.text for post in posts) > 500
    assert sum("//short.example/" in post.text for post in posts) > 500
    assert sum(bool(post.tags) for post in posts) > 2_000
    assert sum(post.text.startswith("@") for post in posts) > 500
    assert sum(post.repost_of is not None for post in posts) > 300
    assert sum(post.reply_to is not None for post in posts) > 500
    assert sum(bool(post.media) for post in posts) > 2_000


def test_links_lead_nowhere(created: list[Event]):
    hosts = {link.split("/")[2] for event in created for link in event.post.links if link.startswith("https://")}
    reserved = (".example", "example.com", "example.org", "example.net")
    assert [host for host in hosts if not host.endswith(reserved)] == []


def test_spam_is_one_text_from_many_accounts(created: list[Event]):
    campaigns = set(lines(learnt_other.CAMPAIGNS))
    by = Counter(event.skeleton for event in created if event.skeleton in campaigns)
    assert len(by) >= 6 and min(by.values()) > 50
    authors = {event.post.author for event in created if event.skeleton == by.most_common(1)[0][0]}
    assert len(authors) > 50


def test_edits_keep_the_id_and_raise_the_revision(stream: list[Event]):
    revisions: dict[str, int] = {}
    edits = 0
    for event in stream:
        if event.post.kind == "create":
            revisions[event.post.id] = event.post.revision
        elif event.post.kind == "update":
            edits += 1
            assert event.post.revision > revisions[event.post.id]
    assert edits > 200


def test_some_deletions_overtake_their_post(stream: list[Event]):
    created_at: dict[str, int] = {}
    deleted_at: dict[str, int] = {}
    for place, event in enumerate(stream):
        {"create": created_at, "delete": deleted_at}.get(event.post.kind, {}).setdefault(event.post.id, place)
    early = [post for post, place in deleted_at.items() if place < created_at[post]]
    assert len(deleted_at) > 200
    assert 10 < len(early) < 100


def test_a_few_accounts_are_deleted_and_silent_from_then_on(stream: list[Event]):
    gone = {event.post.author: event.post.revision for event in stream if event.post.kind == "forget"}
    assert 3 <= len(gone) <= 10
    assert [e for e in stream if e.post.kind != "forget" and e.post.revision > gone.get(e.post.author, 1 << 62)] == []


def test_some_things_are_broken_on_purpose(created: list[Event]):
    posts = [event.post for event in created]
    assert any("\x00" in post.text for post in posts)
    assert any(len(post.text) == 150_000 for post in posts)
    assert any(post.created_at is not None and post.created_at.year == 2999 for post in posts)
    assert any("<script>" in post.text for post in posts)
    assert any(len(post.tags) == 400 for post in posts)
    rejects = [reject for arrival in Sample(SampleSettings()).read(None) for reject in arrival.rejects]
    assert [reject.where for reject in rejects] == ["event 1500", "event 9000"]


def test_the_vocabulary_shifts_half_way(created: list[Event]):
    half = len(created) // 2
    early, late = (" ".join(e.post.text for e in part if e.topic) for part in (created[:half], created[half:]))
    assert early.count("Heron 2") > 50 > 5 > late.count("Heron 2")
    assert late.count("Magpie") > 100 > 5 > early.count("Magpie")


# The truth.


def test_judged_and_learnt_sentences_have_nothing_in_common(created: list[Event]):
    judged, learnt = ({e.skeleton for e in created if e.judged is side} for side in (True, False))
    assert not judged & learnt
    written = [text for module in (judged_ai, judged_other) for text in module.TOPICS.values()]
    assert judged <= {line for text in written for line in lines(text)}
    written = [text for module in (learnt_ai, learnt_other) for text in module.TOPICS.values()]
    assert learnt <= {line for text in [*written, learnt_other.CAMPAIGNS] for line in lines(text)}


def test_judged_and_learnt_authors_have_nothing_in_common(created: list[Event]):
    judged, learnt = ({e.post.author for e in created if e.judged is side} for side in (True, False))
    assert not judged & learnt


def test_gold_is_of_judged_posts_alone_and_nowhere_in_the_stream(created: list[Event]):
    truth = gold()
    assert set(truth) == {event.post.id for event in created if event.judged}
    assert len(truth) > 4_000
    assert Counter(truth.values())["ai"] > 1_000
    assert not any(event.post.extra for event in created)
    assert not any(b"judged" in to_json(event.post) for event in created[:500])


@pytest.mark.parametrize("seed", [0, 1])
def test_keywords_alone_are_not_enough(seed: int):
    topic = tomllib.loads((EXAMPLE / "goldstream.toml").read_text())["strata"]["topic"]
    judged = [event for event in events(seed) if event.judged and event.post.kind == "create" and event.topic]
    texts = pl.from_arrow(to_columns([event.post for event in judged]))
    assert isinstance(texts, pl.DataFrame)
    said = texts.select(has_words(pl.col("text"), topic)).to_series()
    true = pl.Series([event.topic.label == "ai" for event in judged if event.topic])
    f1 = 2 * (said & true).sum() / (said.sum() + true.sum())
    assert 0.6 <= f1 <= 0.75
