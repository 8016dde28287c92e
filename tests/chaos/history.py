"""A known stream: posts, edits, deletions, deletions of accounts, and repeats; and what must be left of it in the end."""

import random
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from goldstream.models.ngram_bag import NgramBag
from goldstream.records import Post

LABELS = ("other", "ai")
_ABOUT = ["model", "neural", "network", "training", "learning", "inference", "weights", "tokens"]
_OTHER = ["garden", "rain", "football", "soup", "holiday", "train", "bicycle", "music"]
REPEAT = 0.03  #: share of events that come again, late


class Left(NamedTuple):
    """What one pass over all events comes to."""

    live: dict[str, tuple[int, bool]]  #: id → newest revision, and whether it is about the topic
    links: set[tuple[str, str]]  #: id and link, of the posts that are kept


def events(count: int, seed: int) -> Iterator[Post]:
    """Yield `count` events; the same for the same seed."""
    choose = random.Random(seed)
    alive: list[str] = []
    past: list[Post] = []
    for revision in range(1, count + 1):
        if past and choose.random() < REPEAT:
            yield choose.choice(past)
            continue
        event = _event(choose, alive, revision)
        past = [*past[-200:], event]
        yield event


def _event(choose: random.Random, alive: list[str], revision: int) -> Post:
    draw = choose.random()
    if draw < 0.003 and alive:
        author = _author(choose.choice(alive))
        return Post(id=f"chaos:{author}", source="chaos", kind="forget", revision=revision, author=author)
    if draw < 0.08 and alive:
        gone = choose.choice(alive[-5_000:])
        return Post(id=gone, source="chaos", kind="delete", revision=revision, author=_author(gone))
    kind = "update" if draw < 0.16 and alive else "create"
    post_id = choose.choice(alive[-5_000:]) if kind == "update" else f"chaos:{revision}"
    if kind == "create":
        alive.append(post_id)
    words = _ABOUT if choose.random() < 0.2 else _OTHER
    links = [f"https://news.example/{choose.randrange(500)}"] if choose.random() < 0.3 else []
    text = " ".join(choose.choices(words, k=8)) + f" {revision}"
    return Post(
        id=post_id, source="chaos", kind=kind, revision=revision, author=_author(post_id), text=text, links=links  # type: ignore[arg-type]
    )  # fmt: skip


def _author(post_id: str) -> str:
    return f"author{int(post_id.split(':')[1]) // 20}"


def left(history: Iterator[Post]) -> Left:
    """The rules, written down as plainly as possible."""
    deleted: dict[str, int] = {}
    forgotten: dict[str | None, int] = {}
    newest: dict[str, Post] = {}
    for event in history:
        if event.kind == "delete":
            deleted[event.id] = max(event.revision, deleted.get(event.id, 0))
        elif event.kind == "forget":
            forgotten[event.author] = max(event.revision, forgotten.get(event.author, 0))
        elif event.id not in newest or event.revision >= newest[event.id].revision:
            newest[event.id] = event
    live = {
        each.id: each for each in newest.values()
        if each.revision > max(deleted.get(each.id, 0), forgotten.get(each.author, 0))
    }  # fmt: skip
    about = {post_id: any(word in each.text.split() for word in _ABOUT) for post_id, each in live.items()}
    return Left(
        {post_id: (each.revision, about[post_id]) for post_id, each in live.items()},
        {(post_id, link) for post_id, each in live.items() if about[post_id] for link in each.links},
    )


def model(seed: int) -> NgramBag:
    """A classifier that tells the two kinds of text apart without a doubt."""
    choose = random.Random(seed)
    texts = [" ".join(choose.choices(words, k=8)) + f" {n}" for n in range(400) for words in (_OTHER, _ABOUT)]
    bag = NgramBag(LABELS)
    bag.fit(pa.array(texts), np.eye(2, dtype=np.float32)[[0, 1] * 400])
    return bag
