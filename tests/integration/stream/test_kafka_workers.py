"""Workers that share topics, and topics that change under them: each message is classified once, whatever happens."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic
from msgspec import structs

from goldstream import settings
from goldstream.errors import LogError
from goldstream.log import kafka_follow
from goldstream.log.kafka import KafkaLog
from goldstream.run.kafka_broker import Broker
from goldstream.store import Store, positions
from goldstream.stream import worker
from goldstream.stream.champion import Fixed
from goldstream.stream.local import classify
from goldstream.testing import Keywords

from .conftest import DyingStore, append, post, run

Make = Callable[..., settings.Settings]
Rows = Callable[..., list[Any]]

QUICK = {"session.timeout.ms": 2_000, "heartbeat.interval.ms": 200, "topic.metadata.refresh.interval.ms": 500}


@pytest.fixture(autouse=True)
def _look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_follow, "LOOK_S", 0.2)
    monkeypatch.setattr(worker, "AGAIN_S", 0.5)
    monkeypatch.setattr(worker, "LOOK_S", 0.1)


@pytest.fixture
def quick(kafka: Make) -> Make:
    """Settings of a project whose workers notice each other quickly."""

    def make(**log: Any) -> settings.Settings:
        servers = kafka().log.kafka
        return kafka(**{"kafka": {**servers, **QUICK}, **log})

    return make


class Worker:
    """A worker in a thread of its own."""

    def __init__(self, store: Any, section: settings.Settings, champion: Fixed | None = None) -> None:
        self.said: list[str] = []
        self.error: BaseException | None = None
        self._stop = threading.Event()
        self._log = KafkaLog(store, section)
        self._champion = champion or Fixed(Keywords("help"), 1)  # type: ignore[arg-type]
        self._store = store
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def _work(self) -> None:
        try:
            classify(
                self._log, self._champion, self._store, settings.Stream(batch_size=10), settings.Project(),
                stop=self._stop, until_end=False, say=self.said.append,
            )  # fmt: skip
        except BaseException as error:
            self.error = error

    def alive(self) -> bool:
        return self._thread.is_alive()

    def end(self) -> None:
        self._stop.set()
        self._thread.join()
        self._log.close()


@contextmanager
def workers(count: int, store: Any, section: settings.Settings, **more: Any) -> Iterator[list[Worker]]:
    started = [Worker(store, section, **more) for _ in range(count)]
    try:
        yield started
    finally:
        for each in started:
            each.end()
    assert [each.error for each in started] == [None] * len(started)


def until(true: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.02)


@pytest.fixture
def admin(broker: Broker) -> AdminClient:
    return AdminClient({"bootstrap.servers": broker.servers})


def classified_once(rows: Rows, count: int) -> bool:
    """Whether `count` posts have a prediction; no position ever has two."""
    ((posts, places, messages),) = rows(
        "SELECT count(DISTINCT post_id), count(DISTINCT (partition, position)), count(*) FROM predictions"
    )
    assert places == messages
    return bool(posts >= count)


def test_workers_share_the_partitions_and_take_over_when_one_goes(classified: Store, rows: Rows, quick: Make):
    section = quick(partitions=4)
    log = KafkaLog(classified, section)
    with workers(1, classified, section):
        append(log, *(post(f"t:{n}", "help") for n in range(200)))
        until(lambda: classified_once(rows, 200), "one worker has read all")
        second = Worker(classified, section)
        until(lambda: rows("SELECT count(*) FROM positions WHERE epoch > 1") == [2], "two partitions have changed hands")
        append(log, *(post(f"t:{n}", "help") for n in range(200, 400)))
        until(lambda: classified_once(rows, 400), "two workers have read all")
        second.end()
        append(log, *(post(f"t:{n}", "help") for n in range(400, 600)))
        until(lambda: classified_once(rows, 600), "one worker has read all again")
    assert second.error is None
    assert rows("SELECT count(*) FROM kept") == [600]
    assert rows("SELECT count(*), sum(position)::int FROM positions") == [(4, 600)]
    log.close()


def test_a_worker_that_slept_while_another_took_over_writes_nothing(classified: Store, rows: Rows, quick: Make):
    # first worker    reads and scores ················· writes: refused; lets go; takes over again once it is alone
    # second worker              takes over, writes, goes
    section = quick(partitions=1)
    log = KafkaLog(classified, section)
    asleep, awake = threading.Event(), threading.Event()

    class Sleeping(Fixed):
        def predict(self, texts: Any) -> Any:
            if len(texts):
                asleep.set()
                awake.wait()
            return super().predict(texts)

    append(log, post("t:1", "help"))
    with workers(1, classified, section, champion=Sleeping(Keywords("help"), 1)) as (sleeper,):  # type: ignore[arg-type]
        asleep.wait()
        assert run(log, classified).posts == 1
        awake.set()
        append(log, post("t:2", "help"))
        until(lambda: classified_once(rows, 2), "the one that slept goes on")
        assert sleeper.alive()
    assert rows("SELECT position FROM predictions ORDER BY 1") == [0, 1]
    assert rows("SELECT epoch FROM positions") == [3]
    log.close()


@pytest.mark.parametrize("cut_at", [6, 9, 11, 12])
def test_a_commit_whose_reply_was_lost_is_recognised(classified: Store, rows: Rows, kafka: Make, cut_at: int):
    log = KafkaLog(classified, kafka(partitions=1))
    append(log, post("t:1", "help"), post("t:2", "nothing"))
    run(log, DyingStore(classified, [(cut_at, True)]))
    log.close()
    assert rows("SELECT position FROM predictions ORDER BY 1") == [0, 1]
    assert rows("SELECT post_id FROM kept") == ["t:1"]


def test_new_partitions_are_read_from_their_beginning(classified: Store, rows: Rows, quick: Make, admin: AdminClient):
    section = quick(partitions=1)
    log = KafkaLog(classified, section)
    with workers(2, classified, section):
        append(log, *(post(f"t:{n}", "help") for n in range(50)))
        until(lambda: classified_once(rows, 50), "one partition has been read")
        for made in admin.create_partitions([NewPartitions(f"{section.project.name}.posts", 5)]).values():
            made.result(30)
        log = KafkaLog(classified, section)
        append(log, *(post(f"t:{n}", "help") for n in range(50, 150)))
        until(lambda: classified_once(rows, 150), "five partitions have been read")
    assert rows("SELECT count(*), sum(position)::int FROM positions") == [(5, 150)]
    log.close()


def test_a_topic_that_is_made_anew_is_read_from_its_beginning(classified: Store, rows: Rows, quick: Make, admin: AdminClient):
    section = quick(partitions=1)
    topic = f"{section.project.name}.posts"
    log = KafkaLog(classified, section)
    with workers(1, classified, section):
        append(log, *(post(f"t:{n}", "help") for n in range(5)))
        until(lambda: classified_once(rows, 5), "the topic has been read")
        admin.delete_topics([topic])[topic].result(30)
        until(lambda: topic not in admin.list_topics(timeout=5).topics, "the topic is gone")
        admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(30)
        log.close()
        log = KafkaLog(classified, section)
        append(log, *(post(f"t:{n}", "help") for n in range(5, 25)))
        until(lambda: classified_once(rows, 25), "the new topic has been read")
    assert rows("SELECT position FROM positions ORDER BY 1") == [5, 20]
    assert rows("SELECT count(*) FROM predictions GROUP BY partition ORDER BY 1") == [5, 20]
    log.close()


def test_what_retention_took_is_counted_and_reading_goes_on_at_the_oldest(
    classified: Store, rows: Rows, kafka: Make, admin: AdminClient
):
    section = kafka(partitions=1)
    topic = f"{section.project.name}.posts"
    log = KafkaLog(classified, section)
    append(log, *(post(f"t:{n}", "help") for n in range(2)))
    run(log, classified)
    append(log, *(post(f"t:{n}", "help") for n in range(2, 9)))
    admin.delete_records([TopicPartition(topic, 0, 6)])[TopicPartition(topic, 0, 6)].result(30)
    said: list[str] = []
    classify(
        log, Fixed(Keywords("help"), 1), classified, settings.Stream(), settings.Project(),  # type: ignore[arg-type]
        stop=threading.Event(), until_end=True, say=said.append,
    )  # fmt: skip
    assert said == ["classify: 4 posts had left the log before they were classified (log.retention-days)"]
    assert rows("SELECT position FROM predictions ORDER BY 1") == [0, 1, 6, 7, 8]
    assert rows("SELECT position FROM positions") == [9]
    log.close()


def test_a_rewound_reader_reads_again(classified: Store, rows: Rows, quick: Make):
    section = quick(partitions=1)
    log = KafkaLog(classified, section)
    append(log, *(post(f"t:{n}", "help") for n in range(3)))
    with workers(1, classified, section):
        until(lambda: classified_once(rows, 3), "all was read")
        ((partition, identity),) = rows("SELECT partition, log FROM positions")
        with classified.connect(name="rewind") as conn, conn.transaction():
            conn.execute("TRUNCATE predictions")
            positions.rewind(conn, "classify", identity, partition, 1)
        until(lambda: classified_once(rows, 2), "it was read again, though nothing new has come")
    assert rows("SELECT position FROM predictions ORDER BY 1") == [1, 2]
    log.close()


def test_an_outage_of_the_broker_pauses_and_one_without_end_ends_the_worker(
    classified: Store, rows: Rows, tmp_path: Path, broker
):
    with Broker(tmp_path / "kafka") as own:
        kafka = {"bootstrap.servers": own.servers, **QUICK}
        section = settings.Settings(
            project=settings.Project(name="outage"), log=settings.Log(type="kafka", partitions=2, give_up_s=300, kafka=kafka)
        )
        log = KafkaLog(classified, section)
        append(log, *(post(f"t:{n}", "help") for n in range(20)))
        worker = Worker(classified, section)
        until(lambda: classified_once(rows, 20), "all was read")
        own.kill()
        until(lambda: worker.said, "the worker has said so")
        own.start()
        append(log, *(post(f"t:{n}", "help") for n in range(20, 40)))
        until(lambda: classified_once(rows, 40), "the worker goes on")
        assert worker.said[0].startswith("paused: Kafka can't be reached at 127.0.0.1:")
        assert worker.said[-1] == "resumed: Kafka answers again"
        worker.end()
        assert worker.error is None
        worker = Worker(classified, structs.replace(section, log=structs.replace(section.log, give_up_s=1)))
        own.kill()
        until(lambda: not worker.alive(), "the worker has ended")
        worker.end()
    assert isinstance(worker.error, LogError)
    assert str(worker.error).startswith("no broker has answered for log.give-up-s, 1 s: Kafka can't be reached")
    assert rows("SELECT count(*) FROM predictions") == [40]
    log.close()
