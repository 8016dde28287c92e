"""The log on a real Kafka broker keeps what every log promises, and what topics of others add to that."""

from collections.abc import Callable

from goldstream import settings
from goldstream.checks import check_log
from goldstream.log.kafka import KafkaLog
from goldstream.log.refusals import refusals
from goldstream.records import Post, to_columns, to_json
from goldstream.store import Store

Make = Callable[..., settings.Settings]


def test_kafka_keeps_every_promise_of_a_log(store: Store, kafka: Make):
    check_log(lambda: KafkaLog(store, kafka(partitions=1)))


def test_the_largest_post_that_is_let_in_fits_into_a_message(store: Store, kafka: Make):
    most = "\x01" * 100_000  # each character takes six bytes of JSON
    post = Post(id="a:1", source="a", text=most, url=most, tags=[most], links=[most], media=[most])
    log = KafkaLog(store, kafka(partitions=1))
    assert not refusals(to_columns([post]), 100_000) and len(to_json(post)) > 3_000_000
    log.append(to_columns([post]), "a", None)
    (part,) = log.read(*log.extents(), 0, 10)
    log.close()
    assert part.posts["tags"].to_pylist() == [[most]]
