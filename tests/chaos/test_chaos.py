"""While a known stream flows, everything is killed, paused and cut off at seeded moments; then all must be there, once.

A longer one: make chaos CHAOS="posts=1000000 faults=200 seed=7"
"""

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg
import pytest

from goldstream.errors import GoldstreamError
from goldstream.records import to_json
from goldstream.run import kafka_broker

from . import history
from .database import Elsewhere, Own
from .disk import SmallDisk
from .project import Running
from .proxy import Proxy
from .proxy import port as to_port

_ASKED = dict(word.split("=") for word in os.environ.get("GOLDSTREAM_CHAOS", "").split())
POSTS, FAULTS, SEED = (int(_ASKED.get(name, short)) for name, short in (("posts", 4_000), ("faults", 4), ("seed", 3)))
LONGEST_S = 60.0 if FAULTS >= 100 else 3.0  #: an outage lasts at most so long
PACE_S = 8.0 if FAULTS >= 100 else 3.0  #: a fault with the rest before it, roughly; what of the stream is left comes at the end
PATIENCE_S = 180 + POSTS / 2_000


@pytest.fixture(params=["embedded", "kafka"])
def running(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Running]:
    """A project that runs: all of it embedded; or on a broker and a database that others run, behind proxies."""
    choose = random.Random(SEED)
    with ExitStack() as open_:
        disk = SmallDisk(tmp_path / "disk")
        open_.callback(disk.close)
        if request.param == "kafka":
            if why := kafka_broker.missing():
                pytest.skip(why)
            broker_disk = SmallDisk(tmp_path / "broker-disk")
            open_.callback(broker_disk.close)
            port = kafka_broker.free_port()
            proxy = open_.enter_context(closing(Proxy(to_port(port))))
            broker = open_.enter_context(kafka_broker.Broker(broker_disk.folder / "kafka", port, advertised=proxy.port))
            database = open_.enter_context(closing(Elsewhere(disk.folder / "database", choose)))
            made = Running(
                tmp_path, SEED, LONGEST_S, database=database, disk=disk, broker=broker, proxy=proxy, broker_disk=broker_disk
            )
        else:
            made = Running(tmp_path, SEED, LONGEST_S, database=Own(disk.folder / ".goldstream", choose), disk=disk)
        if disk.why_not:
            print(f"\nno disk is filled (that takes root): {disk.why_not}")
        open_.callback(made.stop)
        yield made


def test_nothing_is_lost_and_nothing_doubled_under_fire(running: Running):
    choose = random.Random(SEED)
    with flowing(running.posts) as begun:
        until(running.has_begun, "it classifies")
        begun.set()
        for number, fault in enumerate(in_turn(running.faults(), choose), 1):
            time.sleep(choose.uniform(0, 2))
            print(f"{datetime.now():%H:%M:%S} fault {number}: {fault.__name__}", flush=True)
            fault()
    wanted = history.left(history.events(POSTS, SEED))
    deadline = time.monotonic() + PATIENCE_S
    while (why := wrong(running, wanted)) is not None:
        assert time.monotonic() < deadline, f"{why}\n{running.said()}"
        time.sleep(1)
    running.stop()
    assert wrong(running, wanted) is None
    until(lambda: not running.processes(), "no process is left")


def until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 120
    while not true():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.2)


def in_turn(faults: list[Callable[[], None]], choose: random.Random) -> Iterator[Callable[[], None]]:
    """Yield `FAULTS` of them, in an order of chance, each before any comes again."""
    for number in range(FAULTS):
        if number % len(faults) == 0:
            choose.shuffle(faults)
        yield faults[number % len(faults)]


@contextmanager
def flowing(file: Path) -> Iterator[threading.Event]:
    """Write the stream to `file`: a little, and once the event is set the rest at an even pace; at the end all that is left."""
    begun, over = threading.Event(), threading.Event()

    def write() -> None:
        stream = history.events(POSTS, SEED)
        with file.open("ab", buffering=0) as posts:
            while piece := list(islice(stream, 1 + int(POSTS / FAULTS / PACE_S / 20))):
                posts.write(b"".join(to_json(event) + b"\n" for event in piece))
                begun.wait()
                over.wait(0.05)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield begun
    finally:
        begun.set(), over.set()
        writer.join()


def wrong(running: Running, wanted: history.Left) -> str | None:
    """Return what is not as it must be, or None."""
    try:
        with (
            running.open() as store,
            closing(running.log(store)) as log,
            store.connect(name="chaos", statement_timeout=0) as conn,
        ):
            return _compared(conn, {number: extent.end for number, extent in log.extents().items()}, wanted)
    except (psycopg.Error, GoldstreamError) as error:
        return f"the store can't be asked: {error}"


def _compared(conn: psycopg.Connection[Any], ends: dict[int, int], wanted: history.Left) -> str | None:
    places = conn.execute("SELECT partition, position FROM positions WHERE reader = 'classify' ORDER BY 1").fetchall()
    if dict(places) != ends:
        return f"the reader stands at {dict(places)}, the log ends at {ends}"
    rows = conn.execute(
        "SELECT partition, max(position) + 1, count(*), count(DISTINCT position) FROM predictions GROUP BY 1 ORDER BY 1"
    ).fetchall()
    for partition, end, count, distinct in rows:
        if not end == count == distinct == dict(places).get(partition):
            return (
                f"partition {partition} ends at {end}, its reader stands at {dict(places)}, {count} rows, {distinct} positions"
            )
    current = conn.execute(
        "SELECT post_id, revision, label = 'ai' FROM current_predictions WHERE reader = 'classify'"
    ).fetchall()
    if len(current) != len({post_id for post_id, *_ in current}):
        return "a post has two current predictions"
    found = {post_id: (revision, about) for post_id, revision, about in current}
    if found != wanted.live:
        return f"{len(found)} current predictions, {len(wanted.live)} wanted: {_differ(found, wanted.live)}"
    kept = dict(conn.execute("SELECT post_id, revision FROM kept").fetchall())
    should = {post_id: revision for post_id, (revision, about) in wanted.live.items() if about}
    if kept != should:
        return f"{len(kept)} kept posts, {len(should)} wanted: {_differ(kept, should)}"
    links = set(conn.execute("SELECT post_id, url FROM candidate_links").fetchall())
    return None if links == wanted.links else f"links differ: {list(links ^ wanted.links)[:5]}"


def _differ(found: dict[str, Any], wanted: dict[str, Any]) -> list[Any]:
    both = found.keys() | wanted.keys()
    return [(each, found.get(each), wanted.get(each)) for each in sorted(both) if found.get(each) != wanted.get(each)][:5]
