"""The commands as scripts use them: one line of JSON, exit codes, and what is said when a step is taken too early."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import click
import pytest
from click.testing import CliRunner

from goldstream.cli import goldstream
from goldstream.errors import GoldstreamError
from goldstream.records import to_json
from goldstream.run.learn import learn
from goldstream.run.project import Project as OpenProject
from goldstream.sources.sample import events
from goldstream.store import Store

PROJECT = """
[project]
labels = ["ai", "other"]
keep = "ai"
[store]
dsn = {{ env = "DATABASE_URL" }}
schema = "{schema}"
[dataset]
quotas = {{ topic = 250, false-friends = 250, rest = 150 }}
sizes = {{ test = 100, dev = 50, snorkel-train = 100 }}
[strata]
topic = ["ai", "llm*", "machine learning"]
false-friends = ["model*", "data", "python*"]
[[sources]]
type = "sample"
posts = 2_000
"""

#: What reports nothing that a script could use, and why.
SILENT = {
    "up": "it runs until it is stopped",
    "serve": "it runs until it is stopped",
    "config show": "what it prints is JSON already",
    "dev kafka": "it runs until it is stopped",
}


class Said(NamedTuple):
    code: int
    data: dict[str, Any]
    error: str


class Project(NamedTuple):
    """A project of which nothing has been done yet."""

    config: Path

    def __call__(self, *words: str, answer: str = "") -> Said:
        command = [*words, "--config", str(self.config), "--json"]
        done = CliRunner().invoke(goldstream, command, input=answer, catch_exceptions=False)
        lines = done.stdout.splitlines()
        assert len(lines) == (1 if done.exit_code == 0 else 0), done.stdout
        return Said(done.exit_code, json.loads(lines[0]) if lines else {}, done.stderr)

    def refuses(self, *words: str) -> str:
        with pytest.raises((GoldstreamError, click.ClickException)) as refused:
            CliRunner().invoke(
                goldstream, [*words, "--config", str(self.config)], catch_exceptions=False, standalone_mode=False
            )
        return str(refused.value)


@pytest.fixture
def project(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    monkeypatch.setenv("DATABASE_URL", store.dsn)
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(goldstream, ["init", "p"]).exit_code == 0
    config = tmp_path / "p" / "goldstream.toml"
    config.write_text(PROJECT.format(schema=store.schema))
    yield Project(config)


def leaves(command: click.Command, name: str = "") -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        for part, below in command.commands.items():
            yield from leaves(below, f"{name} {part}".strip())
    else:
        yield name, command


@pytest.mark.parametrize(("name", "command"), [pytest.param(name, each, id=name) for name, each in leaves(goldstream)])
def test_every_command_that_reports_can_do_so_in_json(name: str, command: click.Command) -> None:
    assert ("--json" in {option for each in command.params for option in each.opts}) == (name not in SILENT)


def test_steps_taken_too_early_say_what_comes_first(project: Project) -> None:
    assert "there is no dataset raw_tweet_dataset_0" in project.refuses("label")
    assert "there is no dataset raw_tweet_dataset_0" in project.refuses("train")
    assert "there is no dataset raw_tweet_dataset_0" in project.refuses("dataset", "build")
    assert "there is no champion yet" in project.refuses("classify")
    assert "no champion yet" in project.refuses("evaluate")
    assert "nothing to go back to" in project.refuses("models", "rollback")
    assert "there is no model version 7" in project.refuses("models", "promote", "7")
    project("ingest")
    project("dataset", "collect")
    assert "not split yet; run: goldstream dataset build" in project.refuses("label")
    project("dataset", "build")
    assert "is frozen; set dataset.version to 1" in project.refuses("dataset", "build")
    assert "no soft labels for raw_tweet_dataset_0; run: goldstream label" in project.refuses("train")


def test_every_step_reports_and_a_reset_asks_first(project: Project) -> None:
    assert project("ingest").data["sample"]["posts"] > 2_000
    assert project("ingest").data["sample"]["posts"] == 0
    assert project("dataset", "collect").data["collected"] > 300
    assert set(project("dataset", "build").data["splits"]) == {"test", "dev", "snorkel_train", "train"}
    assert len(project("label").data["functions"]) > 10
    assert project("train").data["version"] == 1
    assert project("classify").data["posts"] > 2_000
    assert project("status").data["champion"] == 1
    assert project("reset", answer="n\n").code != 0
    assert project("status").data["champion"] == 1
    assert project("reset", "--yes").data == {"reset": True}
    status = project("status").data
    assert (status["champion"], status["datasets"], status["log"]) == (None, [], [])
    assert project("ingest").data["sample"]["posts"] > 2_000


def test_a_first_champion_is_made_without_any_gold_label(project: Project) -> None:
    lines = [to_json(event.post) for event in events(posts=2_000) if event.post.kind == "create"]
    (project.config.parent / "posts.jsonl").write_bytes(b"\n".join(lines))
    sample = 'type = "sample"\nposts = 2_000\n'
    project.config.write_text(project.config.read_text().replace(sample, 'type = "files"\npath = "posts.jsonl"\n'))
    project("ingest")
    project("dataset", "collect")
    said: list[str] = []
    with OpenProject.open(project.config) as each, each.store.connect(name="test") as conn:
        learn(each, conn, said.append)
    assert said[-1] == "model version 1: judged by nothing: test_dataset_0 has 0 gold labels"


def test_a_class_balance_that_is_known_reaches_the_label_model(project: Project) -> None:
    for words in (("ingest",), ("dataset", "collect"), ("dataset", "build")):
        project(*words)
    written, shares = project.config.read_text(), []
    for ai in (0.05, 0.95):
        balance = f'[labeling]\nlabel-model = "majority"\nclass-balance = {{ ai = {ai}, other = {round(1 - ai, 2)} }}\n'
        project.config.write_text(written.replace("[strata]", balance + "[strata]"))
        project("label")
        with OpenProject.open(project.config) as each, each.store.connect(name="test") as conn:
            row = conn.execute("SELECT avg(probabilities[1]) FROM soft_labels WHERE NOT covered").fetchone()
            assert row is not None
            shares.append(round(row[0], 2))
    assert shares == [0.05, 0.95]  # of posts on which nobody votes, all that is known is the balance


def test_other_labels_than_those_that_were_stored_need_new_votes(project: Project) -> None:
    for words in (("ingest",), ("dataset", "collect"), ("dataset", "build"), ("label",)):
        project(*words)
    project.config.write_text(project.config.read_text().replace('["ai", "other"]', '["ai", "other", "spam"]'))
    assert "another number of labels; run: goldstream label" in project.refuses("train")


@pytest.mark.parametrize("words", [["nonsense"], ["fit"], ["models", "promote"], ["demo", "--source", "tv"], ["up", "--json"]])
def test_a_command_that_is_not_written_right_ends_with_2(words: list[str]) -> None:
    assert CliRunner().invoke(goldstream, words).exit_code == 2
