"""The loop on a real Kafka broker: partitions, strangers' messages, and workers that come and go."""

from collections.abc import Callable
from typing import Any

from confluent_kafka import Producer

from goldstream import settings
from goldstream.log.kafka import KafkaLog
from goldstream.records import to_json
from goldstream.store import Store
from goldstream.store.status import progress

from .conftest import append, post, run

Make = Callable[..., settings.Settings]
Rows = Callable[..., list[Any]]


def send(section: settings.Settings, topic: str, *messages: tuple[bytes | None, list[tuple[str, bytes]]]) -> None:
    """Put messages on a topic as a stranger would, on partition 0."""
    producer = Producer(section.log.kafka)
    for value, headers in messages:
        producer.produce(topic, value, b"key", partition=0, headers=headers)
    producer.flush(10)


def test_posts_of_all_partitions_are_classified_once(classified: Store, rows: Rows, kafka: Make):
    log = KafkaLog(classified, kafka(partitions=3))
    append(log, *(post(f"t:{n}", "help" if n % 2 else "") for n in range(100)))
    assert run(log, classified, batch_size=7).posts == 100
    append(log, post("t:1", kind="delete"), post("t:3", "nothing", "update"))
    assert run(log, classified).posts == 2
    log.close()
    assert rows("SELECT count(*), count(DISTINCT (partition, position)), count(DISTINCT partition) FROM predictions") == [
        (102, 102, 3)
    ]
    assert rows("SELECT post_id FROM kept ORDER BY 1") == sorted(f"t:{n}" for n in range(5, 100, 2))
    with classified.connect(name="test") as conn:
        assert progress(conn, "classify").posts == 102


def test_what_is_no_post_is_a_dead_letter_with_its_place_and_headers(classified: Store, rows: Rows, kafka: Make):
    section = kafka(partitions=1)
    log = KafkaLog(classified, section)
    topic = f"{section.project.name}.posts"
    good, headers = to_json(post("t:good", "help")), [("who", b"me"), ("odd", b"\xff")]
    poison: list[tuple[bytes | None, str]] = [
        (good[:-3], "not a post: "),
        (None, "not a post: the message has no value"),
        (b"", "not a post: Input data was truncated"),
        (good.replace(b'"v":1', b'"v":99'), "not a post: schema version 99 is not 1 - at `$.v`"),
        (good.replace(b'"help"', b"7"), "not a post: Expected `str`, got `int` - at `$.text`"),
        ('{"id":"t:1","source":"t","text":"é","v":1}'.encode("latin-1"), "not a post: "),
        (b"[1]", "not a post: Expected `object`, got `array`"),
        (good.replace(b"help", b"x" * 200_000), "its text is longer than stream.max-text-bytes, 100000"),
        (b"\x00\x01\x02", "not a post: "),
        (good.replace(b"t:good", b""), "the post has no id"),
        (b'{"id":"t:1","source":"t","v":1}\n{"id":"t:2","source":"t","v":1}', "not a post: "),
    ]
    send(section, topic, *((value, headers) for value, _ in poison), (good, []))
    assert run(log, classified).posts == len(poison) + 1
    log.close()
    assert rows("SELECT post_id FROM kept") == ["t:good"]
    letters = rows("SELECT stage, source, reason, payload, place, headers FROM dead_letters ORDER BY id")
    assert [each[2].startswith(reason) for each, (_, reason) in zip(letters, poison, strict=True)] == [True] * len(poison), (
        letters
    )
    for offset, (letter, (value, _)) in enumerate(zip(letters, poison, strict=True)):
        assert letter[:2] == ("log", topic) and letter[3] == (value or b"")
        assert letter[4:] == (f"topic {topic}, partition 0, offset {offset}", {"who": "me", "odd": "\ufffd"})
    assert rows("SELECT position, kind, label IS NULL FROM predictions ORDER BY 1") == [
        *((offset, "unreadable", True) for offset in range(len(poison))),
        (len(poison), "create", False),
    ]


def test_any_json_topic_can_be_read_through_a_mapping(classified: Store, rows: Rows, kafka: Make):
    columns = {"id": "id_str", "text": ["full.text", "text"], "author": "user.name", "links": "urls[].url"}
    section = kafka(partitions=1, topic="strangers", columns=columns)
    log = KafkaLog(classified, section)
    send(
        section, "strangers",
        (b'{"id_str":"7","text":"cut","full":{"text":"help me"},"user":{"name":"ann"},"urls":[{"url":"https://a.example/"}]}', []),
        (b'{"id_str":"8","text":"nothing"}', []),
        (b'{"id_str":"9"}', []),
        (b'"text"', []),
    )  # fmt: skip
    run(log, classified)
    log.close()
    assert rows("SELECT post_id, author, text, links FROM kept") == [("strangers:7", "ann", "help me", ["https://a.example/"])]
    assert rows("SELECT count(*) FROM predictions WHERE seen_at > now() - interval '1 hour'") == [4]
    assert rows("SELECT reason FROM dead_letters ORDER BY id") == [
        "not a post: the text is missing",
        "not a post: the JSON is str, not an object",
    ]
