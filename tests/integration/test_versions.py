"""What people do with model versions: compare, carry from project to project, force."""

import io
import json
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable
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
from goldstream.registry.folders import pack, sha256_of
from goldstream.run.difference import difference
from goldstream.run.exported import export_version, import_version
from goldstream.run.project import Project
from goldstream.store import Store, threshold

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
    assert (found["posts"], found["kept"], found["kept_by_both"], found["changed"]) == (3, {"1": 1, "2": 2}, 0, 3)
    assert found["flips"] == [{"from": "other", "to": "keep", "posts": 2}, {"from": "keep", "to": "other", "posts": 1}]
    assert {each["text"] for each in found["examples"]} == {"flood water", "cat", "cat cat"}
    assert difference(project, 1, 2, posts=1)["posts"] == 1
    with pytest.raises(DataError, match="name two versions"):
        difference(project, 1, 1)


def test_the_difference_is_at_the_thresholds_in_force_and_without_posts_that_are_gone(project):
    log = project.log()
    edit = Post(id="t:1", source="t", kind="update", text="flood water", revision=2, author="ann", seen_at=now())
    delete = Post(id="t:2", source="t", kind="delete", revision=2, author="ann", seen_at=now())
    log.append(to_columns([edit, delete]), "t", None)
    log.close()
    assert difference(project, 1, 2)["kept"] == {"1": 2, "2": 0}
    with project.store.connect(name="test") as conn:
        threshold.move(conn, 1.0, floor=0.05, who="ann", why="nothing", version=1)
    assert difference(project, 1, 2)["kept"] == {"1": 0, "2": 0}


def test_where_only_links_are_kept_the_difference_counts_those(project):
    project.config.write_text(project.config.read_text() + "stream.require-link = true\n")
    with Project.open(project.config) as choosy:
        assert difference(choosy, 1, 2)["kept"] == {"1": 0, "2": 0}


def test_without_posts_there_is_no_difference(project):
    with project.store.connect(name="test") as conn:
        conn.execute("DELETE FROM log_batches")
    with pytest.raises(DataError, match="no posts on the log"):
        difference(project, 1, 2)


@pytest.fixture
def exported(project, tmp_path) -> dict[str, bytes]:
    """What stands in the file of a version that another project exported."""
    export_version(project, 1, tmp_path / "exported.tar")
    with tarfile.open(tmp_path / "exported.tar") as tar:
        facts = json.loads(tar.extractfile("registered.json").read())
    folder = write_model(tmp_path / "elsewhere", [1, 1])
    facts = {**facts, "version": 7, "sha256": sha256_of(pack(folder))}
    model = {f"model/{file.name}": file.read_bytes() for file in folder.iterdir()}
    return {"registered.json": json.dumps(facts).encode(), **model}


def write_tar(file: Path, content: dict[str, bytes]) -> Path:
    with tarfile.open(file, "w") as tar:
        for name, data in content.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return file


def test_a_version_of_another_project_comes_in(project, exported, tmp_path):
    registered = import_version(project, write_tar(tmp_path / "seven.tar", exported))
    assert registered == {"version": 3, "name": "floods", "new": True, "unfit": None}
    here, there = project.registry().get(3), project.registry().get(1)
    assert here.evidence == {**there.evidence, "imported": {"file": "seven.tar", "version": 7}}
    assert load_model(project.registry().fetch(3, tmp_path / "cache")).labels == ("keep", "other")


def test_what_is_here_already_is_not_registered_again(project, tmp_path):
    written = export_version(project, 1, tmp_path / "one.tar")
    assert written["sha256"] == project.registry().get(1).sha256
    assert import_version(project, tmp_path / "one.tar") == {"version": 1, "name": "floods", "new": False, "unfit": None}
    assert len(project.registry().versions()) == 2


def test_no_file_that_is_there_is_written_over(project, tmp_path):
    (tmp_path / "one.tar").write_text("mine")
    for file in (tmp_path / "one.tar", Path(os.devnull)):
        with pytest.raises(DataError, match="is there already"):
            export_version(project, 1, file)
    assert (tmp_path / "one.tar").read_text() == "mine"


def test_a_model_folder_comes_in_once(project, tmp_path):
    folder = write_model(tmp_path / "fitted", [1, 1])
    registered = import_version(project, folder)
    assert registered == {"version": 3, "name": "floods", "new": True, "unfit": None}
    assert import_version(project, folder) == {**registered, "new": False}
    assert project.registry().get(3).evidence == {
        "imported": {"file": "fitted", "version": None},
        "evaluated_on": "nothing: fitted came without figures",
    }


def test_a_model_of_other_labels_comes_in_with_a_warning(project, tmp_path):
    folder = write_model(tmp_path / "others", [0, 1], ("keep", "rest"))
    assert import_version(project, folder)["unfit"] == "version 3 knows keep, rest, the project keep, other"


@pytest.mark.parametrize("name", ["../evil", "model/../evil", "/evil", "model/a/b", "other.json", "model/"])
def test_a_file_with_other_names_is_refused(project, tmp_path, name):
    with pytest.raises(ModelError, match="no exported model"):
        import_version(project, write_tar(tmp_path / "evil.tar", {name: b"evil"}))


def _flipped(content: dict[str, bytes]) -> dict[str, bytes]:
    largest = max(content, key=lambda name: len(content[name]))
    data = bytearray(content[largest])
    data[-1] ^= 1
    return {**content, largest: bytes(data)}


