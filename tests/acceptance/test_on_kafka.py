"""A project on a real broker, by its commands: topics of strata, lag, two projects, strangers' messages, and moving there."""

import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from goldstream import settings
from goldstream.records import Post, to_json
from goldstream.run.kafka_broker import Broker, free_port
from goldstream.store import Store

from .test_hostile import answer, command, make_champion

Make = Callable[..., Path]

PROJECT = """
[project]
name = "{name}"
labels = ["ai", "other"]
keep = "ai"

[log]
type = "{log}"
partitions = 2
{more}

[log.kafka]
"bootstrap.servers" = "{servers}"

[[sources]]
type = "files"
name = "posts"
source = "posts"
path = "posts.jsonl"
columns = {{ id = "id" }}
"""


@pytest.fixture
def project(tmp_path: Path, broker: Broker) -> Make:
    """Write the settings of a project on the broker, and its posts."""

    def make(name: str, texts: list[str], *, log: str = "kafka", more: str = "", champion: bool = True) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        config = folder / "goldstream.toml"
        config.write_text(PROJECT.format(name=name, log=log, more=more, servers=broker.servers))
        add(config, texts)
        if champion:
            make_champion(config)
        return config

    return make


def add(config: Path, texts: list[str]) -> None:
    """More posts for the source."""
    with (config.parent / "posts.jsonl").open("a") as file:
        first = file.tell()
        file.writelines(json.dumps({"id": f"{first}-{n}", "text": text}) + "\n" for n, text in enumerate(texts))


def rows(config: Path, query: str) -> list[Any]:
    with Store.open(settings.load(config).store, config.parent) as store, store.connect(name="test") as conn:
        return conn.execute(query.encode()).fetchall()


def ends(broker: Broker, topic: str, partitions: int = 2) -> int:
    """How many messages stand on a topic."""
    reader = Consumer({"bootstrap.servers": broker.servers, "group.id": "test"})
    try:
        return sum(reader.get_watermark_offsets(TopicPartition(topic, n), 10)[1] for n in range(partitions))
    finally:
        reader.close()


def test_each_stratum_has_its_topic(project: Make, broker: Broker):
    more = '[log.strata-topics]\ntopic = "ai_tweets_topic"\nfalse-friends = "mix_tweets_topic"\n'
    more += '[strata]\ntopic = ["ai"]\nfalse-friends = ["rain"]'
    config = project("strata", ["ai model"] * 5 + ["garden rain"] * 3 + ["garden garden"] * 2, more=more)
    assert answer("ingest", "--config", config)["posts"] == {"posts": 10, "rejected": 0}
    assert [ends(broker, topic) for topic in ("ai_tweets_topic", "mix_tweets_topic", "strata.posts")] == [5, 3, 2]
    assert answer("classify", "--config", config)["posts"] == 10
    assert rows(config, "SELECT count(*), count(DISTINCT (partition, position)) FROM predictions") == [(10, 10)]
    assert rows(config, "SELECT count(*) FROM kept") == [(5,)]
    assert len(answer("status", "--config", config)["readers"]) == 6  # partitions


def test_status_says_how_far_each_reader_is_behind_and_one_can_be_sent_back(project: Make, broker: Broker):
    config = project("behind", ["ai model"] * 20)
    answer("ingest", "--config", config), answer("classify", "--config", config)
    found = answer("status", "--config", config)
    assert [(reader["posts"], reader["seconds"]) for reader in found["readers"]] == [(0, 0.0)] * 2
    assert sum(each["end"] for each in found["log"]) == 20
    assert [each["source"] for each in found["sources"]] == ["posts"]
    assert answer("log", "rewind", "4", "--config", config) == {"predictions": 8}
    assert answer("classify", "--config", config)["posts"] == 8
    assert rows(config, "SELECT count(*), count(DISTINCT (partition, position)) FROM predictions") == [(20, 20)]
    add(config, ["ai model"] * 30)
    answer("ingest", "--config", config)
    readers = answer("status", "--config", config)["readers"]
    assert sum(reader["posts"] for reader in readers) == 30
    assert all(0 < reader["seconds"] < 600 for reader in readers)
    assert {reader["topic"] for reader in readers} == {"behind.posts/0", "behind.posts/1"}
    config.write_text(config.read_text().replace(broker.servers, f"127.0.0.1:{free_port()}"))
    assert answer("status", "--config", config)["log"][0]["error"].startswith("Kafka can't be reached at 127.0.0.1:")


def test_two_projects_on_one_broker_do_not_meet(project: Make):
    one, two = project("one", ["ai model one"] * 7), project("two", ["ai model two"] * 9)
    for config, count in ((one, 7), (two, 9)):
        assert answer("ingest", "--config", config)["posts"]["posts"] == count
    for config, count in ((one, 7), (two, 9)):
        assert answer("classify", "--config", config)["posts"] == count
        assert rows(config, "SELECT DISTINCT text FROM kept") == [(f"ai model {config.parent.name}",)]


