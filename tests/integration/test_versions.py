"""What people do with model versions: compare, carry from project to project, force."""

import io
import tarfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner

from goldstream.cli import goldstream
from goldstream.clock import now
from goldstream.errors import DataError, ModelError
from goldstream.models.folder import save_model
from goldstream.models.ngram_bag import NgramBag, NgramBagSettings
from goldstream.records import Post, to_columns
from goldstream.run.project import Project
from goldstream.run.versions import difference, export_version, import_version
from goldstream.store import Store


@pytest.fixture
def project(tmp_path: Path, store: Store):
    """Version 1 keeps floods, version 2 keeps cats; three posts stand on the log."""
    config = tmp_path / "goldstream.toml"
    config.write_text(f'[project]\nname = "floods"\n[store]\ndsn = "{store.dsn}"\nschema = "{store.schema}"\n')
    with Project.open(config) as opened:
        for number, wanted in enumerate([[0, 1], [1, 0]]):
            model = NgramBag(("keep", "other"), NgramBagSettings(bits=12, epochs=4))
            model.fit(pa.array(["flood water", "cat"] * 10), np.eye(2, dtype=np.float32)[wanted * 10])
            folder = tmp_path / f"model{number}"
            save_model(model, folder, kind="ngram-bag", name="floods", threshold=0.5, positive="keep", made_from={})
            opened.registry().register(folder, name="floods", labels=model.labels, threshold=0.5, evidence={"seed": number})
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
    project.store.reset()
    with pytest.raises(Exception, match="no model version 1"):
        difference(project, 1, 2)


def test_a_version_goes_out_and_comes_in_again(project, tmp_path):
    written = export_version(project, 1, tmp_path / "one.tar")
    back = import_version(project, tmp_path / "one.tar")
    assert back["version"] == 3
    registry = project.registry()
    assert registry.get(3).sha256 == registry.get(1).sha256 == written["sha256"]
    assert registry.get(3).evidence == {"seed": 0, "imported": {"file": "one.tar", "version": 1}}


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
