"""From a collected dataset to a champion: split, label, train, register, promote."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import polars as pl
import psycopg

from goldstream import sources
from goldstream.annotation import answers
from goldstream.clock import now
from goldstream.datasets.build import build
from goldstream.datasets.collect import collect
from goldstream.datasets.tables import Dataset
from goldstream.errors import DataError
from goldstream.labeling.functions import LabelingFunction
from goldstream.labeling.loading import load
from goldstream.labeling.run import LabelReport, label
from goldstream.labeling.show import Behind, Number, behind
from goldstream.labeling.votes import vote
from goldstream.log.embedded import EmbeddedLog
from goldstream.run import reports
from goldstream.run.project import Project
from goldstream.run.train import train_and_register
from goldstream.store import dead_letters, prediction_days, served, trials

QUIET_S = 8.0  #: a log that has brought nothing new for this long is through, for now
TIDY_S = 600.0  #: how often what is too old is dropped
DAY_S = 86_400.0

Say = Callable[[str], None]


def collect_until_it_can_learn(project: Project, stop: threading.Event, say: Say) -> bool:
    """Collect until stopped; but return True once the dataset is full, or the log quiet, and there is no champion yet."""
    log, settings = project.log(), project.settings
    growth = _Growth()
    dataset = Dataset(settings.dataset.prefix, settings.dataset.version)
    tidied = -TIDY_S
    has_champion = can_learn = False

    def on_end(full: bool) -> bool:
        nonlocal tidied, has_champion, can_learn
        if time.monotonic() - tidied > TIDY_S:
            tidied = time.monotonic()
            tidy(project)
        if not has_champion:
            with project.store.connect(name="learn") as conn:
                has_champion = project.registry().alias("champion") is not None
                can_learn = not has_champion and (full or growth.has_stopped(int(dataset.counts(conn).get("collected", 0))))
        return not can_learn

    try:
        collect(log, project.store, settings.dataset, settings.strata, stop=stop, say=say, on_end=on_end)
    finally:
        log.close()
    return can_learn


def tidy(project: Project) -> None:
    """Drop what is older than the settings want to keep (posts on the log, predictions, dead letters), and forget deleted posts."""
    settings = project.settings
    log = project.log()
    if isinstance(log, EmbeddedLog):
        log.trim(retention_s=settings.log.retention_days * DAY_S)
    log.close()
    with project.store.connect(name="tidy") as conn:
        oldest = now() - timedelta(days=settings.retention.predictions_days)
        prediction_days.drop(conn, oldest.date())
        served.drop(conn, oldest)
        trials.drop_older(conn, oldest)
        dead_letters.drop_older(conn, settings.retention.dead_letters_days * DAY_S)
    reports.forget_deleted(project)


class _Growth:
    """Notices when a number that grew has stopped to."""

    def __init__(self) -> None:
        self._value, self._since = 0, time.monotonic()

    def has_stopped(self, value: int) -> bool:
        if value != self._value:
            self._value, self._since = value, time.monotonic()
        return value > 0 and time.monotonic() - self._since > QUIET_S


def learn(project: Project, conn: psycopg.Connection[Any], say: Say) -> None:
    """Split, label, train and register; every step that is done already is not done again."""
    settings = project.settings
    dataset = Dataset(settings.dataset.prefix, settings.dataset.version)
    if dataset.state(conn) != "split":
        build_dataset(project, conn, say)
    say(label_dataset(project, conn, say).conclusion())
    report = train_and_register(project, say, promote=False)
    f1 = report["metrics"]["f1"]
    say(f"model version {report['version']}: {'judged by' if f1 is None else f'F1 {f1:.3f} on'} {report['evaluated_on']}")


def build_dataset(project: Project, conn: psycopg.Connection[Any], say: Say) -> dict[str, Any]:
    """Bring in the gold labels that sources know, freeze the dataset and return its counts."""
    settings = project.settings
    for source in sources.build(settings.sources, project.folder):
        if (gold := getattr(source, "gold", None)) is not None:
            answers.add(conn, gold(), source.name)
        source.close()
    counts = build(conn, settings.dataset, say)
    answers.add_known(conn, Dataset(settings.dataset.prefix, settings.dataset.version).raw)
    return counts


def label_dataset(project: Project, conn: psycopg.Connection[Any], say: Say) -> LabelReport:
    """Let the project's labelling functions vote on its dataset, and store soft labels."""
    settings = project.settings
    functions, posts = _to_label(project, conn)
    return label(
        conn, posts, functions, settings.project.labels, wanted=settings.labeling.label_model,
        balance=settings.labeling.class_balance, prefix=settings.dataset.prefix, dataset=settings.dataset.version, say=say,
    )  # fmt: skip


def posts_behind(
    project: Project, conn: psycopg.Connection[Any], function: str, number: Number, limit: int, say: Say
) -> Behind:
    """Return the posts behind a number of a labelling function; posts that it has not seen are voted on first."""
    functions, posts = _to_label(project, conn)
    return behind(vote(conn, functions, posts, say).votes, posts, function, number, limit)


def _to_label(project: Project, conn: psycopg.Connection[Any]) -> tuple[list[LabelingFunction], pl.DataFrame]:
    """The project's labelling functions, and the posts of its dataset that are in a split."""
    settings = project.settings
    functions = load(project.folder / settings.labeling.functions, settings.project.labels)
    dataset = Dataset(settings.dataset.prefix, settings.dataset.version)
    posts = dataset.posts(conn, "split IS NOT NULL AND kind <> 'delete'") if dataset.counts(conn) else pl.DataFrame()
    if not len(posts):
        raise DataError(f"{dataset.raw} is not split yet; run: goldstream dataset build")
    return functions, posts
