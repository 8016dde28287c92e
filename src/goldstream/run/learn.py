"""From a collected dataset to a champion: split, label, train, register, promote."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from importlib.metadata import version as installed_version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl
import psycopg
import pyarrow as pa

from goldstream import sources
from goldstream.annotation import answers
from goldstream.clock import now
from goldstream.datasets.build import build
from goldstream.datasets.collect import collect
from goldstream.datasets.strata import stratum
from goldstream.datasets.tables import Dataset
from goldstream.errors import DataError, ModelError
from goldstream.labeling.functions import LabelingFunction
from goldstream.labeling.loading import load
from goldstream.labeling.run import LabelReport, label
from goldstream.labeling.show import Behind, Number, behind
from goldstream.labeling.votes import vote
from goldstream.log.embedded import EmbeddedLog
from goldstream.models.base import Classifier
from goldstream.models.folder import folder_hash, load_model, save_model
from goldstream.run import gold_rows
from goldstream.run.project import Project
from goldstream.store import dead_letters, prediction_days, served
from goldstream.training import gold_alone, leakage, metrics
from goldstream.training.fit import NO_PLAN, Fitted, Judged, Plan, fit
from goldstream.training.threshold import Aim, judge

QUIET_S = 8.0  #: a log that has brought nothing new for this long is through, for now
FEWEST_GOLD = 20
QUICK_S = 30.0  #: a model that learns faster than this is taught a few times more, to tell how far the rules carry
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
    """Drop what is older than the settings want to keep: posts on the log, predictions, dead letters."""
    settings = project.settings
    log = project.log()
    if isinstance(log, EmbeddedLog):
        log.trim(retention_s=settings.log.retention_days * DAY_S)
    log.close()
    with project.store.connect(name="tidy") as conn:
        oldest = now() - timedelta(days=settings.retention.predictions_days)
        prediction_days.drop(conn, oldest.date())
        served.drop(conn, oldest)
        dead_letters.drop_older(conn, settings.retention.dead_letters_days * DAY_S)


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


def train_and_register(
    project: Project, say: Say, *, promote: bool, plan: Plan = NO_PLAN, from_champion: bool = False
) -> dict[str, Any]:
    """Fit on the soft labels, choose the threshold on dev, evaluate on test, register; return the evidence.

    The first model of a project becomes champion by itself; later ones when `promote` says so. `from_champion` goes on
    from the weights of the champion there is.
    """
    started = time.monotonic()
    settings, registry = project.settings, project.registry()
    labels, keep = settings.project.labels, settings.project.labels.index(settings.project.keep)
    dataset = Dataset(settings.dataset.prefix, settings.dataset.version)
    with project.store.connect(name="train", statement_timeout=0) as conn:
        training, soft = _soft_labels(conn, dataset, len(labels))
        held_out = dataset.posts(conn, "split IN ('dev', 'test') AND kind <> 'delete'")
        sha256 = conn.execute(
            "SELECT sha256 FROM datasets WHERE prefix = %s AND version = %s", (dataset.prefix, dataset.version)
        ).fetchone()
        functions = conn.execute("SELECT functions, label_model FROM label_runs ORDER BY id DESC LIMIT 1").fetchone()
        known = gold_rows.read(conn, dataset, labels)
    dev, test = (_judged(held_out.filter(split=name), labels) for name in ("dev", "test"))
    say(f"training on {len(training):,} posts …")
    aim = Aim(settings.model.precision, settings.model.recall)
    enough = dev if len(dev.true) >= FEWEST_GOLD else None
    start = _champion(project) if from_champion else None
    fitted = fit(
        settings.model, labels, _texts(training), soft, keep, enough, _certainty(soft), aim=aim, plan=plan, start=start
    )
    for warning in fitted.evidence["threshold"]["warnings"]:
        say(warning)
    found, evaluated_on = _evaluated(fitted, test, keep, dataset.view("test"))
    if len(labels) == 2 and len(test.true) >= FEWEST_GOLD:
        by_keyword = stratum(pl.Series(test.texts), settings.strata) == "topic"
        found["keyword_f1"] = metrics.binary(by_keyword.to_numpy(), test.true == keep)["f1"]
    learnt_s = time.monotonic() - started
    beyond = {}
    if learnt_s < QUICK_S:
        beyond = gold_rows.tell(settings.model, labels, known, fitted.predict_proba(known.test.texts), keep, len(training))
        say(gold_alone.sentence(beyond["gold_alone"]))
        say(leakage.sentence(beyond["leakage"]))
    evidence = {
        "metrics": found, "evaluated_on": evaluated_on, "trained_on": len(training), "dataset": dataset.raw,
        "dataset_sha256": sha256[0] if sha256 else None, "functions": functions[0] if functions else {},
        "label_model": functions[1] if functions else None, "seed": settings.model.seed,
        "options": settings.model.options, "code": installed_version("goldstream"),
        **fitted.evidence, **beyond, "seconds": round(learnt_s, 2),
    }  # fmt: skip
    name = f"{settings.project.name}-{settings.model.type}"
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        save_model(
            fitted.model,
            path,
            kind=settings.model.type,
            name=name,
            threshold=fitted.threshold,
            positive=settings.project.keep,
            made_from=evidence,
            calibration=fitted.calibration,
        )
        evidence["folder_sha256"], evidence["parent"] = folder_hash(path), registry.alias("champion")
        number = registry.register(path, name=name, labels=labels, threshold=fitted.threshold, evidence=evidence)
    if promote or registry.alias("champion") is None:
        registry.move("champion", number, who="goldstream", why="asked for" if promote else "first model of this project")
    return {"name": name, "version": number, **evidence, "threshold": fitted.threshold}


def _champion(project: Project) -> Classifier:
    """The champion's classifier, to go on from."""
    registry = project.registry()
    version = registry.alias("champion")
    if version is None:
        raise ModelError("this project has no champion yet to go on from; train without --from-champion")
    return load_model(registry.fetch(version, project.data_folder / "models")).classifier


