"""The demo and the project commands, as a newcomer runs them: in processes of their own."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from goldstream import settings
from goldstream.labeling.choice import LABEL_MODELS
from goldstream.store import Store


def goldstream(*arguments: str | Path, ok: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "goldstream", *map(str, arguments)], capture_output=True, text=True, timeout=240
    )
    assert (done.returncode == 0) == ok, done.stderr
    return done


def answer(*arguments: str | Path) -> dict[str, Any]:
    lines = goldstream(*arguments, "--json").stdout.splitlines()
    assert len(lines) == 1
    found: dict[str, Any] = json.loads(lines[0])
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="proportional set sizes are read from /proc")
def test_all_processes_together_stay_within_800_mb(watched: tuple[Path, dict[str, Any], float]) -> None:
    assert 100 < watched[2] <= 800


def test_the_demo_says_what_came_of_it(demo: tuple[Path, dict[str, Any]]) -> None:
    _, result = demo
    assert list(result) == ["posts", "collected", "duplicates", "splits", "label_model", "model", "predictions", "kept", "links",
                            "seconds", "posts_per_second"]  # fmt: skip
    assert list(result["model"]) == ["name", "version", "precision", "recall", "f1", "threshold", "evaluated_on", "keyword_f1"]
    assert result["posts"] > 20_000
    assert set(result["splits"]) == {"test", "dev", "snorkel_train", "train"}
    assert result["kept"] > 100
    assert result["links"] > 100


def test_the_model_beats_the_keywords_by_far(demo: tuple[Path, dict[str, Any]]) -> None:
    model = demo[1]["model"]
    assert 0.6 <= model["keyword_f1"] <= 0.75
    assert model["f1"] >= model["keyword_f1"] + 0.08


def test_every_position_has_one_row_and_every_live_post_one_prediction(demo: tuple[Path, dict[str, Any]]) -> None:
    config, result = demo
    with Store.open(settings.load(config).store, config.parent) as store, store.connect(name="test") as conn:
        ((positions, distinct, end),) = conn.execute(
            "SELECT count(*), count(DISTINCT position), (SELECT next_position FROM logs) FROM predictions"
        ).fetchall()
        current = conn.execute("SELECT count(*), count(DISTINCT post_id) FROM current_predictions").fetchone()
        gone = conn.execute(
            "SELECT count(*) FROM candidates c JOIN tombstones t USING (post_id) WHERE t.revision >= c.revision"
        ).fetchone()
    assert positions == distinct == end
    assert current == (result["predictions"], result["predictions"])
    assert gone == (0,)


def test_nothing_judged_is_learnt_from(demo: tuple[Path, dict[str, Any]]) -> None:
    config, _ = demo
    with Store.open(settings.load(config).store, config.parent) as store, store.connect(name="test") as conn:
        row = conn.execute(
            "SELECT count(*) FROM raw_tweet_dataset_0 r JOIN gold g ON g.post_id = r.id WHERE r.split IN ('train', 'snorkel_train')"
        ).fetchone()
        authors = conn.execute(
            "SELECT count(*) FROM (SELECT author FROM raw_tweet_dataset_0 WHERE split IS NOT NULL AND author IS NOT NULL "
            "GROUP BY author HAVING count(DISTINCT split) > 1) several"
        ).fetchone()
    assert row == (0,)
    assert authors == (0,)


def test_the_commands_report_on_it(demo: tuple[Path, dict[str, Any]]) -> None:
    config, result = demo
    status = answer("status", "--config", config)
    assert status["kept"] == result["kept"]
    assert {reader["posts"] for reader in status["readers"]} == {0}
    assert status["dead_letters"]
    assert answer("models", "list", "--config", config)["champion"] == 1
    assert answer("dataset", "list", "--config", config)["datasets"][0]["state"] == "split"
    assert answer("links", "--config", config, "--top", "3")["links"][0]["authors"] >= 1
    assert answer("evaluate", "--config", config)["f1"] == result["model"]["f1"]
    assert answer("config", "check", "--config", config)["ok"]
    assert answer("dead-letters", "list", "--config", config)["dead_letters"]


def test_a_second_model_can_be_promoted_and_rolled_back(demo: tuple[Path, dict[str, Any]]) -> None:
    config, _ = demo
    assert answer("label", "--config", config)["label_model"] in LABEL_MODELS
    version = answer("train", "--config", config)["version"]
    assert answer("models", "promote", version, "--config", config, "--why", "a test")["champion"] == version
    assert answer("models", "rollback", "--config", config)["champion"] == 1
    assert len(answer("models", "history", "--config", config)["moves"]) == 3


def test_the_posts_behind_each_number_of_a_rule_can_be_seen(demo: tuple[Path, dict[str, Any]]) -> None:
    config, result = demo
    posts = sum(result["splits"].values())
    row = max(answer("label", "--config", config)["functions"], key=lambda row: row["Incorrect"])
    behind = {
        number: answer("label", "show", row["function"], f"--{number}", "--limit", "5", "--config", config)
        for number in ("wrong", "conflicts", "uncovered")
    }
    counts = {number: found["count"] for number, found in behind.items()}
    assert counts == {
        "wrong": row["Incorrect"], "conflicts": round(row["Conflicts"] * posts), "uncovered": round((1 - row["Coverage"]) * posts),
    }  # fmt: skip
    assert all(post["gold"] and post["vote"] != post["gold"] and post["split"] == "dev" for post in behind["wrong"]["posts"])
    assert all(set(post["others"].values()) - {post["vote"]} for post in behind["conflicts"]["posts"])
    assert {post["vote"] for post in behind["uncovered"]["posts"]} == {None}
    assert "say which posts" in goldstream("label", "show", row["function"], "--config", config, ok=False).stderr
    assert "there are " in goldstream("label", "show", "nobody", "--wrong", "--config", config, ok=False).stderr


def test_the_threshold_moves_without_scoring_again(demo: tuple[Path, dict[str, Any]]) -> None:
    config, result = demo
    fewer = answer("models", "threshold", "0.99", "--config", config)["kept"]
    back = answer("models", "threshold", "--config", config)["kept"]
    assert fewer < back == result["kept"]
    assert "keep-floor" in goldstream("models", "threshold", "0.001", "--config", config, ok=False).stderr


@pytest.mark.parametrize("suffix", ["parquet", "csv", "jsonl.gz"])
def test_a_dataset_is_exported_with_its_labels(demo: tuple[Path, dict[str, Any]], tmp_path: Path, suffix: str) -> None:
    config, _ = demo
    with Store.open(settings.load(config).store, config.parent) as store, store.connect(name="test") as conn:
        live = conn.execute("SELECT count(*) FROM train_dataset_0 WHERE kind <> 'delete'").fetchone()
    done = answer("dataset", "export", tmp_path / f"train.{suffix}", "--config", config, "--split", "train", "--labelled")
    assert Path(done["file"]).name == f"train_labelled.{suffix}"
    assert (done["rows"],) == live


def test_a_second_start_goes_on_where_the_first_stopped(demo: tuple[Path, dict[str, Any]]) -> None:
    config, result = demo
    again = answer("demo", config.parent, "--exit")
    assert (again["posts"], again["predictions"], again["kept"]) == (result["posts"], result["predictions"], result["kept"])


def test_help_names_every_command() -> None:
    shown = goldstream("--help").stdout
    commands = [
        "init", "demo", "up", "ingest", "dataset", "label", "train", "evaluate", "predict", "fit", "models", "classify", "links",
        "dead-letters", "status", "doctor", "backup", "restore", "config", "reset",
    ]  # fmt: skip
    for command in commands:
        assert f"  {command} " in shown


def test_a_wrong_setting_is_named_with_file_and_path(tmp_path: Path) -> None:
    config = tmp_path / "goldstream.toml"
    config.write_text('[dataset]\nprefix = "x; drop table"\n')
    said = goldstream("status", "--config", config, ok=False).stderr
    assert str(config) in said
    assert "`$.dataset.prefix`" in said