def _saying(**changes: object) -> Callable[[dict[str, bytes]], dict[str, bytes]]:
    def change(content: dict[str, bytes]) -> dict[str, bytes]:
        facts = {**json.loads(content["registered.json"]), **changes}
        return {**content, "registered.json": json.dumps(facts).encode()}

    return change


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (_flipped, "damaged, or was changed"),
        (_saying(sha256="0" * 64), "damaged, or was changed"),
        (_saying(evidence=[]), "no exported model"),
        (_saying(evidence={"metrics": {"f1": "good"}}), "its evidence can't be kept"),
        (_saying(evidence={"trained_on": "many"}), "its evidence can't be kept"),
        (_saying(evidence={"a": "\0"}), "its evidence can't be kept"),
        (lambda content: {name: data for name, data in content.items() if name != "registered.json"}, "it has no registered"),
        (lambda content: {"registered.json": content["registered.json"]}, "damaged, or was changed"),
    ],
    ids=["a byte", "checksum", "no evidence", "metrics", "posts", "NUL", "no facts", "no model"],
)  # fmt: skip
def test_what_was_tampered_with_is_refused(project, exported, tmp_path, harm, said):
    with pytest.raises(ModelError, match=said) as caught:
        import_version(project, write_tar(tmp_path / "harmed.tar", harm(exported)))
    assert "harmed.tar" in str(caught.value)
    assert len(project.registry().versions()) == 2


def test_what_is_no_exported_model_is_refused(project, tmp_path):
    (tmp_path / "no.tar").write_bytes(b"no tar at all")
    with pytest.raises(ModelError, match="no exported model"):
        import_version(project, tmp_path / "no.tar")
    with pytest.raises(DataError, match="no such file"):
        import_version(project, tmp_path / "none.tar")
    with pytest.raises(ModelError, match="is not a model"):
        import_version(project, tmp_path)
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
        (("other", "keep"), lambda folder: None, "threshold of version 3 is about 'other', the project keeps 'keep'"),
        (("keep", "other"), _other_scores, "golden text scores"),
    ],
    ids=["does not load", "other labels", "other positive", "golden texts"],
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
    assert (registry.alias("champion"), registry.history()[0].why) == (version, "forced: an emergency")


REGISTERING = """
import sys
from pathlib import Path
from goldstream.run.project import Project
with Project.open(Path(sys.argv[1])) as project:
    for number in range(1_000):
        project.registry().register(
            Path(sys.argv[2]), name="floods", labels=("keep", "other"), threshold=0.5, evidence={"number": number}
        )
        project.registry().move("champion", number + 3, who="ann", why="newest")
"""


def test_a_registration_that_is_killed_leaves_no_half_version(project, tmp_path):
    folder = write_model(tmp_path / "again", [0, 1])
    with subprocess.Popen([sys.executable, "-c", REGISTERING, str(project.config), str(folder)]) as process:
        while len(project.registry().versions()) < 4:
            assert process.poll() is None
        process.kill()
    registry = project.registry()
    versions = registry.versions()
    assert [found.evidence["number"] for found in versions[:-2]] == list(range(len(versions) - 2))[::-1]
    for found in versions:
        assert load_model(registry.fetch(found.version, tmp_path / "cache")).labels == found.labels
    assert registry.alias("champion") in {found.version for found in versions}
    moves = registry.history("champion")[::-1]
    assert [move.before for move in moves[1:]] == [move.after for move in moves[:-1]]


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
    assert (shown["aliases"], shown["threshold_in_force"]) == ([], 0.5)
    assert asked("diff", "1", "2")["changed"] == 3
    assert asked("promote", "2", "--why", "twice") == {"champion": 2, "moved": False}
    assert asked("promote", "1", "--alias", "challenger", "--why", "next") == {"challenger": 1, "moved": True}
    assert [each["aliases"] for each in asked("list")["models"]] == [["champion"], ["challenger"]]
    assert asked("rollback", "--why", "worse") == {"champion": 1}
    assert [(move["before"], move["after"], move["why"]) for move in asked("history")["moves"]] == [
        (2, 1, "worse"), (None, 1, "next"), (1, 2, "better"), (None, 1, "better"),
    ]  # fmt: skip
    file = str(tmp_path / "one.tar")
    assert asked("export", "1", file)["sha256"] == shown["sha256"]
    assert asked("import", file) == {"version": 1, "name": "floods", "new": False, "unfit": None}


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
    for why in ([], ["--why", "by hand"], ["--why", " "]):
        refused = CliRunner().invoke(goldstream, [*options, *why])
        assert (refused.exit_code, "reason" in refused.output) == (2, True)
    assert project.registry().alias("champion") is None
    assert CliRunner().invoke(goldstream, [*options, "--why", "an emergency"]).exit_code == 0
    assert project.registry().history()[0].why == "forced: an emergency"


def test_the_commands_say_what_they_did(project, tmp_path):
    told = [
        CliRunner().invoke(goldstream, ["models", *words, "-c", str(project.config)]).output
        for words in (["diff", "1", "2"], ["export", "1", str(tmp_path / "a.tar")], ["import", str(tmp_path / "a.tar")])
    ]
    assert "the newest 3 posts: version 1 keeps 1, version 2 2, 0 of them the same" in told[0]
    assert "3 get another label (2 other → keep, 1 keep → other); the probability of 'keep' moves by" in told[0]
    assert "version 1 is in" in told[1]
    assert "this model is version 1 already" in told[2]
