"""A text on which the model fails costs that text: the batch around it is classified, and its position has a row."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from goldstream.errors import ModelError
from goldstream.log.memory import MemoryLog
from goldstream.records import from_json
from goldstream.store import Store
from goldstream.stream.champion import Fixed, Scored
from goldstream.testing import Keywords

from .conftest import append, post, run


class Fragile(Fixed):
    """Fails on a batch that holds one of the words; has no number for "nan"."""

    def __init__(self, *words: str, version: int = 1) -> None:
        super().__init__(Keywords("help"), version)  # type: ignore[arg-type]
        self.words, self.calls = words, 0

    def predict(self, texts: pa.StringArray) -> Scored:
        self.calls += 1
        if any(word in text for text in texts.to_pylist() for word in self.words):
            raise ValueError("not this one")
        scored = super().predict(texts)
        scored.scores[["nan" in text for text in texts.to_pylist()]] = np.nan
        return scored


def test_the_failing_post_is_set_aside_and_the_rest_is_classified(classified: Store, rows: Any) -> None:
    # posts     help help bomb help nan help bomb
    # rows       1    1   null  1  null  1   null
    log = MemoryLog()
    texts = ["help 0", "help 1", "bomb 2", "help 3", "nan 4", "help 5", "bomb 6"]
    append(log, *(post(f"t:{n}", text) for n, text in enumerate(texts)))
    assert run(log, classified, champion=Fragile("bomb")).posts == 7
    assert rows("SELECT position, label, probability, version FROM predictions ORDER BY 1") == [
        (n, *(("keep", 1.0, 1) if "help" in text else (None, None, None))) for n, text in enumerate(texts)
    ]
    assert rows("SELECT post_id FROM kept ORDER BY 1") == ["t:0", "t:1", "t:3", "t:5"]
    assert rows("SELECT stage, post_id, place, reason FROM dead_letters ORDER BY id") == [
        ("classify", "t:2", "partition 0, position 2", "version 1: the model failed: ValueError: not this one"),
        ("classify", "t:4", "partition 0, position 4", "version 1: the model gave a score that is no number"),
        ("classify", "t:6", "partition 0, position 6", "version 1: the model failed: ValueError: not this one"),
    ]
    assert from_json(rows("SELECT payload FROM dead_letters ORDER BY id")[0]).text == "bomb 2"
    assert rows("SELECT position FROM positions") == [7]


def test_few_calls_find_one_bad_text_among_many(classified: Store, rows: Any) -> None:
    log = MemoryLog()
    append(log, *(post(f"t:{n}", "bomb" if n == 700 else "help") for n in range(1024)))
    champion = Fragile("bomb")
    run(log, classified, champion=champion, batch_size=1024)
    assert rows("SELECT count(*) FROM kept") == [1023]
    assert champion.calls < 30


def test_a_set_aside_edit_takes_the_older_revision_down(classified: Store, rows: Any) -> None:
    log = MemoryLog()
    append(log, post("t:1", "help"))
    run(log, classified)
    append(log, post("t:1", "bomb", "update"))
    run(log, classified, champion=Fragile("bomb"))
    assert rows("SELECT count(*) FROM candidates") == [0]
    assert rows("SELECT label FROM current_predictions") == [None]


def test_a_deleted_post_leaves_no_letter(classified: Store, rows: Any) -> None:
    # one is deleted before it comes, one in the same batch, one later; the author of the last is gone
    log = MemoryLog()
    append(log, post("t:1", kind="delete", revision=9), post("t:a", kind="forget", author="bob", revision=9))
    append(log, post("t:1", "bomb", revision=5), post("t:2", "bomb", revision=5), post("t:2", kind="delete", revision=6))
    append(log, post("t:3", "bomb", revision=5), post("t:4", "bomb", author="bob", revision=5))
    run(log, classified, champion=Fragile("bomb"))
    assert rows("SELECT post_id FROM dead_letters") == ["t:3"]
    append(log, post("t:3", kind="delete", revision=6))
    run(log, classified)
    assert rows("SELECT count(*) FROM dead_letters") == [0]


def test_a_model_that_fails_on_everything_stops_the_reader_and_nothing_moves(classified: Store, rows: Any) -> None:
    log = MemoryLog()
    append(log, post("t:1", "help"))
    with pytest.raises(ModelError, match="fails on every text"):
        run(log, classified, champion=Fragile("h"))
    assert rows("SELECT count(*) FROM predictions") == rows("SELECT count(*) FROM dead_letters") == [0]
    assert rows("SELECT position FROM positions") == [0]


def test_all_rows_of_a_batch_are_of_one_version_even_when_the_champion_changes_meanwhile(classified: Store, rows: Any) -> None:
    with classified.connect(name="test") as conn:
        conn.execute(
            "INSERT INTO models (name, labels, threshold, sha256, evidence) VALUES ('b', '{keep,other}', .5, 'y', '{}')"
        )
    log = MemoryLog()
    append(log, *(post(f"t:{n}", "bomb" if n == 3 else "help") for n in range(8)))

    class Changing(Fragile):
        def predict(self, texts: pa.StringArray) -> Scored:
            self.version = 1 if self.calls < 3 else 2
            return super().predict(texts)

    run(log, classified, champion=Changing("bomb"))
    assert rows("SELECT DISTINCT version FROM predictions WHERE position <> 3") == [2]
