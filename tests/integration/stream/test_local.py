"""The loop that classifies: who may write, what an edit and a deletion do, swaps between batches, and kill -9."""

import os
import random
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from goldstream import settings
from goldstream.errors import DataError, PositionError, Superseded
from goldstream.log.embedded import EmbeddedLog
from goldstream.log.memory import MemoryLog
from goldstream.store import Store, positions, prediction_days, threshold
from goldstream.stream.champion import Fixed
from goldstream.stream.local import classify
from goldstream.testing import Keywords

from .conftest import append, post, run


def test_a_worker_that_was_superseded_writes_nothing(classified: Store, rows):
    # first worker    reads and scores ········· writes: refused
    # second worker                    takes over
    log = MemoryLog()
    append(log, post("t:1", "help"))

    class Overtaken(Fixed):
        def predict(self, texts):
            with classified.connect(name="second") as conn:
                positions.take(conn, "classify", log.identity, 0)
            return super().predict(texts)

    with pytest.raises(Superseded):
        run(log, classified, champion=Overtaken(Keywords("help"), 1))  # type: ignore[arg-type]
    assert rows("SELECT count(*) FROM predictions") == [0]
    assert rows("SELECT count(*) FROM candidates") == [0]
    assert rows("SELECT position FROM positions") == [0]
    run(log, classified)
    assert rows("SELECT post_id FROM candidates") == ["t:1"]


def test_an_idle_worker_stands_down_when_another_one_has_taken_over(classified: Store):
    # worker      reads all, waits for more ····· stands down, though no commit has told it
    # another                   takes over
    log = MemoryLog()
    append(log, post("t:1", "help"))

    class Waits(threading.Event):
        def is_set(self) -> bool:  # asked before each round
            with classified.connect(name="another") as conn:
                conn.execute("UPDATE positions SET epoch = epoch + 1 WHERE position = 1 AND epoch = 1")
            return False

    with pytest.raises(Superseded):
        classify(
            log, Fixed(Keywords("help"), 1), classified, settings.Stream(), settings.Project(),  # type: ignore[arg-type]
            stop=Waits(), until_end=False, say=lambda _: None,
        )  # fmt: skip


