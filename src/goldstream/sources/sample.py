"""A bundled stream to start with: no account, no network, and the truth is known.

Seeded and deterministic: the same settings give the same posts, byte for byte, on every machine. What it says is in
`sample_text`. Gold labels are kept apart from the stream: `gold` gives them for the judged posts.
"""

import threading
import time
from collections.abc import Iterator
from itertools import islice
from typing import Annotated

import pyarrow as pa
from msgspec import Meta

from goldstream.errors import SourceError
from goldstream.records import Post, to_columns
from goldstream.settings import NotNegative, Positive, Section
from goldstream.sources.base import Arrival, Reject
from goldstream.sources.sample_text.events import Event, Stream

POSTS = 26_000  #: how many posts the sample has unless told otherwise
_BATCH = 2_000
_TICK_S = 0.25
#: What can't be read at all comes before these events.
_REJECTS = {
    1_500: Reject("not JSON: unexpected end of data", b'{"v":1,"id":"sample:0-00', "event 1500"),
    9_000: Reject("invalid UTF-8 in `text`", b'{"v":1,"id":"sample:x","source":"sample","text":"\xe9"}', "event 9000"),
}


class SampleSettings(Section, frozen=True, kw_only=True):
    """The `[[sources]]` section with `type = "sample"`."""

    type: str = "sample"
    name: str = "sample"
    seed: NotNegative = 0
    posts: Positive = POSTS  #: created posts; edits, deletions and account deletions come on top
    rate: Annotated[float, Meta(gt=0)] | None = None  #: events per second; without one, as fast as they are read
    live_after: NotNegative = 0  #: events that come flat out before `rate` applies


class Sample:
    """A generated stream about AI and about everything that only sounds like it.

    >>> first = next(Sample(SampleSettings(posts=100)).read(None))
    >>> first.posts["id"][0].as_py(), first.cursor == str(first.posts.num_rows)
    ('sample:0-000000', True)
    """

    Settings = SampleSettings

    def __init__(self, settings: SampleSettings) -> None:
        self.settings = settings
        self._closed = threading.Event()

    @property
    def name(self) -> str:
        """What this source is called in the store."""
        return self.settings.name

    def read(self, cursor: str | None) -> Iterator[Arrival]:
        """Yield the events after `cursor`, the number of events that are safe; raises `SourceError` if it is none."""
        done = _number(cursor)
        events = islice(Stream(self.settings.seed, self.settings.posts), done, None)
        begun = time.monotonic()
        paced = 0  # events sent since the rate applies
        while not self._closed.is_set():
            flat_out = _BATCH if self.settings.rate is None else min(_BATCH, self.settings.live_after - done)
            if flat_out > 0:
                wanted, begun = flat_out, time.monotonic()
            else:
                wanted = int((time.monotonic() - begun) * (self.settings.rate or 0)) - paced
                paced += wanted
            batch = [event.post for event in islice(events, wanted)]
            if wanted and not batch:
                return
            done += len(batch)
            yield _arrival(batch, done)
            if flat_out <= 0:
                self._closed.wait(_TICK_S)

    def gold(self) -> dict[str, str]:
        """Return the true label of every judged post by id: what no other part of goldstream may learn from."""
        return gold(self.settings.seed, self.settings.posts)

    def close(self) -> None:
        """End `read` at its next batch; a second call does nothing."""
        self._closed.set()


def gold(seed: int = 0, posts: int = POSTS) -> dict[str, str]:
    """Return the true label, `ai` or `other`, of every judged post by id. No other post has one.

    The judged posts are by authors of their own, made of sentences that no other author uses.

    >>> sorted(set(gold(posts=500).values()))
    ['ai', 'other']
    """
    return {event.post.id: event.topic.label for event in events(seed, posts) if event.judged and event.topic}


def events(seed: int = 0, posts: int = POSTS) -> Iterator[Event]:
    """Yield the stream with what it doesn't say: topic, sentence skeleton, and whether the post is a judged one."""
    return iter(Stream(seed, posts))


def _arrival(batch: list[Post], done: int) -> Arrival:
    posts: pa.RecordBatch = to_columns(batch)
    start = done - len(batch)
    rejects = tuple(reject for at, reject in _REJECTS.items() if start <= at < done)
    return Arrival(posts, str(done) if done else None, rejects)


def _number(cursor: str | None) -> int:
    try:
        return int(cursor or 0)
    except ValueError:
        raise SourceError(f"sample: the cursor {cursor!r} is not a number of events") from None
