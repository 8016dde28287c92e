"""What people do with model versions: compare, carry from project to project, force."""

import io
import json
import re
import tarfile
from itertools import count
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner

from goldstream.cli import goldstream
from goldstream.clock import now
from goldstream.errors import DataError, ModelError
from goldstream.models.folder import load_model, save_model
from goldstream.models.ngram_bag import NgramBag, NgramBagSettings
from goldstream.records import Post, to_columns
from goldstream.run.project import Project
from goldstream.run.versions import difference, export_version, import_version
from goldstream.store import Store

_projects = count()


def write_model(folder: Path, wanted: list[int], labels: tuple[str, ...] = ("keep", "other")) -> Path:
    model = NgramBag(labels, NgramBagSettings(bits=12, epochs=4))
    model.fit(pa.array(["flood water", "cat"] * 10), np.eye(2, dtype=np.float32)[wanted * 10])
    save_model(model, folder, kind="ngram-bag", name="floods", threshold=0.5, positive=labels[0], made_from={})
    return folder


@pytest.fixture(params=["postgres", "mlflow"])
def project(request: pytest.FixtureRequest, tmp_path: Path, store: Store):
    """Version 1 keeps floods, version 2 keeps cats; three posts stand on the log."""
    uri = request.getfixturevalue("mlflow_uri") if request.param == "mlflow" else "http://127.0.0.1:1"
    config = tmp_path / "goldstream.toml"
    config.write_text(f"""
        project.name = "versions-{next(_projects)}"
        store = {{ dsn = "{store.dsn}", schema = "{store.schema}" }}
        registry = {{ type = "{request.param}", uri = "{uri}" }}
    """)
    with Project.open(config) as opened:
        for number, wanted in enumerate([[0, 1], [1, 0]]):
            folder = write_model(tmp_path / f"model{number}", wanted)
            evidence = {"seed": number, "metrics": {"f1": 0.8, "f1_interval": [0.7, 0.9]}}
            opened.registry().register(folder, name="floods", labels=("keep", "other"), threshold=0.5, evidence=evidence)
        posts = [
            Post(id=f"t:{number}", source="t", text=text, revision=1, author="ann", seen_at=now())
            for number, text in enumerate(["flood water", "cat", "cat cat"])
        ]
        log = opened.log()
        log.append(to_columns(posts), "t", None)
        log.close()
        yield opened


def test_the_difference_says_what_would_change(project):
    found = difference(project, 1, 2)
    assert (found["posts"], found["kept"], found["changed"]) == (3, {"1": 1, "2": 2}, 3)
    assert {each["text"] for each in found["examples"]} == {"flood water", "cat", "cat cat"}
    assert difference(project, 1, 1)["changed"] == 0
    assert difference(project, 1, 2, posts=1)["posts"] == 1


def test_without_posts_there_is_no_difference(project):
    with project.store.connect(name="test") as conn:
        conn.execute("DELETE FROM log_batches")
    with pytest.raises(DataError, match="no posts on the log"):
        difference(project, 1, 2)


def test_a_version_goes_out_and_comes_in_again(project, tmp_path):
    written = export_version(project, 1, tmp_path / "one.tar")
    back = import_version(project, tmp_path / "one.tar")
    assert back["version"] == 3
    registry = project.registry()
    assert registry.get(3).sha256 == registry.get(1).sha256 == written["sha256"]
    assert registry.get(3).evidence == {**registry.get(1).evidence, "imported": {"file": "one.tar", "version": 1}}


@pytest.mark.parametrize("name", ["../evil", "model/../evil", "/evil", "model/a/b", "other.json", "model/"])
def test_a_file_with_other_names_is_refused(project, tmp_path, name):
    file = tmp_path / "evil.tar"
    with tarfile.open(file, "w") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = 4
        tar.addfile(entry, io.BytesIO(b"evil"))
    with pytest.raises(ModelError, match="no exported model"):
        import_version(project, file)


def test_what_is_no_exported_model_is_refused(project, tmp_path):
    (tmp_path / "no.tar").write_bytes(b"no tar at all")
    with pytest.raises(ModelError, match="no exported model"):
        import_version(project, tmp_path / "no.tar")
    with pytest.raises(DataError, match="no such file"):
        import_version(project, tmp_path / "none.tar")
    with pytest.raises(DataError, match="can't be written"):
        export_version(project, 1, tmp_path / "nowhere" / "one.tar")


def _without_weights(folder: Path) -> None:
    for file in folder.iterdir():
        if file.name != "model.json":
            file.unlink()


