"""The log as topics of Apache Kafka: a message for each post, keyed by its id, as JSON that others can read.

A reader's position is an offset, and stands in the store, in the transaction of its results. A source's cursor stands on
a compacted topic beside the posts, written when they are safe; a crash in between brings some posts twice, which changes
nothing that people see. See docs/explanation/kafka.md.
"""

import hashlib
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np
import polars as pl
import pyarrow as pa
from confluent_kafka import OFFSET_BEGINNING, KafkaError, KafkaException, Message, Producer, TopicPartition

from goldstream import settings
from goldstream.errors import LogError, LogUnreachable, PositionError
from goldstream.keywords import has_words
from goldstream.log.base import Extent, Part, Say
from goldstream.log.kafka_client import consumer, producer, unreachable
from goldstream.log.kafka_fetch import Fetched, Fetcher
from goldstream.log.kafka_follow import KafkaFollower
from goldstream.log.kafka_messages import Reading, headers
from goldstream.log.kafka_topics import Topics
from goldstream.records import to_json, to_rows

if TYPE_CHECKING:
    from goldstream.store import Store

_POLL_S = 0.1
_CURSORS_S = 30.0  # how long the topic of cursors may bring nothing: one that was just made has no leader yet


class _Message(NamedTuple):
    topic: str
    key: str
    value: bytes
    headers: list[tuple[str, bytes]]


