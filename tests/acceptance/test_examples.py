"""The examples on real posts, where those are at hand."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from goldstream.labeling.choice import LABEL_MODELS

pytestmark = pytest.mark.shared
EXAMPLES = Path(__file__).parents[2] / "examples"

AI_TWEETS = """
[[sources]]
type = "replay"
source = "x"
path = "{path}"
[sources.columns]
id = "id_str"
text = ["extended_tweet.full_text", "text"]
created-at = "created_at"
author = "user.screen_name"
lang = "lang"
links = "entities.urls[].expanded_url"
tags = "entities.hashtags[].text"
repost-of = "retweeted_status.id_str"
"""


def steps(config: Path, *commands: str) -> list[dict[str, Any]]:
    found = []
    for command in commands:
        done = subprocess.run(
            [sys.executable, "-m", "goldstream", *command.split(), "--config", str(config), "--json"],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        found.append(json.loads(done.stdout.splitlines()[-1]))
    return found


def test_disasters_step_by_step(shared: Path, tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES / "disasters", tmp_path / "disasters")
    config = tmp_path / "disasters" / "goldstream.toml"
    config.write_text(config.read_text().replace("../../../shared/data/disaster_tweets", str(shared / "disaster_tweets")))
    ingested, collected, built, labelled, trained, classified = steps(
        config, "ingest", "dataset collect", "dataset build", "label", "train", "classify"
    )
    assert ingested["tweets"]["posts"] == 6_123
    assert collected["collected"] == 6_123
    assert built["splits"]["test"] == 1_000
    assert len(labelled["functions"]) >= 10
    assert trained["metrics"]["n"] > 900
    assert trained["metrics"]["f1"] > 0.6
    assert classified["posts"] == 6_123


def test_real_ai_tweets_go_through_ai_links(shared: Path, tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES / "ai-links", tmp_path / "ai-links")
    config = tmp_path / "ai-links" / "goldstream.toml"
    text = config.read_text().replace('[[sources]]\ntype = "sample"\n', "")
    config.write_text(text + AI_TWEETS.format(path=shared / "ai_tweets" / "tweets_1000.jsonl.gz"))
    ingested, collected, built, labelled, trained, classified = steps(
        config, "ingest", "dataset collect", "dataset build", "label", "train", "classify"
    )
    assert ingested["replay"]["posts"] == 1_000
    assert 300 < collected["collected"] < 400  # the others repeat somebody else's tweet
    assert built["splits"]["train"] + built["splits"]["snorkel_train"] > 100
    assert labelled["label_model"] in LABEL_MODELS
    assert trained["metrics"]["f1"] is None  # there is no gold label, so nothing is claimed
    assert classified["posts"] == 1_000
