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
        "n", "accuracy", "precision", "recall", "f1", "macro_f1", "average_precision", "ece_before", "ece", "intervals",
    ]  # fmt: skip
    assert set(measured["intervals"]) == {"accuracy", "precision", "recall", "f1", "macro_f1", "average_precision"}
    assert measured["n"] == 12
    run("predict", tmp_path / "model", posts, "--out", tmp_path / "said.parquet")
    said = pl.read_parquet(tmp_path / "said.parquet")
    assert said.columns == ["words", "kind", "more", "prediction", "probability"]
    assert said["prediction"].dtype == said["kind"].dtype
    assert said["probability"].is_between(0, 1).all()


@pytest.mark.parametrize(
    "kind", [pl.Boolean, pl.Int8, pl.Int32, pl.Int64, pl.UInt8, pl.Float32, pl.Float64, pl.String, pl.Categorical]
)
def test_a_prediction_has_the_type_of_the_labels_column(tmp_path: Path, kind: Any) -> None:
    numbers = pl.Series("kind", [0] * len(RAIN) + [1] * len(MODELS))
    labels = numbers.cast(pl.String).cast(kind) if kind in (pl.String, pl.Categorical) else numbers.cast(kind)
    posts = pl.DataFrame({"words": RAIN + MODELS, "kind": labels})
    posts.write_parquet(tmp_path / "posts.parquet")
    run("fit", tmp_path / "posts.parquet", "--text", "words", "--label", "kind", "--out", tmp_path / "model")
    assert run("evaluate", tmp_path / "model", tmp_path / "posts.parquet")["n"] == 12
    run("predict", tmp_path / "model", tmp_path / "posts.parquet", "--out", tmp_path / "said.parquet")
    said = pl.read_parquet(tmp_path / "said.parquet")
    assert said["prediction"].dtype == said["kind"].dtype
    assert set(said["prediction"]) <= set(said["kind"])


def test_three_labels_of_jsonl_are_judged_by_macro_averages(tmp_path: Path) -> None:
    posts = pl.DataFrame(
        {"words": RAIN + MODELS + ["tea", "more tea", "a cup of tea"], "kind": ["a"] * 6 + ["b"] * 6 + ["c"] * 3}
    )
    posts.write_ndjson(tmp_path / "posts.jsonl")
    run("fit", tmp_path / "posts.jsonl", "--text", "words", "--label", "kind", "--out", tmp_path / "model")
    measured = run("evaluate", tmp_path / "model", tmp_path / "posts.jsonl")
    assert list(measured)[:7] == ["n", "accuracy", "precision", "recall", "f1", "macro_f1", "average_precision"]
    assert measured["f1"] == measured["macro_f1"]
    run("predict", tmp_path / "model", tmp_path / "posts.jsonl", "--out", tmp_path / "said.csv")
    assert set(pl.read_csv(tmp_path / "said.csv")["prediction"]) <= {"a", "b", "c"}


def test_rows_without_a_label_are_left_out_and_counted(tmp_path: Path) -> None:
    posts = pl.DataFrame({"words": [*RAIN, *MODELS, "x", "y"], "kind": [0.0] * 6 + [1.0] * 6 + [None, float("nan")]})
    posts.write_parquet(tmp_path / "posts.parquet")
    fitted = run("fit", tmp_path / "posts.parquet", "--text", "words", "--label", "kind", "--out", tmp_path / "model")
    assert (fitted["n"], fitted["skipped"], fitted["labels"]) == (12, 2, ["0", "1"])


@pytest.mark.parametrize(("text", "label"), [("lists", "kind"), ("words", "lists"), ("structs", "kind"), ("bytes", "kind")])
def test_a_column_that_is_no_text_is_named(tmp_path: Path, text: str, label: str) -> None:
    size = {"words": RAIN, "kind": [0, 1] * 3, "lists": [["a"]] * 6, "structs": [{"a": 1}] * 6, "bytes": [b"\xff"] * 6}
    pl.DataFrame(size).write_parquet(tmp_path / "posts.parquet")
    with pytest.raises(GoldstreamError, match="not texts or numbers"):
        run("fit", tmp_path / "posts.parquet", "--text", text, "--label", label, "--out", tmp_path / "model")


