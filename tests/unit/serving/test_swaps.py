"""The champion moves again and again while requests come in and the stream is classified: nothing fails, is lost or doubled."""

import threading
from itertools import groupby

import httpx

from goldstream import settings
from goldstream.clock import now
from goldstream.log.embedded import EmbeddedLog
from goldstream.records import Post, to_columns
from goldstream.registry.postgres import PostgresRegistry
from goldstream.stream.champion import Champion
from goldstream.stream.local import classify

SWAPS, BATCH = 20, 50


def _append(log: EmbeddedLog, number: int) -> None:
    posts = [
        Post(
            id=f"t:{number}-{each}",
            source="t",
            text="a flood" if each % 2 else "a cat",
            revision=1,
            author="ann",
            seen_at=now(),
        )
        for each in range(BATCH)
    ]
    log.append(to_columns(posts), "t", None)


def test_swaps_under_load_leave_no_scratch(store, registry, running, tmp_path):
    _, (host, port) = running()
    log, stop, asked = EmbeddedLog(store), threading.Event(), []

    def ask() -> None:
        with httpx.Client(base_url=f"http://{host}:{port}") as client:
            while not stop.is_set():
                answer = client.post("/predict", json={"text": "a flood"})
                asked.append((answer.status_code, answer.json().get("version")))

    def read() -> None:
        with Champion(PostgresRegistry(store), tmp_path / "other", say=lambda _: None) as champion:
            classify(
                log,
                champion,
                store,
                settings.Stream(batch_size=BATCH),
                settings.Project(),
                stop=stop,
                until_end=False,
                say=print,
            )

    threads = [threading.Thread(target=work) for work in (ask, read)]
    for thread in threads:
        thread.start()
    appended = 0
    for swap in range(SWAPS):
        _append(log, appended := appended + 1)
        wanted = 1 + (swap + 1) % 2
        registry.move("champion", wanted, who="test", why=f"swap {swap}")
        _wait(lambda wanted=wanted: asked and asked[-1][1] == wanted)
    with store.connect(name="test") as conn:
        _wait(lambda: conn.execute("SELECT count(*) FROM predictions").fetchone()[0] == appended * BATCH)
        stop.set()
        for thread in threads:
            thread.join(30)
        rows = conn.execute("SELECT position, version FROM predictions ORDER BY position").fetchall()
    log.close()
    assert [position for position, _ in rows] == sorted({position for position, _ in rows})
    assert len(rows) == appended * BATCH
    champions = iter([move.after for move in reversed(registry.history("champion"))])
    assert all(version in champions for version, _ in groupby(version for _, version in rows))  # in the order of the moves
    assert {status for status, _ in asked} == {200}
    assert {version for _, version in asked} == {1, 2}
    assert len(registry.history("champion")) == SWAPS + 1


def _wait(true) -> None:
    for _ in range(3_000):
        if true():
            return
        threading.Event().wait(0.01)
    raise AssertionError("waited in vain")
