"""The tutorial, typed line by line."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "tutorial" / "first-hour.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

#: What is not typed here, and why.
ELSEWHERE = {
    "make demo": "it made the project, in a fixture",
    ".venv/bin/goldstream demo live --source bluesky": "it needs a network",
    """curl -s localhost:8322/predict -d '{"text": "a new open model is out, weights on the hub"}'""": "test_serve asks",
    "goldstream up": "it runs until it is stopped; test_up does that",
}

#: Where the code blocks of the page go.
FILES = {"python": "labeling.py", "toml": "goldstream.toml"}


@pytest.fixture
def folder(demo: tuple[Path, dict[str, Any]], tmp_path: Path) -> Path:
    """A folder in which the demo has run, and tables of reviews where the last chapter looks for them."""
    goldstream("backup", tmp_path / "project.backup", "--config", demo[0])
    goldstream("restore", tmp_path / "project.backup", tmp_path / "demo")
    texts, stars = ["good tea", "a fine book", "bad tea", "an awful book"], [5, 5, 1, 1]
    table = pl.DataFrame({"review": texts * 50, "stars": stars * 50})
    table.write_csv(tmp_path / "reviews.csv")
    table.head(30).write_csv(tmp_path / "held_out.csv")
    table.select("review").write_parquet(tmp_path / "new.parquet")
    return tmp_path


def goldstream(*words: str | Path, folder: Path | None = None) -> None:
    command = [sys.executable, "-m", "goldstream", *map(str, words)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, f"{words}\n{done.stderr}"


def run(line: str, top: Path, at: Path) -> Path:
    """Run one line as a terminal would, and return the folder in which it leaves us."""
    words = shlex.split(line, comments=True)
    if words[0] == "cd":
        return at / words[1]
    assert words[0] == "goldstream"
    for word in words:
        if (top / word).is_file():
            shutil.copy(top / word, at)
    goldstream(*words[1:], folder=at)
    return at


def test_every_line_of_the_tutorial_works(folder: Path) -> None:
    at, skipped = folder, set()
    for kind, text in BLOCK.findall(PAGE.read_text()):
        if kind in FILES:
            with (at / FILES[kind]).open("a") as file:
                file.write(f"\n{text}")
            continue
        for line in text.splitlines():
            typed = line.removeprefix("$ ")
            if typed in ELSEWHERE:
                skipped.add(typed)
            else:
                at = run(typed, folder, at)
    assert skipped == set(ELSEWHERE)
    assert pl.read_parquet(at / "labelled.parquet")["prediction"].dtype == pl.Int64
