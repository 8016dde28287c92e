"""The log on a real Kafka broker keeps what every log promises, and what topics of others add to that."""

from collections.abc import Callable

from goldstream import settings
from goldstream.checks import check_log
from goldstream.log.kafka import KafkaLog
from goldstream.store import Store

Make = Callable[..., settings.Settings]


def test_kafka_keeps_every_promise_of_a_log(store: Store, kafka: Make):
    check_log(lambda: KafkaLog(store, kafka(partitions=1)))
