"""Hostile input, from the command line to the tables: each oddity is a post or a dead letter, and nothing beside it is lost."""

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from goldstream import settings
from goldstream.models.folder import save_model
from goldstream.models.ngram_bag import NgramBag
from goldstream.run.project import Project
from goldstream.store import Store

SQL = "'; DROP TABLE logs; --"
SCRIPT = "<script>alert('ai')</script>"
PLAIN = 300  #: ordinary posts around the odd ones

PROJECT = """
[project]
labels = ["ai", "other"]
keep = "ai"

[web]
port = 0
"""


def command(*arguments: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "goldstream", *map(str, arguments)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def answer(*arguments: str | Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(command(*arguments, "--json").stdout)
    return found


def write_project(folder: Path, *sources: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "goldstream.toml"
    config.write_text(PROJECT + "".join(f"\n[[sources]]\n{source}\n" for source in sources))
    return config


def make_champion(config: Path) -> None:
    """Register a small model that knows what "ai" looks like."""
    model = NgramBag(("ai", "other"))
    texts = pa.array([f"{word} number {n}" for n in range(20) for word in ("ai model", "garden rain")])
    model.fit(texts, np.tile(np.eye(2, dtype=np.float32), (20, 1)))
    with Project.open(config) as project:
        folder = project.data_folder / "new-model"
        save_model(model, folder, kind="ngram-bag", name="m", threshold=0.5, positive="ai", made_from={})
        number = project.registry().register(folder, name="m", labels=("ai", "other"), threshold=0.5, evidence={"metrics": {}})
        project.registry().move("champion", number, who="test", why="test")


def row(number: int, **fields: Any) -> bytes:
    return json.dumps({"id": f"odd-{number}", "text": f"ai model {number}", **fields}).encode()


def odd_lines() -> list[bytes]:
    """Lines of JSON, each odd in its own way: what no line may do is take another one with it."""
    return [
        b'{"id": "broken", "text": "ai mod', b"[1, 2, 3]", b"null", b"\xff\xfe\x00", b'{"id": "utf-8", "text": "ai \xff\xfe"}',
        b"[" * 100_000, b'{"a":' * 50_000 + b"1" + b"}" * 50_000, row(1, nested=json.loads("[" * 500 + "]" * 500)),
        b'{"id": "odd-2", "text": "first", "text": "ai model twice"}', row(3, text="ai \x00 model"),
        b'{"id": "odd-4", "text": "ai \\ud800 model"}', row(5, text="ai model " + "x" * 1_000_000),
        row(6, tags=[f"tag{n}" for n in range(10_000)]), row(7, text=f"ai model {SCRIPT}", author=SCRIPT, url=f"javascript:{SCRIPT}"),
        row(8, author=SQL, lang=SQL, url=SQL, tags=[SQL], links=[SQL], reply_to=SQL, created_at=SQL, text=f"ai model {SQL}"),
        row(9, created_at="2999-01-01T00:00:00Z"), row(10, created_at="0000-01-01T00:00:00Z"), row(11, created_at="-0044-03-15"),
        row(12, created_at=-1e300), row(13, created_at=10**400), row(14, revision=2**70), row(15, revision="x"),
        row(16, id={"a": 1}), row(27, id=True), row(17, id="i" * 5_000), row(18, text=None), row(19, text=["ai"]), row(20, kind="explode"),
        row(21, text=""), row(22, links="https://[::1"), row(23, links=["http://" + "a" * 90_000]), row(24, text="%s %(x)s {0} \\ $1"),
        b'{"text": "ai model without an id"}', row(25, id=SQL), row(26, text="ai \u202e model \ud83d\ude00"),
    ]  # fmt: skip


COLUMNS = """columns = { id = "id", text = "text", kind = "kind", revision = "revision", created-at = "created_at", \
author = "author", lang = "lang", url = "url", links = "links", tags = "tags", reply-to = "reply_to" }"""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], dict[str, Any]]:
    """A project that has read and classified odd lines between plain ones, and what the commands said."""
    folder = tmp_path_factory.mktemp("hostile")
    plain = [json.dumps({"id": f"plain-{n}", "text": f"ai model number {n}"}).encode() for n in range(PLAIN)]
    odd = odd_lines()
    lines = [
        line for number in range(max(len(odd), PLAIN)) for line in (*odd[number : number + 1], *plain[number : number + 1])
    ]
    (folder / "lines.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    (folder / "rows.csv").write_bytes(
        b'id,text\n1,ai model\n2,"a quote that is never closed\n3,ai model\n4,\xff\n5,one,too many\n6,a\x00b\n'
    )
    config = write_project(
        folder,
        f'type = "files"\nname = "lines"\nsource = "lines"\npath = "lines.jsonl"\n{COLUMNS}',
        'type = "files"\nname = "rows"\nsource = "rows"\npath = "rows.csv"\ncolumns = { id = "id", text = "text" }',
    )
    make_champion(config)
    return config, answer("ingest", "--config", config), answer("classify", "--config", config)


def test_every_line_is_a_post_or_a_dead_letter(hostile: tuple[Path, dict[str, Any], dict[str, Any]]) -> None:
    config, came, classified = hostile
    assert came["lines"]["posts"] + came["lines"]["rejected"] == PLAIN + len(odd_lines())
    assert came["rows"] == {"posts": 3, "rejected": 3}
    assert classified["posts"] == came["lines"]["posts"] + 3
    with Store.open(settings.load(config).store, config.parent) as store, store.connect(name="test") as conn:
        positions = conn.execute("SELECT count(*), count(DISTINCT position), max(position) + 1 FROM predictions").fetchone()
        plain = conn.execute("SELECT count(*) FROM kept WHERE post_id LIKE 'lines:plain-%'").fetchone()
        letters = conn.execute("SELECT count(*) FROM dead_letters").fetchone()
    assert positions == (classified["posts"],) * 3
    assert plain == (PLAIN,)
    assert letters == (came["lines"]["rejected"] + 3,)


def test_what_was_kept_is_what_was_written(hostile: tuple[Path, dict[str, Any], dict[str, Any]]) -> None:
    config, _, _ = hostile
    with Store.open(settings.load(config).store, config.parent) as store, store.connect(name="test") as conn:
        texts = dict(conn.execute("SELECT post_id, text FROM candidates WHERE post_id NOT LIKE 'lines:plain-%'").fetchall())
        evil = conn.execute(
            "SELECT author, lang, url, tags, reply_to, created_at FROM kept WHERE post_id = 'lines:odd-8'"
        ).fetchone()
        far = conn.execute("SELECT created_at::text FROM kept WHERE post_id = 'lines:odd-9'").fetchone()
    assert texts["lines:odd-7"] == f"ai model {SCRIPT}"
    assert texts["lines:odd-3"] == texts["lines:odd-4"] == "ai \ufffd model"
    assert texts["lines:odd-24"] == "%s %(x)s {0} \\ $1"
    assert texts["lines:odd-26"] == "ai \u202e model \U0001f600"
    assert evil == (SQL, SQL, SQL, [SQL], f"lines:{SQL}", None)
    assert far == ("2999-01-01 00:00:00+00",)


def test_each_dead_letter_says_why_and_where(hostile: tuple[Path, dict[str, Any], dict[str, Any]]) -> None:
    config, _, _ = hostile
    letters = answer("dead-letters", "list", "--limit", "1000", "--config", config)["dead_letters"]
    reasons = {str(letter["place"] or letter["post_id"]).rpartition("/")[2]: letter["reason"] for letter in letters}
    assert reasons["lines.jsonl:1"] == "Input data was truncated"
    assert "recursion" in reasons["lines.jsonl:11"]
    assert reasons["rows.csv: row 6"] == "3 fields where the header has 2"
    assert "id is dict, not a text or a number" in reasons.values()
    assert reasons["lines:odd-5"] == "its text is longer than stream.max-text-bytes, 100000"
    assert reasons["lines:odd-6"] == "it has more than 500 tags"


def test_a_dataset_is_made_of_hostile_posts_too(hostile: tuple[Path, dict[str, Any], dict[str, Any]]) -> None:
    config, came, _ = hostile
    command("dataset", "collect", "--config", config)
    built = answer("dataset", "build", "--config", config)
    assert built["collected"] == came["lines"]["posts"] + came["rows"]["posts"] - 1  # one has no text


def test_a_source_that_cannot_be_read_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    (tmp_path / "good.jsonl").write_text('{"text": "good"}\n')
    (tmp_path / "bad.csv").write_text("id,body\n1,x\n")
    config = write_project(
        tmp_path, 'type = "files"\nname = "bad"\npath = "bad.csv"', 'type = "files"\nname = "good"\npath = "good.jsonl"'
    )
    said = command("ingest", "--config", config, code=1).stderr
    assert "bad.csv: no column 'text' for text; there are: id, body" in said
    assert answer("status", "--config", config)["log"][0]["next_position"] == 1


def test_beside_a_live_source_a_failing_one_says_so_and_is_tried_again(tmp_path: Path) -> None:
    (tmp_path / "good.jsonl").write_text('{"text": "good"}\n')
    (tmp_path / "bad.csv").write_text("id,body\n1,x\n")
    config = write_project(
        tmp_path,
        'type = "files"\nname = "good"\npath = "good.jsonl"\nfollow = true',
        'type = "files"\nname = "bad"\npath = "bad.csv"',
    )
    with (tmp_path / "up.log").open("w") as log:
        running = subprocess.Popen([sys.executable, "-m", "goldstream", "up", "--config", str(config)], stderr=log)
    try:
        until(lambda: "no column 'text'" in (tmp_path / "up.log").read_text(), "the failing source is named")
        (tmp_path / "bad.csv").write_text("id,text\n1,x\n")
        until(lambda: appended(config) == 2, "it is read once it can be")
        running.terminate()
        assert running.wait(60) == 0
    finally:
        running.kill()
        running.wait()


def appended(config: Path) -> int:
    with Store.open(settings.load(config).store, config.parent) as store, store.connect(name="test") as conn:
        return conn.execute("SELECT coalesce(sum(next_position), 0) FROM logs").fetchone()[0]  # type: ignore[index]


@pytest.mark.parametrize("setting", ['[dataset]\nprefix = "x; drop table"', '[store]\nschema = "a\\"; drop schema public"'])
def test_a_name_that_is_sql_is_refused_before_anything_starts(tmp_path: Path, setting: str) -> None:
    config = tmp_path / "goldstream.toml"
    config.write_text(setting)
    said = command("up", "--config", config, code=1).stderr
    assert str(config) in said
    assert "at `$." in said
    assert not (tmp_path / ".goldstream").exists()


POSTS = 100_000
ROOMY = 700 << 20  #: bytes of the small disk


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own that can be filled; what still uses it at the end is waited for."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={ROOMY}", "none", folder], capture_output=True, text=True, check=False
    )
    if made.returncode:
        pytest.skip(f"a small disk can't be mounted here (it takes root): {made.stderr.strip()}")
    yield folder
    until(lambda: subprocess.run(["umount", folder], capture_output=True, check=False).returncode == 0, "the disk is free")