def _soft_labels(conn: psycopg.Connection[Any], dataset: Dataset, labels: int) -> tuple[pl.DataFrame, np.ndarray]:
    """The training posts that at least one function voted on, and their soft labels (float32, posts × labels)."""
    dataset.counts(conn)  # or it is said that there is no such dataset
    posts = dataset.posts(conn, "split IN ('snorkel_train', 'train') AND kind <> 'delete'")
    rows = conn.execute(
        "SELECT post_id, probabilities FROM soft_labels WHERE prefix = %s AND dataset = %s AND covered",
        (dataset.prefix, dataset.version),
    ).fetchall()
    soft = pl.DataFrame(rows, schema={"id": pl.String, "probabilities": pl.List(pl.Float32)}, orient="row")
    joined = posts.drop("extra").join(soft, on="id", how="inner", maintain_order="left")
    if not len(joined):
        raise DataError(f"no soft labels for {dataset.raw}; run: goldstream label")
    if (joined["probabilities"].list.len() != labels).any():
        raise DataError(f"{dataset.raw} was labelled with another number of labels; run: goldstream label")
    return joined, np.array(joined["probabilities"].to_list(), np.float32).reshape(-1, labels)


def _certainty(soft: np.ndarray) -> np.ndarray:
    """How far each row of soft labels is from knowing nothing (near 0) to being sure (1): what a row weighs in training."""
    labels = soft.shape[1]
    return np.clip((soft.max(axis=1) * labels - 1) / (labels - 1), 0.01, 1.0).astype(np.float32)


def _judged(posts: pl.DataFrame, labels: tuple[str, ...]) -> Judged:
    known = posts.drop("extra").filter(pl.col("gold").is_in(labels))
    true = np.array([labels.index(gold) for gold in known["gold"]], np.int64)
    return Judged(_texts(known), true, known["weight"].to_numpy())


def _texts(posts: pl.DataFrame) -> pa.StringArray:
    return posts["text"].to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.string())


def _evaluated(fitted: Fitted, test: Judged, keep: int, view: str) -> tuple[dict[str, Any], str]:
    """Metrics on the gold of test; nothing is claimed where there is too little."""
    if len(test.true) < FEWEST_GOLD:
        nothing = dict.fromkeys(("accuracy", "precision", "recall", "f1", "macro_f1", "average_precision"), float("nan"))
        return dict.fromkeys(nothing) | {"n": len(test.true)}, f"nothing: {view} has {len(test.true)} gold labels"
    scores = fitted.predict_proba(test.texts)
    found: dict[str, Any] = metrics.evaluate(scores, test.true, keep, fitted.threshold)
    found["f1_interval"] = metrics.interval(
        lambda rows: metrics.evaluate(scores[rows], test.true[rows], keep, fitted.threshold)["f1"], len(test.true)
    )
    found["ece_before"] = metrics.calibration_error(*metrics.confidence(fitted.uncalibrated(test.texts), test.true, keep))
    found["ece"] = metrics.calibration_error(*metrics.confidence(scores, test.true, keep))
    if scores.shape[1] == 2 and test.weights is not None and test.weights.min() < test.weights.max():
        found["stream"] = judge(scores[:, keep] >= fitted.threshold, test.true == keep, test.weights)
    return found, f"{view}: {len(test.true):,} posts with gold labels"
