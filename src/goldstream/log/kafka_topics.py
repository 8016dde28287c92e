"""The topics of a log: made when they are missing, and told apart from topics of the same name that are made anew."""

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import confluent_kafka
from confluent_kafka import KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

from goldstream import settings
from goldstream.errors import LogError
from goldstream.log.base import Extent
from goldstream.log.kafka_client import LARGEST_MESSAGE, admin, said, unreachable

if TYPE_CHECKING:
    from goldstream.store import Store

ANSWER_S = 10.0  #: how long one question to the broker may take
DAY_MS = 86_400_000
_AGAIN_S = 0.1
_NO_LEADER = {KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE}  # a topic was just made, or a leader goes

_NUMBER = """
    INSERT INTO log_partitions (topic, topic_id, partition) SELECT %s, %s, unnest(%s::int[]) ON CONFLICT DO NOTHING
"""
_NUMBERS = "SELECT partition, number FROM log_partitions WHERE topic_id = %s"


class Place(NamedTuple):
    """A partition of a topic."""

    topic: str
    topic_id: str  #: a topic that was deleted and made anew has another one
    partition: int


class Topics:
    """The topics that hold the posts. Partitions get numbers of our own, from the store, that never come again."""

    def __init__(self, store: "Store", section: settings.Log, names: Sequence[str], cursors: str) -> None:
        self._store, self._section, self.names, self._cursors = store, section, tuple(dict.fromkeys(names)), cursors
        self._admin: AdminClient = admin(section)
        self._known: dict[Place, int] = {}
        self._places: dict[int, Place] = {}

    def cluster(self) -> str:
        """Return the cluster's id; raises `LogUnreachable` when no broker answers."""
        try:
            return str(self._admin.describe_cluster(request_timeout=ANSWER_S).result().cluster_id)
        except KafkaException as error:
            raise unreachable(self._section, error) from None

    def make(self) -> None:
        """Make the topics that are missing."""
        section = self._section
        config = {"retention.ms": str(int(section.retention_days * DAY_MS)), "max.message.bytes": str(LARGEST_MESSAGE)}
        new = [NewTopic(name, section.partitions, section.replicas, config=config) for name in self.names]
        new.append(NewTopic(self._cursors, 1, section.replicas, config={"cleanup.policy": "compact"}))
        try:
            there = self._admin.list_topics(timeout=ANSWER_S).topics
        except KafkaException as error:
            raise unreachable(section, error) from None
        missing = [topic for topic in new if topic.topic not in there]
        for name, made in (self._admin.create_topics(missing, request_timeout=ANSWER_S) if missing else {}).items():
            try:
                made.result()
            except KafkaException as error:
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise LogError(f"the topic {name!r} can't be made: {said(error)}") from None

    def look(self) -> Mapping[int, Place]:
        """Return every partition by its number, as things stand; raises `LogUnreachable` when no broker answers."""
        places: list[Place] = []
        asked = self._admin.describe_topics(TopicCollection(list(self.names)), request_timeout=ANSWER_S)
        for name, answer in asked.items():
            try:
                topic = answer.result()
            except KafkaException as error:
                if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                    continue  # deleted; it may be made anew
                raise unreachable(self._section, error) from None
            places += [Place(name, str(topic.topic_id), each.id) for each in topic.partitions]
        self._number(places)
        self._places.update({self._known[place]: place for place in places})
        return {self._known[place]: place for place in places}

    def place(self, number: int) -> Place:
        """Return the partition of this number, as it was when it was last seen."""
        return self._places[number]

    def extents(self, places: Mapping[int, Place]) -> dict[int, Extent]:
        """Return how far these partitions reach; raises `LogUnreachable` when no broker answers."""
        deadline = time.monotonic() + ANSWER_S
        starts, ends = (self._offsets(places, spec, deadline) for spec in (OffsetSpec.earliest(), OffsetSpec.latest()))
        return {number: Extent(starts[number], ends[number]) for number in places if number in starts and number in ends}

    def _offsets(self, places: Mapping[int, Place], spec: Any, deadline: float) -> dict[int, int]:
        if not places:
            return {}
        numbers = {(place.topic, place.partition): number for number, place in places.items()}
        asked = self._admin.list_offsets(
            {TopicPartition(*place): spec for place in numbers}, request_timeout=ANSWER_S,
            isolation_level=confluent_kafka.IsolationLevel.READ_COMMITTED,
        )  # fmt: skip
        found = {}
        for partition, answer in asked.items():
            try:
                found[numbers[partition.topic, partition.partition]] = answer.result().offset
            except KafkaException as error:
                code = error.args[0].code()
                if code in _NO_LEADER and time.monotonic() < deadline:
                    time.sleep(_AGAIN_S)
                    return self._offsets(places, spec, deadline)
                if code not in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.UNKNOWN_TOPIC_ID):
                    raise unreachable(self._section, error) from None
        return found

    def _number(self, places: Sequence[Place]) -> None:
        """Look the numbers up, and give one out to every partition that has none."""
        new: dict[tuple[str, str], list[int]] = {}
        for place in places:
            if place not in self._known:
                new.setdefault((place.topic, place.topic_id), []).append(place.partition)
        if not new:
            return
        with self._store.connect(name="log partitions") as conn:
            for (topic, topic_id), partitions in new.items():
                conn.execute(_NUMBER, (topic, topic_id, partitions))
                for partition, number in conn.execute(_NUMBERS, (topic_id,)):
                    self._known[Place(topic, topic_id, partition)] = number
