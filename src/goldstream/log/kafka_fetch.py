"""Reads partitions of topics from positions that it is told. It keeps no positions, and is in no consumer group.

Whenever the partitions change, a new consumer is made: so nothing that an older one had fetched can slip in.
"""

import time
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, NamedTuple

from confluent_kafka import Consumer, KafkaError, TopicPartition

from goldstream import settings
from goldstream.errors import LogError
from goldstream.log.kafka_client import consumer, unreachable
from goldstream.log.kafka_topics import Place

FIRST_S = 0.05  #: wait for the first message of a batch
_LOST = {
    KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.UNKNOWN_TOPIC_ID, KafkaError._UNKNOWN_PARTITION, KafkaError._UNKNOWN_TOPIC,
    KafkaError.OFFSET_OUT_OF_RANGE, KafkaError._AUTO_OFFSET_RESET,
}  # fmt: skip
_PASSING = {KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT, KafkaError._RESOLVE, KafkaError._TIMED_OUT}


class Fetched(NamedTuple):
    """The next messages of one partition."""

    number: int  #: of the partition
    start: int  #: the position that they go on from
    messages: list[Any]  #: at least one


@dataclass
class _Partition:
    topic: str
    partition: int
    start: int  # where the next batch goes on
    first: int  # the oldest offset that there was when it was begun
    held: list[Any] = field(default_factory=list)
    ended: bool = False

    @property
    def next(self) -> int:
        """The offset of the next message to be fetched."""
        return self.held[-1].offset() + 1 if self.held else max(self.start, self.first)

    def add(self, message: Any) -> None:
        self.held.append(message)
        self.ended = False


def _place(message: Any) -> tuple[str, int]:
    return message.topic(), message.partition()


class Fetcher:
    """Messages of some partitions, in order of each. Belongs to one thread at a time."""

    def __init__(self, section: settings.Log, group: str) -> None:
        self._section, self._group = section, group
        self._consumer: Consumer | None = None
        self._partitions: dict[int, _Partition] = {}
        self._numbers: dict[tuple[str, int], int] = {}
        self.lost: set[int] = set()  #: partitions that are gone, or no longer reach back to where we read
        self.silent = False  #: whether the brokers were lost and have not been heard since

    def begin(self, places: Mapping[int, Place], starts: Mapping[int, int], firsts: Mapping[int, int]) -> None:
        """Read these partitions too, from the positions `starts` on; what stands before the offsets `firsts` is gone."""
        for number, start in starts.items():
            place = places[number]
            self._partitions[number] = _Partition(place.topic, place.partition, start, firsts[number])
        self.lost -= starts.keys()
        self._assign()

    def drop(self, numbers: Set[int]) -> None:
        """Read these partitions no longer."""
        gone = numbers & self._partitions.keys()
        self.lost -= numbers
        for number in gone:
            del self._partitions[number]
        if gone:
            self._assign()

    def take(self, limit: int) -> Fetched | None:
        """Return the next messages of the partition that has most of them, at most `limit`; None when none has any."""
        held = sum(len(each.held) for each in self._partitions.values())
        if held < limit:
            self._pull(limit, FIRST_S if held == 0 else 0)
        number = max(self._partitions, key=lambda each: len(self._partitions[each].held), default=None)
        if number is None or not self._partitions[number].held:
            return None
        partition = self._partitions[number]
        messages, partition.held = partition.held[:limit], partition.held[limit:]
        start, partition.start = partition.start, messages[-1].offset() + 1
        return Fetched(number, start, messages)

    def at_end(self) -> bool:
        """Return whether all partitions have been read to where they ended, and nothing is held."""
        return all(each.ended and not each.held for each in self._partitions.values())

    def close(self) -> None:
        """Close the connections; a second call does nothing."""
        if self._consumer is not None:
            self._consumer.close()
            self._consumer = None

    def _assign(self) -> None:
        self.close()
        self._numbers = {(each.topic, each.partition): number for number, each in self._partitions.items()}
        if not self._partitions:
            return
        for each in self._partitions.values():
            each.ended = False
        self._consumer = consumer(self._section, self._group, error_cb=self._error)
        self._consumer.assign([TopicPartition(each.topic, each.partition, each.next) for each in self._partitions.values()])

    def _pull(self, most: int, timeout_s: float) -> None:
        """Fetch what has come: wait for one message, then take what is there."""
        if self._consumer is None:
            time.sleep(timeout_s)
            return
        messages = self._consumer.consume(1, timeout_s)
        if messages:
            messages += self._consumer.consume(most, 0)
        for place, run in groupby(messages, _place):
            number = self._numbers.get(place)
            for message in run:  # nearly always messages and nothing else: this is a loop over all posts
                if (error := message.error()) is not None:
                    self._trouble(error, number)
                elif number is not None:
                    self._partitions[number].add(message)
        self.silent = self.silent and not messages

    def _trouble(self, error: KafkaError, number: int | None) -> None:
        if error.code() == KafkaError._PARTITION_EOF:
            if number is not None:
                self._partitions[number].ended = True
        elif error.code() in _LOST:
            if number is not None:
                self.lost.add(number)
        elif error.code() not in _PASSING and not error.retriable():
            raise LogError(f"Kafka refuses to be read: {error.str()}")

    def _error(self, error: KafkaError) -> None:
        """Called by the client inside `consume`, for what belongs to no partition."""
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            self.silent = True
        elif error.fatal() or error.code() in (KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED):
            raise unreachable(self._section, error.str())
