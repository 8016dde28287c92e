"""`goldstream dead-letters`: what could not be used is listed, shown, sent round again and dropped."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from goldstream.records import Post, to_json

PROJECT = """
[stream]
max-text-bytes = {limit}
[[sources]]
type = "files"
path = "posts.jsonl"
"""


def goldstream(config: Path, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "goldstream", "dead-letters", *arguments, "--config", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def answer(config: Path, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(goldstream(config, *arguments, "--json").stdout)
    return found


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with three letters: a post that is too long, one with too many tags, and half a line."""
    folder = tmp_path_factory.mktemp("letters")
    long = Post(id="files:long", source="files", text="long " * 40)
    tagged = Post(id="files:tagged", source="files", text="x", tags=["t"] * 600)
    lines = [to_json(Post(id="files:1", source="files", text="short")), to_json(long), b'{"half', to_json(tagged)]
    (folder / "posts.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    config = folder / "goldstream.toml"
    config.write_text(PROJECT.format(limit=100))
    subprocess.run([sys.executable, "-m", "goldstream", "ingest", "-c", config], check=True, capture_output=True)
    return config


def numbers(config: Path) -> dict[str, int]:
    return {letter["post_id"] or letter["place"].rpartition("/")[2]: letter["id"] for letter in letters(config)}


def letters(config: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = answer(config, "list")["dead_letters"]
    return found


def test_all_that_wait_are_listed_with_the_reason(config: Path) -> None:
    assert {letter["reason"] for letter in letters(config)} == {
        "Input data was truncated", "it has more than 500 tags", "its text is longer than stream.max-text-bytes, 100",
    }  # fmt: skip
    assert "it has more than 500 tags" in goldstream(config, "list").stdout
    assert len(goldstream(config, "list", "--limit", "1").stdout.splitlines()) == 1


def test_one_is_shown_with_what_it_holds(config: Path) -> None:
    shown = answer(config, "show", str(numbers(config)["posts.jsonl:3"]))
    assert (shown["payload"].strip(), shown["stage"]) == ('{"half', "source")
    assert "there is no dead letter 999" in goldstream(config, "show", "999", code=1).stderr


def test_what_is_still_refused_stays_and_what_is_not_goes_on_the_log(config: Path) -> None:
    known = numbers(config)
    assert answer(config, "replay")["replayed"] == 0
    config.write_text(PROJECT.format(limit=1_000))
    done = answer(config, "replay")
    assert done["replayed"] == 1
    assert done["stay"][str(known["files:tagged"])] == "still refused: it has more than 500 tags"
    assert "still not a post" in done["stay"][str(known["posts.jsonl:3"])]
    assert set(numbers(config)) == {"files:tagged", "posts.jsonl:3"}
    assert answer(config, "replay", str(known["files:long"]))["replayed"] == 0  # once is enough


def test_letters_are_dropped_by_number_or_all(config: Path) -> None:
    assert "name letters by number, or say --all" in goldstream(config, "drop", code=2).stderr
    assert answer(config, "drop", str(numbers(config)["files:tagged"])) == {"dropped": 1}
    assert answer(config, "drop", "--all")["dropped"] >= 1
    assert goldstream(config, "list").stdout == "none\n"
