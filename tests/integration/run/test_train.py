"""What `goldstream train` makes of a dataset with soft labels."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from goldstream import settings
from goldstream.datasets.tables import Dataset
from goldstream.models.folder import load_model
from goldstream.run import reports
from goldstream.run.project import Project
from goldstream.run.train import train_and_register
from goldstream.store import Store, deletions

from .conftest import Posts

RAIN, MODEL = (1.0, 0.0), (0.0, 1.0)


def train(project: Project) -> tuple[dict, list[str]]:
    said: list[str] = []
    return train_and_register(project, said.append, promote=False), said


def texts(word: str, rows: int) -> list[str]:
    return [f"{word} number {number}" for number in range(rows)]


def test_rows_weigh_as_much_as_their_soft_labels_are_certain(project: Project, posts: Posts) -> None:
    # of 100 rows with the word, 20 are surely rain and 80 perhaps model: by number model, by certainty rain
    posts.add("train", texts("cloud", 20), soft=RAIN)
    posts.add("train", texts("cloud", 80), soft=(0.45, 0.55))
    posts.add("train", texts("sun", 50), soft=RAIN)
    posts.add("train", texts("net", 50), soft=MODEL)
    made, _ = train(project)
    assert made["trained_on"] == 200
    model = load_model(project.registry().fetch(made["version"], project.data_folder / "models"))
    assert model.uncalibrated(pa.array(["cloud"]))[0, 1] < 0.5


def test_the_report_is_saved_and_forgets_what_is_deleted(project: Project, posts: Posts) -> None:
    posts.add("train", texts("rain", 30), soft=RAIN)
    posts.add("train", texts("net", 30), soft=MODEL)
    posts.add("test", texts("rain", 20), gold="rain")
    wrong = posts.add("test", ["rain that is secretly a model"], gold="model")
    posts.add("test", texts("net", 20), gold="model")
    made, _ = train(project)
    page = reports.path(project, made)
    assert page is not None and "secretly" in page.read_text()
    assert json.loads(page.with_suffix(".json").read_text())["trace"]["version"] == made["version"]
    deletions.apply(posts.conn, [(wrong[0], 1)], [])
    reports.forget_deleted(project)
    assert "secretly" not in page.read_text() + page.with_suffix(".json").read_text()
    Dataset("", 0).drop(posts.conn)
    reports.forget_deleted(project)
    assert json.loads(page.with_suffix(".json").read_text())["mistakes"] == []
    reports.drop(project)
    assert reports.path(project, made) is None


@pytest.mark.parametrize(
    ("kinds", "dev", "said"),
    [
        ({"": 30, " ": 30}, {}, "60 of 60 texts are empty"),
        ({"the same": 60}, {}, "all 60 texts are the same"),
        ({"rain": 58, "net": 2}, {}, "too few rows to learn from, of 'model' (2)"),
        ({"rain": 30, "net": 30}, {"rain": 25}, "dev has no row of 'model'"),
        ({"rain": 30, "net": 30}, {"rain": 3}, "dev has 3 gold labels, too few to choose by"),
        ({"rain " * 200_000: 1, "rain": 9, "net": 10}, {}, "dev has 0 gold labels"),
        ({"rain": 1, "net": 1}, {}, "too few rows to learn from, of 'rain' (1), 'model' (1)"),
    ],
)
def test_what_makes_a_dataset_a_poor_teacher_is_said_and_a_model_comes_of_it(
    project: Project, posts: Posts, kinds: dict[str, int], dev: dict[str, int], said: str
) -> None:
    for text, rows in kinds.items():
        each = [text] * rows if text.strip() in ("", "the same") else texts(text, rows)
        half = rows // 2 if len(kinds) == 1 else rows
        posts.add("train", each[:half], soft=MODEL if text == "net" else RAIN)
        posts.add("train", each[half:], soft=MODEL)
    for word, rows in dev.items():
        posts.add("dev", texts(word, rows), gold="rain")
    made, lines = train(project)
    assert any(said in line for line in lines), lines
    model = load_model(project.registry().fetch(made["version"], project.data_folder / "models"))
    assert np.isfinite(model.predict_proba(pa.array(["", "rain"]))).all()


def test_with_mlflow_a_training_is_a_run_that_shows_the_report(
    store: Store, posts: Posts, tmp_path: Path, mlflow_uri: str
) -> None:
    mlflow = pytest.importorskip("mlflow")
    posts.add("train", texts("cloud", 60), soft=RAIN)
    posts.add("train", texts("weights", 60), soft=MODEL)
    posts.add("test", [*texts("cloud", 30), "weights all over"], gold="rain")
    posts.add("test", texts("weights", 30), gold="model")
    read = settings.Settings(
        project=settings.Project(name="trained", labels=("rain", "model"), keep="model"),
        registry=settings.Registry(type="mlflow", uri=mlflow_uri),
    )
    found, said = train(Project(tmp_path / "goldstream.toml", read, tmp_path, store))
    here = Path(said[-1].removeprefix("the report stands in "))
    client = mlflow.MlflowClient(mlflow_uri, mlflow_uri)
    version = client.get_model_version_by_alias("trained", "champion")
    run = client.get_run(version.run_id)
    assert int(version.version) == found["version"]
    assert run.data.metrics["f1"] == found["metrics"]["f1"]
    assert run.data.params["dataset"] == run.inputs.dataset_inputs[0].dataset.name == "raw_tweet_dataset_0"
    assert [file.path for file in client.list_artifacts(version.run_id, "report")] == [
        "report/report.html",
        "report/report.json",
    ]
    page = Path(client.download_artifacts(version.run_id, "report/report.html", str(tmp_path))).read_text()
    assert ("weights all over" in here.read_text(), "weights all over" in page) == (True, False)  # a mistake of the model's