@pytest.mark.parametrize("no_label", ["", "   ", "nan", "NaN"])
def test_a_blank_label_or_nan_among_numbers_is_none_in_fit_and_evaluate(tmp_path: Path, no_label: str) -> None:
    posts = pl.DataFrame({"words": [*RAIN, *MODELS, "x"], "kind": ["0"] * 6 + [" 1 "] * 6 + [no_label]})
    posts.write_ndjson(tmp_path / "posts.jsonl")
    fitted = run("fit", tmp_path / "posts.jsonl", "--text", "words", "--label", "kind", "--out", tmp_path / "model")
    assert (fitted["n"], fitted["skipped"], fitted["labels"]) == (12, 1, ["0", "1"])
    assert run("evaluate", tmp_path / "model", tmp_path / "posts.jsonl")["n"] == 12


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
        ("words,kind\n", "no row has a value"),
        ("words,kind\na,1\n", "one label only"),
        ("words;kind\na;1\nb;0\n", "no column 'words'; there are: words;kind"),
    ],
)
def test_what_can_not_be_learnt_from_is_explained(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "posts.csv"
    file.write_text(content)
    with pytest.raises(GoldstreamError, match=said):
        run("fit", file, "--text", "words", "--label", "kind", "--out", tmp_path / "model")


def test_a_folder_that_can_not_be_written_is_refused_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(GoldstreamError, match="no model can be written there"):
        run("fit", table(tmp_path, (0, 1)), "--text", "words", "--label", "kind", "--out", tmp_path / "file" / "model")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("words,kind\na,zzz\n", "labels that the model does not know: zzz"),
        ("words,kind\na,\n", "no row has a value"),
        ("kind\n1\n", "no column 'words'"),
        ("words,kind\n", "no row has a value"),
        ("", "the file is empty"),
    ],
)
def test_what_can_not_be_judged_by_is_explained(tmp_path: Path, content: str, said: str) -> None:
    run("fit", table(tmp_path, (0, 1)), "--text", "words", "--label", "kind", "--out", tmp_path / "model", "--budget", "0s")
    (tmp_path / "test.csv").write_text(content)
    with pytest.raises(GoldstreamError, match=said):
        run("evaluate", tmp_path / "model", tmp_path / "test.csv")


def test_a_table_without_rows_is_predicted_as_one(tmp_path: Path) -> None:
    run("fit", table(tmp_path, (0, 1)), "--text", "words", "--label", "kind", "--out", tmp_path / "model", "--budget", "0s")
    (tmp_path / "none.csv").write_text("words\n")
    run("predict", tmp_path / "model", tmp_path / "none.csv", "--out", tmp_path / "said.csv")
    assert (tmp_path / "said.csv").read_text() == "words,prediction,probability\n"


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


@pytest.mark.parametrize("viewport", [{"width": 1280, "height": 900}, {"width": 360, "height": 740}], ids=["desk", "phone"])
def test_the_report_opens_without_a_network_and_fits_the_screen(tmp_path: Path, browser: Any, viewport: Any) -> None:
    posts = table(tmp_path, ("rain", "model" * 20), "posts.parquet")
    run("fit", posts, "--text", "words", "--label", "kind", "--out", tmp_path / "model")
    run("evaluate", tmp_path / "model", posts, "--report", tmp_path / "report.html")
    context = browser.new_context(viewport=viewport, offline=True)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto((tmp_path / "report.html").as_uri())
    width, room = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    context.close()
    assert width <= room and said == []
    assert json.loads((tmp_path / "report.json").read_text())["rows"] == 12


@pytest.mark.parametrize(
    ("words", "kinds", "dev_kinds", "said"),
    [
        (["the same"] * 40, ["a", "b"] * 20, None, "all 40 texts are the same"),
        ([""] * 40, ["a", "b"] * 20, None, "all 40 texts are the same"),
        ([""] * 39 + ["x"], ["a", "b"] * 20, None, "39 of 40 texts are empty"),
        (["one", "two"] * 20, ["a"] * 39 + ["b"], None, "too few rows to learn from, of 'b' (1)"),
        (["one", "two", "six"] * 20, ["a", "b", "c"] * 20, ["a", "b"], "dev has no row of 'c'"),
        (["one", "two"] * 20, ["a", "b"] * 20, ["a", "a"], "dev has no row of 'b'"),
        ([f"t{n}" for n in range(600)], [f"l{n}" for n in range(600)], None, "of 'l0' (1)"),
    ],
)
def test_what_makes_a_table_a_poor_teacher_is_said_and_a_model_comes_of_it(
    tmp_path: Path, words: list[str], kinds: list[str], dev_kinds: list[str] | None, said: str
) -> None:
    pl.DataFrame({"words": words, "kind": kinds}).write_parquet(tmp_path / "posts.parquet")
    dev = []
    if dev_kinds:
        pl.DataFrame({"words": ["one"] * len(dev_kinds), "kind": dev_kinds}).write_parquet(tmp_path / "dev.parquet")
        dev = ["--dev", tmp_path / "dev.parquet"]
    fitted = run(
        "fit", tmp_path / "posts.parquet", "--text", "words", "--label", "kind", "--out", tmp_path / "m", "--budget", "0s", *dev
    )
    assert any(said in remark for remark in fitted["remarks"])
    assert run("evaluate", tmp_path / "m", tmp_path / "posts.parquet")["n"] == len(words)
    assert run("predict", tmp_path / "m", tmp_path / "posts.parquet", "--out", tmp_path / "said.csv")["n"] == len(words)


