"""`goldstream fit`, `evaluate` and `predict` on tables of anybody's."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner

from goldstream.cli import goldstream
from goldstream.errors import GoldstreamError

RAIN = ["rain again today", "more rain tonight", "it rains", "heavy rain at noon", "rain and wind", "no end of rain"]
MODELS = ["a new model is out", "the model runs here", "models for all", "our model wins", "a model of words", "train a model"]


def run(*arguments: str | Path) -> dict[str, Any]:
    done = CliRunner().invoke(goldstream, [*map(str, arguments), "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def table(folder: Path, labels: tuple[Any, Any], name: str = "posts.csv") -> Path:
    posts = pl.DataFrame(
        {"words": RAIN + MODELS, "kind": [labels[0]] * len(RAIN) + [labels[1]] * len(MODELS), "more": range(12)}
    )
    path = folder / name
    posts.write_parquet(path) if name.endswith(".parquet") else posts.write_csv(path)
    return path


@pytest.mark.parametrize("labels", [(0, 1), ("rain", "model")])
@pytest.mark.parametrize("name", ["posts.csv", "posts.parquet"])
def test_a_table_is_fitted_evaluated_and_predicted(tmp_path: Path, labels: tuple[Any, Any], name: str) -> None:
    posts = table(tmp_path, labels, name)
    fitted = run("fit", posts, "--text", "words", "--label", "kind", "--out", tmp_path / "model")
    assert fitted["positive"] == str(sorted(labels)[-1])
    measured = run("evaluate", tmp_path / "model", posts)
    assert list(measured) == [
        "n", "accuracy", "precision", "recall", "f1", "macro_f1", "average_precision", "ece_before", "ece"
    ]  # fmt: skip
    assert measured["n"] == 12
    run("predict", tmp_path / "model", posts, "--out", tmp_path / "said.parquet")
    said = pl.read_parquet(tmp_path / "said.parquet")
    assert said.columns == ["words", "kind", "more", "prediction", "probability"]
    assert said["prediction"].dtype == said["kind"].dtype
    assert said["probability"].is_between(0, 1).all()


def test_the_positive_label_can_be_chosen(tmp_path: Path) -> None:
    posts = table(tmp_path, ("rain", "model"))
    assert (
        run("fit", posts, "--text", "words", "--label", "kind", "--out", tmp_path / "m", "--positive", "model")["positive"]
        == "model"
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("words,kind\na,1\nb,1\n", "one label only"),
        ("other,kind\na,1\nb,0\n", "no column 'words'; there are: other, kind"),
        ("words,kind\na,\nb,\n", "no row has a value"),
        ("words,kind\n" + "".join(f"t{n},l{n}\n" for n in range(2_500)), "different labels"),
        ("", "empty"),
    ],
)
def test_what_can_not_be_learnt_from_is_explained(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "posts.csv"
    file.write_text(content)
    with pytest.raises(GoldstreamError, match=said):
        run("fit", file, "--text", "words", "--label", "kind", "--out", tmp_path / "model")


def test_empty_texts_and_one_very_long_one_are_just_texts(tmp_path: Path) -> None:
    file = tmp_path / "posts.csv"
    file.write_text("words,kind\n,0\n,1\nx,0\n,1\n" + "word " * 200_000 + ",1\n")
    assert run("fit", file, "--text", "words", "--label", "kind", "--out", tmp_path / "model")["n"] == 5


def test_a_folder_that_is_no_model_says_so(tmp_path: Path) -> None:
    with pytest.raises(GoldstreamError, match="is not a model"):
        run("evaluate", tmp_path, table(tmp_path, (0, 1)))


@pytest.mark.shared
def test_probabilities_hold_and_a_wanted_precision_is_kept_on_rows_not_seen(tmp_path: Path, shared: Path) -> None:
    posts = pl.read_parquet(shared / "disaster_tweets" / "train.parquet").sample(fraction=1.0, shuffle=True, seed=1)
    for name, part in (("train", posts[:3_000]), ("dev", posts[3_000:4_500]), ("test", posts[4_500:])):
        part.write_parquet(tmp_path / f"{name}.parquet")
    fitted = run(
        "fit", tmp_path / "train.parquet", "--text", "text", "--label", "target", "--dev", tmp_path / "dev.parquet",
        "--precision", "0.9", "--out", tmp_path / "model",
    )  # fmt: skip
    measured = run("evaluate", tmp_path / "model", tmp_path / "test.parquet")
    assert measured["ece"] < min(0.05, measured["ece_before"])
    assert measured["precision"] == pytest.approx(0.9, abs=0.04)
    assert fitted["calibration"]["method"] in {"temperature", "isotonic"}
