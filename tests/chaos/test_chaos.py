"""While a known stream flows, everything is killed, paused and cut off at seeded moments; then all must be there, once.

GOLDSTREAM_CHAOS="posts=1000000 faults=200 seed=7" pytest tests/chaos        (or: make chaos)
"""

import os
import random
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg
import pytest

from goldstream.errors import GoldstreamError
from goldstream.records import to_json
from goldstream.run import kafka_broker

from . import history
from .project import Proxy, Running, alive

_ASKED = dict(word.split("=") for word in os.environ.get("GOLDSTREAM_CHAOS", "").split())
POSTS, FAULTS, SEED = (int(_ASKED.get(name, short)) for name, short in (("posts", 4_000), ("faults", 4), ("seed", 3)))
PATIENCE_S = 120 + POSTS / 5_000


@pytest.fixture(params=["embedded", "kafka"])
def running(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Running]:
    """A project that runs."""
    with ExitStack() as open_:
        broker = proxy = None
        if request.param == "kafka":
            if why := kafka_broker.missing():
                pytest.skip(why)
            port = kafka_broker.free_port()
            proxy = Proxy(port)
            open_.callback(proxy.close)
            broker = open_.enter_context(kafka_broker.Broker(tmp_path / "kafka", port, advertised=proxy.port))
        made = Running(tmp_path, broker, proxy, SEED)
        open_.callback(made.stop)
        yield made


def test_nothing_is_lost_and_nothing_doubled_under_fire(running: Running):
    choose = random.Random(SEED)
    stream = history.events(POSTS, SEED)
    with (running.folder / "posts.jsonl").open("ab") as file:
        for number in range(FAULTS):
            for event in islice(stream, POSTS // (FAULTS + 1)):
                file.write(to_json(event) + b"\n")
            file.flush()
            time.sleep(choose.uniform(0.2, 2))
            fault = choose.choice(running.faults())
            print(f"fault {number}: {fault.__name__}", flush=True)
            fault()
        for event in stream:
            file.write(to_json(event) + b"\n")
    wanted = history.left(history.events(POSTS, SEED))
    deadline = time.monotonic() + PATIENCE_S
    while (why := wrong(running, wanted)) is not None:
        assert time.monotonic() < deadline, f"{why}\n{running.said()}"
        time.sleep(1)
    running.stop()
    assert wrong(running, wanted) is None
    time.sleep(1)
    left_over = [each for each in alive(running.folder) if running.broker is None or each.pid != running.broker.pid]
    deadline = time.monotonic() + 60
    while any(each.is_running() for each in left_over):
        assert time.monotonic() < deadline, left_over
        time.sleep(0.2)


def wrong(running: Running, wanted: history.Left) -> str | None:
    """Return what is not as it must be, or None."""
    try:
        with running.open() as store, store.connect(name="chaos", statement_timeout=0) as conn:
            return _compared(conn, wanted)
    except (psycopg.Error, GoldstreamError) as error:
        return f"the store can't be asked: {error}"


def _compared(conn: psycopg.Connection[Any], wanted: history.Left) -> str | None:
    places = conn.execute("SELECT partition, position FROM positions WHERE reader = 'classify' ORDER BY 1").fetchall()
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
