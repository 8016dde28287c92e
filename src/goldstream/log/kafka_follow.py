"""A worker's share of the topics: the consumer group says which partitions it should have, and nothing else.

Positions come from the store, and a takeover is decided there. A worker that was thrown out of the group and has not
heard of it yet does no harm: its next commit is refused.
"""

import time
from collections.abc import Callable, Mapping, Set

from confluent_kafka import OFFSET_END, Consumer, KafkaException, TopicPartition

from goldstream import settings
from goldstream.errors import LogError, LogUnreachable
from goldstream.log.base import Extent, Part, Say
from goldstream.log.kafka_client import consumer, keys, said
from goldstream.log.kafka_fetch import Fetched, Fetcher
from goldstream.log.kafka_topics import Place, Topics

LOOK_S = 2.0  #: how often topics are looked at: new partitions, topics made anew
_GROUP = {
    "partition.assignment.strategy": "cooperative-sticky", "session.timeout.ms": 10_000, "heartbeat.interval.ms": 1_000,
    "topic.metadata.refresh.interval.ms": 10_000,  # a group hears of new partitions by this
}  # fmt: skip
_NOTHING_FETCHED = {"queued.min.messages": 1, "queued.max.messages.kbytes": 1_024}


class KafkaFollower:
    """Reads what the group gives to this worker, or (not `share`) every partition."""

    def __init__(
        self, topics: Topics, section: settings.Log, group: str, to_part: Callable[[Fetched], Part], say: Say, *, share: bool
    ) -> None:
        self.shares = share
        self._topics, self._section, self._to_part, self._say = topics, section, to_part, say
        self._places: Mapping[int, Place] = {}
        self._extents: dict[int, Extent] = {}
        self._looked: float | None = None
        self._away_since: float | None = None
        self._fetcher = Fetcher(section, group)
        self._given: set[tuple[str, int]] = set()
        self._member = _member(section, group) if share else None
        if self._member is not None:
            self._member.subscribe(list(topics.names), on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._revoked)

    def partitions(self) -> Set[int]:
        """Return the partitions that this worker should read now; raises `LogError` when no broker answers for too long."""
        if self._member is not None:
            self._member.poll(0)
        if self._looked is None or time.monotonic() - self._looked > LOOK_S:
            self._ask(self._look)
        lost = self._fetcher.lost
        if self._member is None:
            return self._places.keys() - lost
        return {number for number, place in self._places.items() if (place.topic, place.partition) in self._given} - lost

    def extents(self, partitions: Set[int]) -> Mapping[int, Extent]:
        """Return how far these partitions reach; those that can't be asked now are not among them."""
        wanted = {number: place for number, place in self._places.items() if number in partitions}
        found: dict[int, Extent] = {}
        self._ask(lambda: found.update(self._topics.extents(wanted)))
        self._extents.update(found)
        return found

    def begin(self, starts: Mapping[int, int]) -> None:
        """Read these partitions too, from these positions on."""
        self._fetcher.begin(self._places, starts, {number: self._extents[number].start for number in starts})

    def drop(self, partitions: Set[int]) -> None:
        """Read these partitions no longer."""
        self._fetcher.drop(partitions)

    def next(self, limit: int) -> Part | None:
        """Return the next batch of any partition."""
        fetched = self._fetcher.take(limit)
        return None if fetched is None else self._to_part(fetched)

    def at_end(self) -> bool:
        """Return whether every partition has been read to its end."""
        return self._looked is not None and self._fetcher.at_end()

    def wait(self, timeout_s: float) -> None:
        """Return at once: `next` waits by itself."""

    def close(self) -> None:
        """Leave the group; a second call does nothing."""
        self._fetcher.close()
        if self._member is not None:
            self._member.close()
            self._member = None

    def _look(self) -> None:
        self._looked = time.monotonic()
        self._places = self._topics.look()

    def _ask(self, question: Callable[[], None]) -> None:
        """Ask the broker. While none answers, all stays as it was and is said once; that has an end."""
        try:
            question()
        except LogUnreachable as error:
            if self._away_since is None:
                self._away_since = time.monotonic()
                self._say(f"paused: {error}; it resumes by itself when a broker answers")
            elif time.monotonic() - self._away_since > self._section.give_up_s:
                raise LogError(f"no broker has answered for log.give-up-s, {self._section.give_up_s:.0f} s: {error}") from None
        else:
            if self._away_since is not None:
                self._say("resumed: Kafka answers again")
            self._away_since = None

    def _assigned(self, member: Consumer, given: list[TopicPartition]) -> None:
        for each in given:
            each.offset = OFFSET_END
        member.incremental_assign(given)
        member.pause(given)
        self._given |= {(each.topic, each.partition) for each in given}

    def _revoked(self, member: Consumer, gone: list[TopicPartition]) -> None:
        self._given -= {(each.topic, each.partition) for each in gone}
        try:
            member.incremental_unassign(gone)
        except KafkaException as error:
            self._say(f"leaving partitions: {said(error)}")


def _member(section: settings.Log, group: str) -> Consumer:
    """A consumer that is in the group and fetches nothing."""
    return consumer(section, group, **{**_GROUP, **keys(section), **_NOTHING_FETCHED})
