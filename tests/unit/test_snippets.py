"""What the pages tell people to type works: settings are read, rules vote, commands exist with those options.

A block that is not meant to work by itself has the line `<!-- not run: why -->` before it.
"""

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

import click
import polars as pl
import pytest

from goldstream import labeling, settings, sources
from goldstream.cli import goldstream
from goldstream.errors import LabelingError
from goldstream.records import Post, to_columns

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")])
BLOCK = re.compile(r"^(?P<skip><!-- not run: .+ -->\n+)?```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    place: str
    kind: str
    text: str


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            f"{page.relative_to(ROOT).as_posix()}:{text.count(chr(10), 0, found.start('kind')) + 1}",
            found["kind"],
            found["text"],
        )
        for found in BLOCK.finditer(text)
        if not found["skip"]
    ]


ALL = [block for page in PAGES for block in blocks(page)]


def some(kind: str) -> list[Any]:
    return [pytest.param(block.text, id=block.place) for block in ALL if block.kind == kind]


def commands(text: str) -> list[list[str]]:
    """The words of each `goldstream …` in a block of a terminal."""
    typed = [line[2:] for line in re.sub(r"\\\n\s*", " ", text).splitlines() if line.startswith("$ ")]
    found = [shlex.split(part, comments=True) for line in typed for part in line.split(" && ")]
    return [words[1:] for words in found if words and Path(words[0]).name == "goldstream"]


@pytest.mark.parametrize("text", some("console"))
def test_commands_exist_with_those_options(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for words in commands(text):
        for word in words:  # some of them are files that must be there
            if re.fullmatch(r"[\w-]+(\.\w+)+", word):
                (tmp_path / word).touch()
            elif re.fullmatch(r"\w+", word):
                (tmp_path / word).mkdir(exist_ok=True)
        command: click.Command = goldstream
        context = click.Context(goldstream, info_name="goldstream")
        while isinstance(command, click.Group) and words and words[0] in command.commands:
            command, words = command.commands[words[0]], words[1:]
        if "..." not in words and not any(word.startswith("[") for word in words):
            command.make_context("goldstream", list(words), parent=context)


@pytest.mark.parametrize("text", some("toml"))
def test_settings_are_read_and_sources_are_made(text: str, tmp_path: Path) -> None:
    (tmp_path / "train.parquet").touch()
    if "[project.entry-points" in text:  # of a plug-in's pyproject.toml
        assert tomllib.loads(text)
        return
    start = '[[sources]]\ntype = "files"\npath = "train.parquet"\n' if text.startswith("[sources.") else ""
    (tmp_path / "goldstream.toml").write_text(start + text)
    for source in sources.build(settings.load(tmp_path / "goldstream.toml").sources):
        source.close()


@pytest.mark.parametrize("text", some("python"))
def test_python_runs_and_rules_vote(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    if not any(name in text for name in labeling.__all__):
        exec(compile(text, "snippet", "exec"), {"__name__": "snippet"})
        return
    file = tmp_path / "labeling.py"
    file.write_text(f"from goldstream.labeling import {', '.join(labeling.__all__)}\n\n{text}")
    posts = [Post(id="a:1", source="a", text="FIRE! River level, magnitude 5"), Post(id="a:2", source="a", text="GPT lyrics")]
    try:
        rules = labeling.load(file, labels=("ai", "other"))
    except LabelingError as error:
        if isinstance(error.__cause__, ModuleNotFoundError):
            pytest.skip(f"{error.__cause__.name} is not installed: pip install {error.__cause__.name}")
        raise
    assert rules
    assert sum(rule.vote(pl.DataFrame(to_columns(posts))).errors for rule in rules) == 0