def until(done: Callable[[], bool], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.2)


@pytest.mark.parametrize("left", [6 << 20, 15 << 20], ids=["for tables", "for the journal, of which PostgreSQL dies"])
def test_a_full_disk_pauses_the_stream_which_resumes_by_itself(tmp_path: Path, small_disk: Path, left: int) -> None:
    # disk    ········· full ·········· free
    # posts   in, classified | paused | all the others, once each
    noise = random.Random(1)  # what can't be compressed fills a disk soonest
    posts = "".join(f'{{"id": "{n}", "text": "ai model {n} {noise.randbytes(150).hex()}"}}\n' for n in range(POSTS))
    (tmp_path / "posts.jsonl").write_text(posts)
    config = write_project(
        small_disk / "project",
        f'type = "files"\nname = "posts"\npath = "{tmp_path / "posts.jsonl"}"\ncolumns = {{ id = "id" }}',
    )
    make_champion(config)
    with (tmp_path / "up.log").open("w") as log:
        running = subprocess.Popen([sys.executable, "-m", "goldstream", "up", "--config", str(config)], stderr=log)
    said = (tmp_path / "up.log").read_text
    try:
        until(lambda: "http://" in said(), "it runs")
        with (small_disk / "ballast").open("wb") as ballast:
            os.posix_fallocate(ballast.fileno(), 0, shutil.disk_usage(small_disk).free - left)
        until(
            lambda: "paused, the store can't be used" in said() and "No space left on device" in said(), "it says why it waits"
        )
        (small_disk / "ballast").unlink()
        until(lambda: classified(config) == (POSTS, POSTS, POSTS), "every post is classified once")
        assert "Traceback" not in said()
        running.terminate()
        assert running.wait(60) == 0
    except AssertionError as error:
        raise AssertionError(said()[-5_000:]) from error
    finally:
        running.kill()
        running.wait()


def classified(config: Path) -> tuple[Any, ...] | None:
    with Store.open(settings.load(config).store, config.parent) as store, store.connect(name="test") as conn:
        query = "SELECT count(*), count(DISTINCT position), count(DISTINCT post_id) FROM predictions"
        return conn.execute(query).fetchone()