def poison(choose: random.Random) -> list[tuple[bytes | None, bytes | None, list[tuple[str, bytes | None]]]]:
    """Messages that are no posts: key, value and headers."""
    good = to_json(Post(id="s:1", source="s", text="ai model"))
    values = [
        good[:-7], b"", None, b"null", b"7", b'"text"', b"[" * 100_000, good.decode().encode("utf-16"), b"\xef\xbb\xbf" + good,
        good.replace(b"ai model", "é".encode("latin-1")), good.replace(b'"ai model"', b"[1]"), good.replace(b'"v":1', b'"v":2'),
        good.replace(b'"v":1', b'"v":"x"'), good.replace(b"ai model", b"x" * 3_000_000), choose.randbytes(1_000),
        good + good, good.replace(b'"s:1"', b'""'), b'{"a":' * 5_000 + b"1" + b"}" * 5_000, b"\x00" * 10,
    ]  # fmt: skip
    headers: list[list[tuple[str, bytes | None]]] = [
        [], [("who", b"a stranger")], [("goldstream-schema", b"99"), ("goldstream-schema", None)], [("\u0130\x00", b"\xff\x00")],
    ]  # fmt: skip
    return [(choose.choice([None, b"", b"\xff\xfe", b"s:1"]), value, choose.choice(headers)) for value in values]


def mutated(choose: random.Random, value: bytes) -> bytes:
    """The message with a few bytes changed, lost or added."""
    found = bytearray(value)
    for _ in range(choose.randrange(1, 4)):
        place = choose.randrange(len(found))
        found[place : place + choose.randrange(3)] = choose.randbytes(choose.randrange(3))
    return bytes(found)


def test_strangers_messages_are_dead_letters_with_their_place_and_nothing_beside_them_is_lost(project: Make, broker: Broker):
    choose = random.Random(7)
    config = project("poisoned", ["ai model"])
    assert answer("ingest", "--config", config)["posts"]["posts"] == 1
    sender = Producer({"bootstrap.servers": broker.servers, "message.max.bytes": 8_000_000})
    bad = poison(choose)
    for number, (key, value, headers) in enumerate(bad):
        sender.produce("poisoned.posts", value, key, partition=0, headers=headers)
        good = to_json(Post(id=f"s:good-{number}", source="s", text="ai model"))
        sender.produce("poisoned.posts", good, None, partition=0)
        for _ in range(50):
            sender.produce("poisoned.posts", mutated(choose, good.replace(b"good", b"odd")), partition=1)
        sender.flush(10)
    count = answer("classify", "--config", config)["posts"]
    assert count == ends(broker, "poisoned.posts") == 1 + 52 * len(bad)
    assert rows(config, "SELECT count(*), count(DISTINCT (partition, position)) FROM predictions") == [(count, count)]
    assert rows(config, "SELECT count(*) FROM kept WHERE post_id LIKE 's:good-%'") == [(len(bad),)]
    letters = answer("dead-letters", "list", "--limit", "5000", "--config", config)["dead_letters"]
    unread = rows(config, "SELECT count(*) FROM predictions WHERE kind = 'unreadable'")[0][0]
    assert len(letters) == unread
    first = Counter(letter["place"].split(", offset")[0] for letter in letters)
    assert first["topic poisoned.posts, partition 0"] == len(bad)
    said = [letter["headers"] for letter in letters if "partition 0" in letter["place"] and letter["headers"]]
    assert len(said) == sum(bool(headers) for _, _, headers in bad)


MANY = 60_000


def test_a_project_moves_to_kafka_and_back_also_when_a_copy_is_killed_half_way(project: Make, broker: Broker):
    # embedded   60,000 read and classified, 40 more not    copy: killed; again
    # kafka      the 40 are classified; 25 more: 10 read    copy
    # embedded   the 15 are classified
    config = project("moving", [f"ai model {n}" for n in range(MANY)], log="embedded")
    assert answer("ingest", "--config", config)["posts"]["posts"] == MANY
    assert answer("classify", "--config", config)["posts"] == MANY
    add(config, ["ai model late"] * 40)
    assert answer("ingest", "--config", config)["posts"]["posts"] == 40
    words = [sys.executable, "-m", "goldstream", "log", "copy", "--to", "kafka", "--config", str(config)]
    copying = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while copying.poll() is None and not on_topic(broker, "moving.posts"):
        time.sleep(0.02)
    copying.send_signal(signal.SIGKILL)
    assert copying.wait() == -signal.SIGKILL
    assert answer("log", "copy", "--to", "kafka", "--config", config)["posts"] == MANY + 40
    config.write_text(config.read_text().replace('type = "embedded"', 'type = "kafka"'))
    assert answer("ingest", "--config", config)["posts"]["posts"] == 0  # the cursor came along
    assert answer("classify", "--config", config)["posts"] == 40
    add(config, ["ai model later"] * 25)
    assert answer("ingest", "--config", config)["posts"]["posts"] == 25
    command("log", "copy", "--to", "embedded", "--config", config)
    config.write_text(config.read_text().replace('type = "kafka"', 'type = "embedded"'))
    assert answer("ingest", "--config", config)["posts"]["posts"] == 0
    assert answer("classify", "--config", config)["posts"] == 25
    every = "SELECT count(*), count(DISTINCT post_id) FROM predictions"
    assert rows(config, every) == [(MANY + 65, MANY + 65)]
    assert rows(config, "SELECT count(*) FROM kept") == [(MANY + 65,)]


def on_topic(broker: Broker, topic: str) -> int:
    try:
        return ends(broker, topic)
    except Exception:  # not there yet
        return 0