def test_workers_that_fight_over_a_reader_write_each_position_once(classified: Store, rows):
    log = MemoryLog()
    for number in range(15):
        append(log, post(f"t:{number}", "help"))

    def fight() -> None:
        while rows("SELECT coalesce(max(position), 0) FROM positions") != [15]:
            try:
                run(log, classified, batch_size=3)
            except Superseded:
                time.sleep(random.random() / 100)

    workers = [threading.Thread(target=fight) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert rows("SELECT position FROM predictions ORDER BY 1") == list(range(15))
    assert rows("SELECT count(*) FROM kept") == [15]


def test_a_stalled_worker_does_not_block_its_successor(classified: Store, rows):
    # The first worker has copied its rows, not committed, and hangs there; the second one must not wait for it.
    log = MemoryLog()
    append(log, post("t:1", "help"))
    run(log, classified)
    with (
        classified.connect(name="stalled", idle_in_transaction_session_timeout=0) as stalled,
        stalled.transaction(force_rollback=True),
    ):
        (day,) = rows("SELECT tableoid::regclass::text FROM predictions")
        stalled.execute(f"INSERT INTO {day} SELECT * FROM predictions".encode())
        append(log, post("t:2", "help"))
        assert run(log, classified).posts == 1
    assert rows("SELECT position FROM predictions ORDER BY 1") == [0, 1]


def test_each_row_names_the_version_that_scored_it(classified: Store, rows):
    with classified.connect(name="test") as conn:
        conn.execute(
            "INSERT INTO models (name, labels, threshold, sha256, evidence) VALUES ('b', '{keep,other}', .5, 'y', '{}')"
        )
    log = MemoryLog()
    append(log, *(post(f"t:{number}", "help") for number in range(6)))

    class Swapping:
        """A champion that moves on after each batch."""

        version = 0

        def predict(self, texts):
            if len(texts):
                self.version += 1
            return Fixed(Keywords("help"), min(self.version, 2)).predict(texts)  # type: ignore[arg-type]

    run(log, classified, batch_size=2, champion=Swapping())
    assert rows("SELECT version FROM predictions ORDER BY position") == [1, 1, 2, 2, 2, 2]


def test_links_are_stored_once_and_an_edit_replaces_them(classified: Store, rows):
    log = MemoryLog()
    one, two = "https://example.org/1?utm_source=x", "https://example.org/2"
    append(log, post("t:1", f"help {one} {two}", revision=1), post("t:2", f"help {two}", revision=1, author="bob"))
    run(log, classified)
    assert rows("SELECT url, posts, authors FROM links ORDER BY url") == [
        ("https://example.org/1", 1, 1), ("https://example.org/2", 2, 2),
    ]  # fmt: skip
    append(log, post("t:1", f"help {one}", "update", revision=2))
    run(log, classified)
    assert rows("SELECT url, posts FROM links ORDER BY url") == [("https://example.org/1", 1), ("https://example.org/2", 1)]


def test_posts_without_a_link_can_be_left_out(classified: Store, rows):
    log = MemoryLog()
    append(log, post("t:1", "help"), post("t:2", "help https://example.org/"))
    run(log, classified, require_link=True)
    assert rows("SELECT post_id FROM kept") == ["t:2"]
    assert rows("SELECT count(*) FROM current_predictions") == [2]


def test_the_same_revision_again_changes_nothing_that_people_see(classified: Store, rows):
    log = MemoryLog()
    same = post("t:1", "help https://example.org/")
    append(log, same)
    run(log, classified)
    before = rows("SELECT * FROM candidates"), rows("SELECT * FROM links")
    append(log, same)
    run(log, classified)
    assert (rows("SELECT * FROM candidates"), rows("SELECT * FROM links")) == before
    assert rows("SELECT count(*) FROM predictions") == [2]


def test_a_retrained_model_takes_back_what_comes_again(classified: Store, rows):
    log = MemoryLog()
    same = post("t:1", "help")
    append(log, same)
    run(log, classified)
    append(log, same)
    run(log, classified, champion=Fixed(Keywords("flood"), 1))  # type: ignore[arg-type]
    assert rows("SELECT count(*) FROM candidates") == [0]
    assert rows("SELECT probability FROM current_predictions") == [0]


def test_hostile_text_goes_through_as_it_is(classified: Store, rows):
    texts = [
        "help '); DROP TABLE candidates; --",
        "help \x00 <script>",
        "help \\ \n \t \\N \\.",
        'help "{,}" \ud800',
        "help ' \" é ☃",
    ]
    log = MemoryLog()
    append(log, *(
        post(f"t:{n}", text, tags=[text, "", "{}"], extra={"a": {text: [text]}}, created_at=datetime(2999, 1, 1, tzinfo=UTC))
        for n, text in enumerate(texts)
    ))  # fmt: skip
    run(log, classified)
    clean = [text.replace("\x00", "\ufffd").replace("\ud800", "\ufffd") for text in texts]
    assert rows("SELECT text, tags, extra->'a' FROM candidates ORDER BY position") == [
        (text, [text, "", "{}"], {text: [text]}) for text in clean
    ]


def test_predictions_lie_in_the_table_of_their_day_and_old_days_go(classified: Store, rows):
    log = MemoryLog()
    today = datetime(2026, 11, 20, 23, 59, 59, 999_999, tzinfo=UTC)
    append(log, post("t:1", "help", seen_at=today), post("t:2", "help", seen_at=today + timedelta(microseconds=1)))
    run(log, classified)
    where = "SELECT tableoid::regclass::text FROM predictions ORDER BY position"
    assert rows(where) == ["predictions_20261120", "predictions_20261121"]
    with classified.connect(name="retention") as conn:
        assert prediction_days.drop(conn, (today + timedelta(days=1)).date()) == ["predictions_20261120"]
    assert rows(where) == ["predictions_20261121"]


def test_the_threshold_moves_without_scoring_again(classified: Store, rows):
    class Unsure(Keywords):
        def predict_proba(self, texts):
            return super().predict_proba(texts) * 0.6 + 0.2  # 0.8 or 0.2

    log = MemoryLog()
    append(log, post("t:1", "help"), post("t:2", "nothing"))
    run(log, classified, champion=Fixed(Unsure("help"), 1))  # type: ignore[arg-type]
    assert rows("SELECT post_id FROM kept") == ["t:1"]
    with classified.connect(name="move") as conn:
        assert threshold.move(conn, 0.1, floor=0.05, who="me", why="test") == 2
        assert threshold.move(conn, 0.9, floor=0.05, who="me", why="test") == 0
        assert threshold.move(conn, None, floor=0.05, who="me", why="test") == 1
        with pytest.raises(DataError, match="keep-floor"):
            threshold.move(conn, 0.01, floor=0.05, who="me", why="test")


def test_a_position_past_the_end_of_the_log_is_said_loudly(classified: Store):
    log = MemoryLog()
    with classified.connect(name="test") as conn:
        positions.rewind(conn, "classify", log.identity, 0, 5)
    with pytest.raises(PositionError, match="stands at position 5"):
        run(log, classified)


def test_a_position_before_the_start_is_counted_and_resumed_at_the_start(classified: Store, rows):
    log = MemoryLog()
    for number in range(3):
        append(log, post(f"t:{number}", "help"))
    log.trim(before=2)
    run(log, classified)
    assert rows("SELECT position FROM predictions") == [2]
    assert rows("SELECT position FROM positions") == [3]


_CHILD = """
import sys, threading
from goldstream import settings
from goldstream.log.embedded import EmbeddedLog
from goldstream.store import Store
from goldstream.stream.champion import Fixed
from goldstream.stream.local import classify
from goldstream.stream.local import classify
from goldstream.testing import Keywords
store = Store(sys.argv[1], sys.argv[2], None)
log = EmbeddedLog(store)
print("ready", flush=True)
classify(log, Fixed(Keywords("help"), 1), store, settings.Stream(batch_size=7), settings.Project(),
         stop=threading.Event(), until_end=True, say=print)
log.close()
"""


def test_kill_9_in_the_middle_of_transactions_loses_and_doubles_nothing(classified: Store, rows):
    log = EmbeddedLog(classified)
    for first in range(0, 2_000, 50):
        append(log, *(post(f"t:{n}", "help" if n % 3 == 0 else "no") for n in range(first, first + 50)))
    append(log, *(post(f"t:{n}", kind="delete") for n in range(0, 2_000, 9)))
    log.close()
    end = 2_000 + len(range(0, 2_000, 9))
    killed = 0
    for _ in range(20):
        child = subprocess.Popen(
            [sys.executable, "-c", _CHILD, classified.dsn, classified.schema], stdout=subprocess.PIPE, env={**os.environ}
        )
        assert child.stdout is not None
        with child.stdout:
            child.stdout.readline()
            time.sleep(random.uniform(0.0, 0.3))
            killed += child.poll() is None
            child.kill()
            child.wait()
        if killed >= 5 or rows("SELECT coalesce(max(position), 0) FROM positions") == [end]:
            break
    log = EmbeddedLog(classified)
    run(log, classified)
    log.close()
    assert rows("SELECT position FROM predictions ORDER BY 1") == list(range(end))
    live = {f"t:{n}" for n in range(2_000) if n % 9}
    assert set(rows("SELECT post_id FROM current_predictions")) == live
    assert rows("SELECT count(*) FROM current_predictions") == [len(live)]
    assert set(rows("SELECT post_id FROM kept")) == {f"t:{n}" for n in range(0, 2_000, 3) if n % 9}
