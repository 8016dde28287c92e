"""`goldstream up`, killed: any of its processes, at any moment, again and again."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from goldstream import settings
from goldstream.errors import StoreError
from goldstream.run import demo
from goldstream.store import Store

POSTS = 9_000
KILLS = 12


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A project that reads a paced sample, so that there is time to kill something."""
    config = demo.write_project(tmp_path / "project", "sample", paced=False, port=0)
    text = config.read_text().replace(
        'type = "sample"\n', f'type = "sample"\nposts = {POSTS}\nrate = 700\nlive-after = 4_000\n'
    )
    for name, size in {"topic": 800, "false-friends": 700, "rest": 500, "test": 200, "dev": 100, "snorkel-train": 500}.items():
        text = "\n".join(
            f"{name} = {size}" if line.startswith(f"{name} = ") and "[" not in line else line for line in text.splitlines()
        )
    config.write_text(text)
    return config


def tree(process: subprocess.Popen[bytes], folder: Path) -> list[psutil.Process]:
    """Every process of a project: the supervisor's, the keeper, and PostgreSQL's postmaster."""
    found = [each for each in psutil.Process(process.pid).children(recursive=True) if "goldstream.run.part" in _words(each)]
    return found + [
        each for each in psutil.process_iter() if str(folder) in _words(each) and each.pid != process.pid and each not in found
    ]


def _words(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def start(config: Path) -> subprocess.Popen[bytes]:
    with (config.parent / "up.log").open("ab") as log:
        return subprocess.Popen([sys.executable, "-m", "goldstream", "up", "--config", str(config)], stderr=log, stdout=log)


def progress(conn: psycopg.Connection) -> tuple[int, int] | None:  # type: ignore[type-arg]
    return conn.execute(
        "SELECT l.next_position, p.position FROM logs l JOIN positions p ON p.log = l.identity::text WHERE p.reader = 'classify'"
    ).fetchone()


@pytest.fixture
def running(config: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """The supervisors that were started; whatever is left of them is ended."""
    started = [start(config)]
    yield started
    if started[-1].poll() is None:
        started[-1].terminate()
        started[-1].wait(60)


def test_killing_any_process_loses_nothing_and_doubles_nothing(config: Path, running: list[subprocess.Popen[bytes]]) -> None:
    choose = random.Random(5)
    for _ in range(KILLS):
        time.sleep(choose.uniform(0.3, 2.5))
        if victims := tree(running[-1], config.parent):
            victim = choose.choice(victims)
            try:
                os.kill(victim.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
    running[-1].kill()
    running[-1].wait()
    assert gone_within(60, config.parent), "a process outlived its killed supervisor"
    running.append(start(config))
    wait_until_read(config)
    with Store.open(settings.load(config).store, config.parent) as store, store.connect(name="test") as conn:
        rows = conn.execute(
            "SELECT count(*), count(DISTINCT position), min(position), max(position) FROM predictions"
        ).fetchone()
        end = conn.execute("SELECT next_position FROM logs").fetchone()
        twice = conn.execute("SELECT count(*) - count(DISTINCT post_id) FROM current_predictions").fetchone()
        creates = conn.execute("SELECT count(DISTINCT post_id) FROM predictions WHERE kind = 'create'").fetchone()
        dead = conn.execute(
            "SELECT count(*) FROM current_predictions c JOIN tombstones t USING (post_id) WHERE t.revision >= c.revision"
        ).fetchone()
        lost = conn.execute("SELECT count(*) FROM dead_letters WHERE stage = 'ingest'").fetchone()
    assert end is not None
    assert rows == (end[0], end[0], 0, end[0] - 1)
    assert creates is not None
    assert lost is not None
    assert POSTS - 20 <= creates[0] <= POSTS
    assert twice == (0,)
    assert dead == (0,)
    running[-1].terminate()
    assert running[-1].wait(60) == 0
    assert gone_within(30, config.parent), "a process outlived a clean stop"


def wait_until_read(config: Path) -> None:
    """Wait until the sample is through and classified; a minute and a half is plenty."""
    deadline = time.monotonic() + 150
    while time.monotonic() < deadline:
        time.sleep(1)
        try:
            with Store.open(settings.load(config).store, config.parent) as store, store.connect(name="test") as conn:
                read = progress(conn)
                through = conn.execute("SELECT cursor::bigint FROM cursors WHERE source = 'sample'").fetchone()
        except (StoreError, psycopg.Error):
            continue
        if read and through and through[0] >= POSTS and read[0] == read[1] and _last_event(conn, through[0]):
            return
    raise AssertionError(f"not read in time: {(config.parent / 'up.log').read_text()[-3000:]}")


def _last_event(conn: object, cursor: int) -> bool:
    from goldstream.sources.sample import events

    return cursor >= sum(1 for _ in events(posts=POSTS))


def gone_within(seconds: float, folder: Path) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not [each for each in psutil.process_iter() if str(folder) in _words(each)]:
            return True
        time.sleep(0.2)
    return False