def test_what_a_search_chose_makes_the_same_model_again(tmp_path: Path) -> None:
    posts = pl.concat([pl.read_csv(table(tmp_path, ("rain", "model")))] * 15).with_columns(
        pl.col("words") + pl.Series([f" {n % 37}" for n in range(180)])
    )
    posts.write_csv(tmp_path / "many.csv")
    arguments = ("fit", tmp_path / "many.csv", "--text", "words", "--label", "kind", "--metric", "accuracy")
    first = run(*arguments, "--out", tmp_path / "one")
    assert first["search"]["metric"] == "accuracy"
    fixed = [part for name, value in first["options"].items() for part in ("--set", f"{name}={value}")]
    run(*arguments, "--out", tmp_path / "two", "--budget", "0s", *fixed)
    for name in ("weights.npy", "rows.npy", "bias.npy"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_model_goes_on_from_another_and_is_pruned(tmp_path: Path) -> None:
    posts = table(tmp_path, ("rain", "model"))
    arguments = ("fit", posts, "--text", "words", "--label", "kind", "--budget", "0s")
    run(*arguments, "--out", tmp_path / "one")
    run(*arguments, "--out", tmp_path / "two", "--start", tmp_path / "one", "--most-kb", "8")
    assert sum((tmp_path / "two" / f"{name}.npy").stat().st_size for name in ("rows", "weights", "bias")) <= 8 * 1024
    assert run("evaluate", tmp_path / "two", posts)["accuracy"] == 1.0


@pytest.mark.parametrize(("option", "said"), [("rate", "NAME=VALUE"), ("speed=1", "unknown field"), ("rate=-1", "rate")])
def test_an_option_that_can_not_be_is_explained(tmp_path: Path, option: str, said: str) -> None:
    with pytest.raises(GoldstreamError, match=said):
        run("fit", table(tmp_path, (0, 1)), "--text", "words", "--label", "kind", "--out", tmp_path / "m", "--set", option)


def voted(folder: Path, votes: list[list[Any]], name: str = "votes.parquet", **more: list[Any]) -> Path:
    posts = pl.DataFrame(
        {"words": (RAIN + MODELS) * 20, "said": votes * 20, **{name: each * 20 for name, each in more.items()}}
    )
    posts.write_parquet(folder / name)
    return folder / name


@pytest.mark.parametrize("labels", [(0, 1), ("rain", "model")])
def test_votes_teach_in_place_of_labels(tmp_path: Path, labels: tuple[Any, Any]) -> None:
    rain, model = labels
    # the first two functions are right where they vote, the third says the same of everything
    votes = [[rain, None, model]] * 5 + [[None, None, None]] + [[None, model, model]] * 6
    train = voted(tmp_path, votes)
    dev = voted(tmp_path, votes, "dev.parquet", kind=[rain] * 6 + [model] * 6)
    fitted = run(
        "fit", train, "--text", "words", "--votes", "said", "--label", "kind", "--dev", dev, "--out", tmp_path / "model"
    )
    assert (fitted["n"], fitted["skipped"]) == (220, 20)
    assert fitted["label_model"]["name"] == "weighted"
    assert fitted["label_model"]["on_dev"]["weighted"]["accuracy"] > 0.9
    assert run("evaluate", tmp_path / "model", dev)["accuracy"] == 1.0
    run("predict", tmp_path / "model", dev, "--out", tmp_path / "said.parquet")
    assert pl.read_parquet(tmp_path / "said.parquet")["prediction"].dtype == pl.read_parquet(dev)["kind"].dtype


def test_a_column_for_each_function_and_no_dev(tmp_path: Path) -> None:
    posts = pl.DataFrame(
        {"words": (RAIN + MODELS) * 20, "one": ([0] * 5 + [-1] + [1] * 6) * 20, "two": ([0] * 6 + [-1] * 6) * 20}
    )
    posts.write_csv(tmp_path / "posts.csv")
    fitted = run(
        "fit", tmp_path / "posts.csv", "--text", "words", "--votes", "one", "--votes", "two", "--label", "kind",
        "--out", tmp_path / "model",
    )  # fmt: skip
    assert fitted["label_model"]["name"] == "majority"
    assert fitted["label_model"]["on_dev"] == {}
    assert fitted["labels"] == ["0", "1"]


@pytest.mark.parametrize(
    ("votes", "complaint"),
    [
        ([[0, 1]] * 11 + [[0]], "differ in length"),
        ([[-1, -1]] * 12, "name 0 label"),
        ([[1, 1]] * 12, "name 1 label"),
        ([[[0], [1]]] * 12, "not texts or numbers"),
    ],
    ids=["uneven", "nobody votes", "one label", "lists of lists"],
)
def test_votes_that_teach_nothing_are_named(tmp_path: Path, votes: list[Any], complaint: str) -> None:
    train = voted(tmp_path, votes)
    with pytest.raises(GoldstreamError, match=complaint):
        run("fit", train, "--text", "words", "--votes", "said", "--label", "kind", "--out", tmp_path / "model")
