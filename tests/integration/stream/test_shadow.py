"""A shadow on the stream: it reads what the champion reads, stores it apart, and can be killed like any other reader."""

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from goldstream import settings
from goldstream.log.embedded import EmbeddedLog
from goldstream.log.memory import MemoryLog
from goldstream.store import Store, trial_results, trials
from goldstream.stream.champion import Fixed
from goldstream.stream.shadow import shadow
from goldstream.testing import Keywords

from .conftest import DyingStore, append, post, run

PASSED = "SELECT partition, position FROM predictions ORDER BY 1, 2"
READ = "SELECT position FROM shadow_predictions ORDER BY 1"


@pytest.fixture
def tried(classified: Store) -> Store:
    """A store with model versions 1 and 2 in it."""
    with classified.connect(name="test") as conn:
        conn.execute(
            "INSERT INTO models (name, labels, threshold, sha256, evidence) VALUES ('flood', '{keep,other}', .5, 'y', '{}')"
        )
    return classified


def begin(store: Store, version: int = 2) -> trials.Trial:
    with store.connect(name="test") as conn:
        return trials.begin(conn, "shadow", version, 0.1, reader="classify", who="test", why="tried")


def follow(log, store, trial: trials.Trial, *words: str, batch_size: int = 100) -> int:
    """Let the shadow, which keeps posts with these words, read to the log's end."""
    model = Fixed(Keywords(*words), trial.version)  # type: ignore[arg-type]
    return shadow(
        log, model, store, settings.Stream(batch_size=batch_size), settings.Project(), trial,
        stop=threading.Event(), until_end=True, say=lambda _: None,
    )  # fmt: skip


def test_a_shadow_is_compared_post_by_post_and_changes_nothing_that_people_see(tried: Store, rows):
    log = MemoryLog()
    append(log, post("t:0", "help"))
    run(log, tried)  # before the trial
    trial = begin(tried)
    texts = ["help", "help flood", "flood", "nothing", "nothing", "nothing"]
    append(log, *(post(f"t:{number}", text) for number, text in enumerate(texts, 1)), post("t:6", kind="delete"))
    run(log, tried)
    seen = "SELECT * FROM predictions ORDER BY position", "SELECT * FROM kept ORDER BY 1"
    before = [rows(query) for query in seen]
    assert follow(log, tried, trial, "flood", batch_size=3) == 7
    assert [rows(query) for query in seen] == before
    assert rows(READ) == [1, 2, 3, 4, 5, 6, 7]
    assert rows("SELECT DISTINCT version FROM shadow_predictions WHERE label IS NOT NULL") == [2]
    with tried.connect(name="test") as conn:
        [found] = trial_results.on_stream(conn, trial.id, "classify")
        assert trial_results.behind(conn, trial, "classify") == 0
    assert found == trial_results.Beside(
        champion=1, posts=6, agreed=4, kept=2, shadow_kept=2, both_kept=1, precision=1.0, shadow_precision=1.0, moved=1 / 3
    )


def test_a_shadow_reads_all_partitions_of_a_kafka_log_beside_the_champion(
    tried: Store, rows: Callable[..., list[Any]], kafka: Callable[..., settings.Settings]
):
    log = pytest.importorskip("goldstream.log.kafka").KafkaLog(tried, kafka(partitions=3))
    append(log, *(post(f"t:{number}", "help") for number in range(30)))
    run(log, tried)  # before the trial
    earlier = rows(PASSED)
    trial = begin(tried)
    append(log, *(post(f"t:{number}", ["help", "flood"][number % 2]) for number in range(30, 90)))
    assert run(log, tried, batch_size=7).posts == 60
    before = rows("SELECT * FROM predictions ORDER BY partition, position")
    assert follow(log, tried, trial, "flood", batch_size=7) == 60
    log.close()
    assert rows("SELECT * FROM predictions ORDER BY partition, position") == before
    passed = rows("SELECT partition, position FROM shadow_predictions ORDER BY 1, 2")
    assert passed == [each for each in rows(PASSED) if each not in earlier]
    with tried.connect(name="test") as conn:
        [found] = trial_results.on_stream(conn, trial.id, "classify")
    assert (found.posts, found.agreed, found.kept, found.shadow_kept) == (60, 0, 30, 30)