def _other_scores(folder: Path) -> None:
    facts = json.loads((folder / "model.json").read_text())
    facts["golden"][0] = facts["golden"][0][::-1]
    (folder / "model.json").write_text(json.dumps(facts))


@pytest.mark.parametrize(
    ("labels", "harm", "said"),
    [
        (("keep", "other"), _without_weights, r"ngram_bag\.json"),
        (("keep", "rest"), lambda folder: None, "knows keep, rest, the project keep, other"),
        (("keep", "other"), _other_scores, "golden text scores"),
    ],
    ids=["does not load", "other labels", "golden texts"],
)
def test_what_is_not_fit_is_not_promoted_unless_forced_with_a_reason(project, tmp_path, labels, harm, said):
    folder = write_model(tmp_path / "harmed", [0, 1], labels)
    harm(folder)
    registry = project.registry()
    version = registry.register(folder, name="floods", labels=labels, threshold=0.5, evidence={})
    registry.move("champion", 1, who="ann", why="first")
    refused = CliRunner().invoke(goldstream, ["models", "promote", str(version), "-c", str(project.config)])
    assert refused.exit_code != 0
    assert re.search(said, str(refused.exception))
    assert registry.alias("champion") == 1
    forced = ["models", "promote", str(version), "-c", str(project.config), "--force", "--why", "an emergency"]
    assert CliRunner().invoke(goldstream, forced).exit_code == 0
    assert (registry.alias("champion"), registry.history()[0].why) == (version, "an emergency")


def test_every_command_answers_in_json(project, tmp_path):
    def asked(*words: str) -> dict[str, object]:
        done = CliRunner().invoke(goldstream, ["models", *words, "-c", str(project.config), "--json"])
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout.splitlines()[-1])

    assert [asked("promote", version, "--why", "better")["champion"] for version in "12"] == [1, 2]
    listed = asked("list")
    assert (listed["champion"], [each["version"] for each in listed["models"]]) == (2, [2, 1])
    shown = asked("show", "1")
    assert (shown["version"], shown["labels"], shown["threshold"]) == (1, ["keep", "other"], 0.5)
    assert shown["evidence"] == {"seed": 0, "metrics": {"f1": 0.8, "f1_interval": [0.7, 0.9]}}
    assert asked("diff", "1", "2")["changed"] == 3
    assert asked("rollback", "--why", "worse") == {"champion": 1}
    assert [(move["before"], move["after"], move["why"]) for move in asked("history")["moves"]] == [
        (2, 1, "worse"), (1, 2, "better"), (None, 1, "better"),
    ]  # fmt: skip
    file = str(tmp_path / "one.tar")
    assert asked("export", "1", file)["sha256"] == shown["sha256"]
    assert asked("import", file)["version"] == 3


def test_versions_are_copied_to_another_registry(project, mlflow_uri, tmp_path):
    project.registry().move("champion", 2, who="ann", why="better")
    now = project.settings.registry.type
    to = "mlflow" if now == "postgres" else "postgres"
    said = CliRunner().invoke(goldstream, ["models", "copy", "--to", now, "-c", str(project.config)])
    assert "already" in str(said.exception)
    text = project.config.read_text().replace("http://127.0.0.1:1", mlflow_uri)
    project.config.write_text(text)
    done = CliRunner().invoke(goldstream, ["models", "copy", "--to", to, "-c", str(project.config), "--json"])
    assert json.loads(done.stdout) == {"copied": [1, 2], "champion": 2}
    project.config.write_text(text.replace(f'type = "{now}"', f'type = "{to}"'))
    with Project.open(project.config) as moved:
        assert [found._replace(created_at=None) for found in moved.registry().versions()] == [
            found._replace(created_at=None) for found in project.registry().versions()
        ]
        assert load_model(moved.registry().fetch(2, tmp_path / "cache")).labels == ("keep", "other")


def test_force_asks_for_a_reason(project):
    options = ["models", "promote", "2", "-c", str(project.config), "--force"]
    assert "reason" in CliRunner().invoke(goldstream, options).output
    assert project.registry().alias("champion") is None
    assert CliRunner().invoke(goldstream, [*options, "--why", "an emergency"]).exit_code == 0
    assert project.registry().history()[0].why == "an emergency"


def test_the_commands_say_what_they_did(project, tmp_path):
    told = [
        CliRunner().invoke(goldstream, ["models", *words, "-c", str(project.config)]).output
        for words in (["diff", "1", "2"], ["export", "1", str(tmp_path / "a.tar")], ["import", str(tmp_path / "a.tar")])
    ]
    assert "3 posts: version 1 keeps 1, version 2 2; 3 decided otherwise" in told[0]
    assert "version 1 is in" in told[1]
    assert "registered as version 3" in told[2]
