"""A version that is tried as a shadow, as people do it: by commands, and by the part that a running project starts for it."""

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner

from goldstream.cli import goldstream
from goldstream.models.folder import save_model
from goldstream.models.ngram_bag import NgramBag, NgramBagSettings
from goldstream.records import Post, to_columns
from goldstream.run.project import Project
from goldstream.run.shadows import keep_shadows
from goldstream.store import Store


@pytest.fixture
def project(tmp_path: Path, store: Store) -> Iterator[Project]:
    """A project with two versions, which keep floods and cats, and 60 posts on its log."""
    config = tmp_path / "goldstream.toml"
    config.write_text(f'[project]\nname = "floods"\n[store]\ndsn = "{store.dsn}"\nschema = "{store.schema}"\n')
    with Project.open(config) as opened:
        registry = opened.registry()
        for kept, other in (("a flood", "a cat"), ("a cat", "a flood")):
            model = NgramBag(("keep", "other"), NgramBagSettings(bits=12, epochs=2))
            model.fit(pa.array([kept, other] * 10), np.eye(2, dtype=np.float32)[[0, 1] * 10])
            folder = tmp_path / kept.replace(" ", "-")
            save_model(model, folder, kind="ngram-bag", name="floods", threshold=0.5, positive="keep", made_from={})
            registry.register(folder, name="floods", labels=("keep", "other"), threshold=0.5, evidence={})
        registry.move("champion", 1, who="test", why="first")
        yield opened


def append(project: Project, first: int, count: int) -> None:
    log = project.log()
    posts = [
        Post(id=f"t:{n}", source="t", text=["a flood", "a cat", "a dog"][n % 3], revision=1, seen_at=datetime.now(UTC))
        for n in range(first, first + count)
    ]
    log.append(to_columns(posts), "t", None)
    log.close()


def say(project: Project, *words: str) -> str:
    said = CliRunner().invoke(goldstream, [*words, "-c", str(project.config)], catch_exceptions=False)
    assert said.exit_code == 0, said.output
    return said.stdout


def test_a_shadow_is_tried_compared_and_promoted_by_commands(project):
    append(project, 0, 30)
    say(project, "classify")
    say(project, "models", "try", "2", "--as", "shadow")
    append(project, 30, 30)
    say(project, "classify")
    found = json.loads(say(project, "models", "trial", "--json"))
    assert (found["behind"], found["stream"]) == (30, [])
    assert "30 posts that the champion has scored are still to come" in say(project, "models", "trial")
    say(project, "classify", "--shadow")
    found = json.loads(say(project, "models", "trial", "--json"))
    assert found["behind"] == 0
    [beside] = found["stream"]
    assert (beside["champion"], beside["posts"]) == (1, 30)
    assert beside["kept"] >= 10 and beside["shadow_kept"] >= 10 and beside["agreed"] <= 10
    assert "version 2 keeps" in say(project, "models", "trial")
    say(project, "models", "promote", "2")
    assert "no version is being tried" in say(project, "models", "trial")
    assert CliRunner().invoke(goldstream, ["classify", "--shadow", "-c", str(project.config)]).exit_code == 1
    said = CliRunner().invoke(goldstream, ["models", "try", "2", "--as", "canary", "-c", str(project.config)])
    assert said.exit_code == 1 and "version 2 is the champion already" in str(said.exception)


def test_a_running_project_gives_a_shadow_a_process_while_it_is_tried(project):
    append(project, 0, 30)
    stop = threading.Event()
    thread = threading.Thread(target=keep_shadows, args=(project, stop))
    thread.start()

    def scored() -> int:
        with project.store.connect(name="test") as conn:
            return conn.execute("SELECT count(*) FROM shadow_predictions").fetchone()[0]

    def readers() -> int:
        query = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'goldstream shadow:%'"
        with project.store.connect(name="test") as conn:
            return conn.execute(query).fetchone()[0]

    try:
        say(project, "models", "try", "2", "--as", "shadow")
        _until(lambda: scored() == 30)
        append(project, 30, 5)
        _until(lambda: scored() == 35)
        say(project, "models", "drop")
        _until(lambda: readers() == 0)
    finally:
        stop.set()
        thread.join()
    assert scored() == 35


def _until(true) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)
