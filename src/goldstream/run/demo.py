"""The demo: the example `ai-links` with a small dataset, from an empty folder to a live page.

It starts the same parts as `goldstream up` and watches the store, so what it shows is what any project shows.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from goldstream.run import examples

#: The demo's own numbers: what fits a sample of 24,000 posts and a minute of patience.
SMALLER = """
# The demo's own, smaller numbers; delete these two sections for the real ones.
[dataset.quotas]
topic = {topic}
false-friends = {false_friends}
rest = {rest}

[dataset.sizes]
test = {test}
dev = {dev}
snorkel-train = {snorkel_train}
"""
SAMPLE = {"topic": 5_000, "false_friends": 5_000, "rest": 3_000, "test": 1_000, "dev": 500, "snorkel_train": 4_000}
LIVE = {"topic": 300, "false_friends": 1_000, "rest": 700, "test": 100, "dev": 100, "snorkel_train": 900}

SOURCES = {
    "sample": ('[[sources]]\ntype = "sample"\n{pace}', SAMPLE),
    "bluesky": ('[[sources]]\ntype = "bluesky"\nlanguages = ["en"]\n', LIVE),
}


#: The sections of the example that the demo has its own for.
_OWN = re.compile(r"^\[(?:\[sources\]|dataset\.quotas|dataset\.sizes)\]\n(?:(?!\[).*\n?)*", re.MULTILINE)


def write_project(folder: Path, source: str, *, paced: bool, port: int) -> Path:
    """Write the demo's project into `folder` unless it is there already; return its settings file.

    With `paced`, the end of the sample arrives at the speed of a live network, so that there is something to watch.
    """
    config = folder / "goldstream.toml"
    if not config.exists():
        examples.copy("ai-links", folder)
        text = _OWN.sub("", config.read_text())
        block, sizes = SOURCES[source]
        pace = "live-after = 20_000\nrate = 25\n" if paced else ""
        web = f"\n[web]\nport = {port}\n"
        config.write_text(f"{text.rstrip()}\n\n{block.format(pace=pace)}{web}{SMALLER.format(**sizes)}")
    return config


def finished_steps(conn: psycopg.Connection[Any]) -> dict[str, str]:
    """Return what to tell of each step that is done, by the step's name."""
    one = _one(conn)
    steps = {}
    counts = one("SELECT counts FROM datasets WHERE state = 'split' ORDER BY created_at DESC LIMIT 1")
    if counts:
        splits = ", ".join(f"{size:,} {name}" for name, size in counts["splits"].items())
        steps["dataset"] = f"dataset: {counts['collected']:,} posts, {counts['duplicates']:,} of them duplicates; {splits}"
    if report := one("SELECT report FROM label_runs ORDER BY id DESC LIMIT 1"):
        steps["labels"] = report["text"]
    _, model, _ = _evidence(conn)
    if model and model["f1"] is not None:
        steps["model"] = (
            f"champion: {model['name']} version {model['version']}, precision {model['precision']:.3f}, recall {model['recall']:.3f}, "
            f"F1 {model['f1']:.3f} (keywords alone: {model['keyword_f1']:.3f}) on {model['evaluated_on']}"
        )
    elif model:
        steps["model"] = f"champion: {model['name']} version {model['version']}, evaluated on {model['evaluated_on']}"
    return steps


def finished(conn: psycopg.Connection[Any], reader: str) -> bool:
    """Return whether a champion stands and the reader has passed every post on the log."""
    row = conn.execute(
        """SELECT EXISTS (SELECT FROM alias_moves WHERE alias = 'champion')
                  AND bool_and(p.position >= l.next_position)
           FROM logs l JOIN positions p ON p.log = l.identity::text WHERE p.reader = %s""",
        (reader,),
    ).fetchone()
    return bool(row and row[0])


def result(conn: psycopg.Connection[Any], reader: str, seconds: float) -> dict[str, Any]:
    """Return what the demo came to: the object that `goldstream demo --exit --json` prints."""
    count = _one(conn)
    posts = count("SELECT count(DISTINCT post_id) FROM predictions WHERE reader = %s AND kind = 'create'", reader)
    counts, model, label_model = _evidence(conn)
    return {
        "posts": posts,
        "collected": counts.get("collected", 0),
        "duplicates": counts.get("duplicates", 0),
        "splits": counts.get("splits", {}),
        "label_model": label_model,
        "model": model,
        "predictions": count("SELECT count(*) FROM current_predictions WHERE reader = %s", reader),
        "kept": count("SELECT count(*) FROM kept"),
        "links": count("SELECT count(*) FROM links"),
        "seconds": round(seconds, 2),
        "posts_per_second": round(posts / seconds, 1) if seconds else 0.0,
    }


def _one(conn: psycopg.Connection[Any]) -> Callable[..., Any]:
    def one(query: str, *arguments: Any) -> Any:
        row = conn.execute(query.encode(), arguments).fetchone()
        return row[0] if row else None

    return one


def _evidence(conn: psycopg.Connection[Any]) -> tuple[dict[str, Any], dict[str, Any] | None, str | None]:
    one = _one(conn)
    counts = one("SELECT counts FROM datasets ORDER BY created_at DESC LIMIT 1") or {}
    label_model = one("SELECT label_model FROM label_runs ORDER BY id DESC LIMIT 1")
    row = conn.execute(
        """SELECT name, version, threshold, evidence FROM models
           WHERE version = (SELECT after FROM alias_moves WHERE alias = 'champion' ORDER BY id DESC LIMIT 1)"""
    ).fetchone()
    if row is None:
        return counts, None, label_model
    name, version, threshold, evidence = row
    metrics = evidence["metrics"]
    shown = {key: metrics.get(key) for key in ("precision", "recall", "f1")}
    model = {"name": name, "version": version, **shown, "threshold": threshold}
    return (
        counts,
        {**model, "evaluated_on": evidence["evaluated_on"], "keyword_f1": metrics.get("keyword_f1")},
        label_model,
    )