def test_a_shadow_that_is_behind_is_compared_as_far_as_it_is(tried: Store):
    log = MemoryLog()
    trial = begin(tried)
    append(log, *(post(f"t:{number}", "help") for number in range(4)))
    assert follow(log, tried, trial, "help") == 4
    append(log, post("t:4", "help"))
    run(log, tried)
    with tried.connect(name="test") as conn:
        assert trial_results.behind(conn, trial, "classify") == 1
        assert [each.posts for each in trial_results.on_stream(conn, trial.id, "classify")] == [4]


@pytest.mark.parametrize("next_one", [None, 1])
def test_a_shadow_ends_with_its_trial_and_writes_nothing_more(tried: Store, rows, next_one):
    log = MemoryLog()
    trial = begin(tried)
    append(log, post("t:0", "help"))
    with tried.connect(name="test") as conn:
        trials.end(conn, who="test", why="enough")
    if next_one:
        begin(tried, next_one)
    assert follow(log, tried, trial, "help") == 0
    assert rows(READ) == []


def test_a_text_on_which_the_shadow_fails_has_a_row_that_says_nothing(tried: Store, rows):
    class Picky(Keywords):
        def predict_proba(self, texts):
            if "no!" in texts.to_pylist():
                raise ValueError(texts)
            return super().predict_proba(texts)

    log = MemoryLog()
    append(log, post("t:0", "help"), post("t:1", "no!"))
    trial = begin(tried)
    model = Fixed(Picky("help"), 2)  # type: ignore[arg-type]
    shadow(
        log, model, tried, settings.Stream(), settings.Project(), trial,
        stop=threading.Event(), until_end=True, say=lambda _: None,
    )  # fmt: skip
    assert rows("SELECT position, label, version FROM shadow_predictions ORDER BY 1") == [(0, "keep", 2), (1, None, None)]
    assert rows("SELECT count(*) FROM dead_letters") == [0]


def test_a_commit_whose_reply_was_lost_is_not_done_again(tried: Store, rows):
    for cut_at in range(1, 30):  # at every exchange of the run, the commit's among them
        log = MemoryLog()
        append(log, post("t:1", "hello"), post("t:2", "help"))
        with tried.connect(name="rewind") as conn:
            conn.execute("TRUNCATE shadow_predictions")
        follow(log, DyingStore(tried, [(cut_at, True)]), begin(tried), "help")
        assert rows(READ) == [0, 1]


_CHILD = """
import sys, threading
from goldstream import settings
from goldstream.log.embedded import EmbeddedLog
from goldstream.store import Store, trials
from goldstream.stream.champion import Fixed
from goldstream.stream.shadow import shadow
from goldstream.testing import Keywords
store = Store(sys.argv[1], sys.argv[2], None)
log = EmbeddedLog(store)
with store.connect(name="test") as conn:
    trial = trials.newest(conn)
print("ready", flush=True)
shadow(log, Fixed(Keywords("help"), 2), store, settings.Stream(batch_size=7), settings.Project(), trial,
       stop=threading.Event(), until_end=True, say=print)
log.close()
"""


def test_kill_9_half_way_loses_and_doubles_nothing(tried: Store, rows):
    trial = begin(tried)
    log = EmbeddedLog(tried)
    for first in range(0, 2_000, 50):
        append(log, *(post(f"t:{n}", "help" if n % 3 == 0 else "no") for n in range(first, first + 50)))
    reached = []
    while len(reached) < 3 and rows("SELECT count(*) FROM shadow_predictions") != [2_000]:
        child = subprocess.Popen(
            [sys.executable, "-c", _CHILD, tried.dsn, tried.schema], stdout=subprocess.PIPE, env={**os.environ}
        )
        assert child.stdout is not None
        with child.stdout:
            child.stdout.readline()
            until = time.monotonic() + 60
            while time.monotonic() < until and child.poll() is None:
                done = rows("SELECT count(*) FROM shadow_predictions")
                if done > (reached or [[0]])[-1]:
                    break
            time.sleep(random.uniform(0, 0.1))
            child.kill()
            child.wait()
        reached.append(rows("SELECT count(*) FROM shadow_predictions"))
    run(log, tried)
    follow(log, tried, trial, "help")
    log.close()
    assert rows(READ) == list(range(2_000))
    with tried.connect(name="test") as conn:
        [found] = trial_results.on_stream(conn, trial.id, "classify")
    assert (found.posts, found.agreed, found.kept, found.shadow_kept) == (2_000, 2_000, 667, 667)