class KafkaLog:
    """Posts in arrival order, on Kafka. May be used by several threads."""

    def __init__(self, store: "Store", section: settings.Settings) -> None:
        self._section, self._strata = section.log, section.strata
        self._cursors = f"{section.project.name}.cursors"
        self._topic = section.log.topic or f"{section.project.name}.posts"
        own = section.log.strata_topics
        self._by_stratum = [name or self._topic for name in (own.topic, own.false_friends, own.rest)]
        self._topics = Topics(store, section.log, [self._topic, *self._by_stratum], self._cursors)
        self._topics.make()
        self.identity = f"kafka:{self._topics.cluster()}"
        self._reading = Reading(section.log, section.stream.max_text_bytes)
        whose = hashlib.sha256(f"{store.dsn} {store.schema}".encode()).hexdigest()[:8]
        self._group = f"{section.project.name}.{whose}"
        self._own = threading.local()
        self._fetchers: list[Fetcher] = []
        self._lock = threading.Lock()
        self._producer: Producer | None = None

    @classmethod
    def open(cls, store: "Store", section: settings.Settings) -> Self:
        """Return the log that the settings describe; its topics are made when they are missing."""
        return cls(store, section)

    def append(self, posts: pa.RecordBatch, source: str, cursor: str | None) -> None:
        """Add `posts` and, when all of them are safe, the source's `cursor`; raises `LogError` when Kafka does not take them."""
        plain, last = headers(source, None), headers(source, cursor)
        rows = list(zip(self._topics_of(posts), to_rows(posts), strict=True))
        self._produce(
            [
                _Message(topic, post.id, to_json(post), last if number == len(rows) else plain)
                for number, (topic, post) in enumerate(rows, 1)
            ]
        )
        if cursor is not None:
            self._produce([_Message(self._cursors, source, cursor.encode("utf-8", "surrogatepass"), plain)])

    def cursor(self, source: str) -> str | None:
        """Return where `source` had got to with its last append: the newest cursor on the topic of cursors."""
        return self.cursors().get(source)

    def cursors(self) -> dict[str, str]:
        """Return every source's cursor."""
        found: dict[str, str] = {}
        reader = consumer(self._section, self._group)
        try:
            reader.assign([TopicPartition(self._cursors, 0, OFFSET_BEGINNING)])
            deadline = time.monotonic() + _CURSORS_S
            while time.monotonic() < deadline:
                for message in reader.consume(1_000, _POLL_S):
                    if (error := message.error()) is None:
                        found[message.key().decode()] = message.value().decode("utf-8", "surrogatepass")
                        deadline = time.monotonic() + _CURSORS_S
                    elif error.code() == KafkaError._PARTITION_EOF:
                        return found
            raise LogUnreachable(f"Kafka does not answer: the topic {self._cursors!r} can't be read to its end")
        finally:
            reader.close()

    def read(self, partition: int, after: int, limit: int) -> Iterator[Part]:
        """Yield what stands at `after` and later, until the end as it is now; raises `PositionError` when that is before."""
        extent = self.extents().get(partition)
        if extent is None:
            raise PositionError(f"partition {partition} of log {self.identity!r} is gone: its topic was deleted")
        if after > extent.end:
            raise PositionError(f"position {after} lies past the end of partition {partition}, {extent.end}")
        fetcher = self._fetcher_at(partition, after, extent) if after < extent.end and extent.start < extent.end else None
        while fetcher is not None and after < extent.end:
            fetched = fetcher.take(limit)
            if fetched is not None:
                part = self._part(fetched)
                after = part.end
                self._own.fetchers[partition] = after, fetcher
                yield part
            elif fetcher.at_end():
                return
            elif fetcher.lost or fetcher.silent:
                self._own.fetchers.pop(partition)
                fetcher.close()
                raise LogUnreachable(f"Kafka can't be read on from position {after} of partition {partition}")

    def extents(self) -> Mapping[int, Extent]:
        """Return how far each partition reaches."""
        return self._topics.extents(self._topics.look())

    def wait(self, timeout_s: float) -> None:
        """Return after `timeout_s`: whoever wants to be quick uses a follower."""
        time.sleep(timeout_s)

    def follow(self, reader: str, say: Say, *, share: bool) -> KafkaFollower:
        """Return what one worker of `reader` reads: all partitions, or (`share`) those that its group gives to it."""
        return KafkaFollower(self._topics, self._section, f"{self._group}.{reader}", self._part, say, share=share)

    def close(self) -> None:
        """Close all connections; a second call does nothing."""
        with self._lock:
            while self._fetchers:
                self._fetchers.pop().close()
            self._producer = None

    def _topics_of(self, posts: pa.RecordBatch) -> Sequence[str]:
        """The topic of each post: that of its stratum. What has no text goes where the rest goes."""
        topic, friends, rest = self._by_stratum
        if topic == friends == rest:
            return [topic] * posts.num_rows
        about, alike = (has_words(pl.col("text"), words) for words in (self._strata.topic, self._strata.false_friends))
        choice = pl.when(about).then(pl.lit(topic)).when(alike).then(pl.lit(friends)).otherwise(pl.lit(rest))
        return pl.DataFrame({"text": pl.Series(posts["text"])}).lazy().select(choice).collect().to_series().to_list()

    def _produce(self, messages: list[_Message]) -> None:
        """Send `messages` and wait until all are safe. After a failure the next append starts with a new producer."""
        with self._lock:
            sender = self._producer = self._producer or producer(self._section)
        failed: list[KafkaError] = []

        def delivered(error: KafkaError | None, message: Message) -> None:
            if error is not None:
                failed.append(error)

        try:
            for message in messages:
                _send(sender, message, delivered)
            while sender.flush(_POLL_S) and not failed:
                pass
        except KafkaException as error:
            failed.append(error.args[0])
        if failed:
            with self._lock:
                self._producer = None
            if failed[0].code() == KafkaError._MSG_TIMED_OUT:
                raise unreachable(self._section, f"it took no posts for log.give-up-s, {self._section.give_up_s:g} s")
            raise LogError(f"Kafka refuses the posts: {failed[0].str()}")

    def _fetcher_at(self, partition: int, after: int, extent: Extent) -> Fetcher:
        """This thread's fetcher of the partition: the one that stands at `after`, or else a new one."""
        kept: dict[int, tuple[int, Fetcher]] = self._own.__dict__.setdefault("fetchers", {})
        if partition in kept:
            stands_at, fetcher = kept[partition]
            if stands_at == after:
                return fetcher
            fetcher.close()
        fetcher = Fetcher(self._section, self._group)
        fetcher.begin({partition: self._topics.place(partition)}, {partition: after}, {partition: extent.start})
        kept[partition] = after, fetcher
        with self._lock:
            self._fetchers.append(fetcher)
        return fetcher

    def _part(self, fetched: Fetched) -> Part:
        """What the messages say, with a row for each of them."""
        read = self._reading.read(fetched.messages, self._topics.place(fetched.number))
        count = len(fetched.messages)
        positions = np.fromiter((message.offset() for message in fetched.messages), np.int64, count)
        return Part(read.posts, positions, fetched.number, fetched.start, int(positions[-1]) + 1, read.letters)


def _send(sender: Producer, message: _Message, delivered: object) -> None:
    """Queue one message; wait for room when the queue is full."""
    while True:
        try:
            sender.produce(message.topic, message.value, message.key, on_delivery=delivered, headers=message.headers)
            return
        except BufferError:
            sender.poll(_POLL_S)
