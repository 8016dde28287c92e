"""`goldstream train`: from soft labels to a registered model version with its evidence."""

import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import msgspec
import numpy as np
import polars as pl
import psycopg
import pyarrow as pa

from goldstream.build import code
from goldstream.datasets.strata import stratum
from goldstream.datasets.tables import Dataset
from goldstream.errors import DataError, ModelError
from goldstream.models.base import Classifier
from goldstream.models.folder import folder_hash, load_model, save_model
from goldstream.run import gold_rows, reports
from goldstream.run.project import Project
from goldstream.training import gold_alone, leakage, metrics, promotion
from goldstream.training.evaluation import Judgement, all_intervals
from goldstream.training.fit import Fitted, Judged, Plan, fit, taught_by
from goldstream.training.remarks import remarks
from goldstream.training.threshold import Aim, judge

SEARCH = Plan(budget_s=10.0)  #: what a project's models are given to choose their options by, unless someone says otherwise
FEWEST_GOLD = 20  #: gold labels below which dev chooses nothing, and test shows nothing
FIGURES = ("accuracy", "precision", "recall", "f1", "macro_f1", "average_precision")

Say = Callable[[str], None]


class Material(NamedTuple):
    """What there is to learn from, and to judge by."""

    texts: pa.StringArray
    soft: np.ndarray  #: float32, texts × labels
    dev: Judged
    test: Judged
    gold: gold_rows.Gold
    traced: dict[str, Any]  #: which data, and which functions


def train_and_register(
    project: Project, say: Say, *, promote: bool, plan: Plan = SEARCH, from_champion: bool = False
) -> dict[str, Any]:
    """Fit on the soft labels, choose the threshold on dev, evaluate on test, register; return the evidence.

    The first model of a project becomes champion by itself; later ones when `promote` says so. `from_champion` goes on
    from the weights of the champion there is.
    """
    started = time.monotonic()
    parent = project.registry().alias("champion")
    material = _material(project)
    say(f"training on {len(material.texts):,} posts …")
    fitted = _fitted(project, material, plan, _champion(project) if from_champion else None)
    _warn(project.settings.project.labels, material, fitted, say)
    judged = _judged_by_test(project, fitted, material.test)
    learnt_s = time.monotonic() - started
    told = _told_by_gold(project, fitted, material, say)
    counted = {
        "parent": parent,
        "from_champion": from_champion,
        "trained_on": len(material.texts),
        "seconds": round(learnt_s, 2),
    }
    evidence = {**judged, **material.traced, **_made_by(project), **fitted.evidence, **told, **counted}
    registered = _registered(project, fitted, evidence)
    _promote(project, registered["version"], asked=promote)
    reports.save(project, registered, say)
    return registered


def _material(project: Project) -> Material:
    """Everything that training reads from the store."""
    settings = project.settings
    labels, dataset = settings.project.labels, Dataset(settings.dataset.prefix, settings.dataset.version)
    with project.store.connect(name="train", statement_timeout=0) as conn:
        training, soft = _soft_labels(conn, dataset, len(labels))
        held_out = dataset.posts(conn, "split IN ('dev', 'test') AND kind <> 'delete'")
        known = gold_rows.read(conn, dataset, labels)
        traced = _traced(conn, dataset)
    dev, test = (gold_rows.judged(held_out.filter(split=name), labels) for name in ("dev", "test"))
    return Material(gold_rows.texts(training), soft, dev, test, known, traced)


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


def _traced(conn: psycopg.Connection[Any], dataset: Dataset) -> dict[str, Any]:
    """The data by its hash, and the functions by their versions."""
    key = (dataset.prefix, dataset.version)
    data = conn.execute(
        "SELECT sha256, counts->'splits', split_at FROM datasets WHERE prefix = %s AND version = %s", key
    ).fetchone()
    sha256, split, split_at = data or (None, None, None)
    run = conn.execute(
        "SELECT functions, label_model FROM label_runs WHERE prefix = %s AND dataset = %s ORDER BY id DESC LIMIT 1", key
    ).fetchone()
    functions, label_model = run or ({}, None)
    return {
        "dataset": dataset.raw, "dataset_version": dataset.version, "dataset_sha256": sha256, "split": split,
        "split_at": split_at.isoformat() if split_at else None, "functions": functions, "label_model": label_model,
    }  # fmt: skip


def _made_by(project: Project) -> dict[str, Any]:
    return {"seed": project.settings.model.seed, "code": code()}


def _fitted(project: Project, material: Material, plan: Plan, start: Classifier | None) -> Fitted:
    settings = project.settings
    labels, model = settings.project.labels, settings.model
    targets, weights = taught_by(material.soft)
    return fit(
        model, labels, material.texts, targets, labels.index(settings.project.keep), _enough(material.dev),
        weights, aim=Aim(model.precision, model.recall), plan=plan, start=start,
    )  # fmt: skip


def _enough(dev: Judged) -> Judged | None:
    return dev if len(dev.true) >= FEWEST_GOLD else None


def _champion(project: Project) -> Classifier:
    """The champion's classifier, to go on from."""
    registry = project.registry()
    version = registry.alias("champion")
    if version is None:
        raise ModelError("this project has no champion yet to go on from; train without --from-champion")
    return load_model(registry.fetch(version, project.data_folder / "models")).classifier


def _warn(labels: tuple[str, ...], material: Material, fitted: Fitted, say: Say) -> None:
    """Say what a person should know before trusting the model."""
    dev = _enough(material.dev)
    if dev is None:
        say(
            f"dev has {len(material.dev.true)} gold labels, too few to choose by: soft labels of training posts choose the "
            "threshold; `goldstream annotate` asks for more"
        )
    poor = remarks(material.texts, material.soft.argmax(axis=1), labels, None if dev is None else dev.true)
    for warning in [*poor, *fitted.evidence["threshold"]["warnings"]]:
        say(warning)


def _judged_by_test(project: Project, fitted: Fitted, test: Judged) -> dict[str, Any]:
    """`metrics` on the gold of test, and what they rest on; nothing is claimed where there is too little."""
    settings = project.settings
    keep, view = (
        settings.project.labels.index(settings.project.keep),
        Dataset(settings.dataset.prefix, settings.dataset.version).view("test"),
    )
    if len(test.true) < FEWEST_GOLD:
        none = {**dict.fromkeys(FIGURES), "n": len(test.true)}
        return {"metrics": none, "evaluated_on": f"nothing: {view} has {len(test.true)} gold labels"}
    found = _figures(fitted, test, keep)
    if len(settings.project.labels) == 2:
        by_keyword = stratum(pl.Series(test.texts), settings.strata) == "topic"
        found["keyword_f1"] = metrics.binary(by_keyword.to_numpy(), test.true == keep)["f1"]
    return {"metrics": found, "evaluated_on": f"{view}: {len(test.true):,} posts with gold labels"}


def _figures(fitted: Fitted, test: Judged, keep: int) -> dict[str, Any]:
    judged = Judgement(
        fitted.model.labels, fitted.predict_proba(test.texts), fitted.uncalibrated(test.texts), test.true, keep,
        fitted.threshold, test.weights,
    )  # fmt: skip
    found: dict[str, Any] = metrics.evaluate(judged.scores, test.true, keep, fitted.threshold)
    found["intervals"] = all_intervals(judged)
    found["f1_interval"] = found["intervals"]["f1"]
    for name, scores in (("ece_before", judged.uncalibrated), ("ece", judged.scores)):
        found[name] = metrics.calibration_error(*metrics.confidence(scores, test.true, keep))
    if len(judged.labels) == 2 and judged.weighted:
        found["stream"] = judge(judged.said == keep, test.true == keep, test.weights)
    return found


def _told_by_gold(project: Project, fitted: Fitted, material: Material, say: Say) -> dict[str, Any]:
    """How far the rules carry, and what a naive split would leak."""
    settings = project.settings
    labels, gold = settings.project.labels, material.gold
    scores = fitted.predict_proba(gold.test.texts)
    model = msgspec.structs.replace(settings.model, options=fitted.evidence["options"])
    found = gold_rows.tell(model, labels, gold, scores, labels.index(settings.project.keep), len(material.texts))
    say(gold_alone.sentence(found["gold_alone"]))
    say(leakage.sentence(found["leakage"]))
    return found


def _registered(project: Project, fitted: Fitted, evidence: dict[str, Any]) -> dict[str, Any]:
    """Write the model folder, register it, and return its evidence with `name`, `version` and `threshold`."""
    settings, registry = project.settings, project.registry()
    name = f"{settings.project.name}-{settings.model.type}"
    evidence = {**evidence, "report": reports.new_name(name)}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        save_model(
            fitted.model, path, kind=settings.model.type, name=name, threshold=fitted.threshold,
            positive=settings.project.keep, made_from=evidence, calibration=fitted.calibration,
        )  # fmt: skip
        evidence["folder_sha256"] = folder_hash(path)
        version = registry.register(
            path, name=name, labels=settings.project.labels, threshold=fitted.threshold, evidence=evidence
        )
    return {"name": name, "version": version, **evidence, "threshold": fitted.threshold}


def _promote(project: Project, version: int, *, asked: bool) -> None:
    registry, cache = project.registry(), project.data_folder / "models"
    if asked or registry.alias("champion") is None:
        why = "asked for" if asked else "first model of this project"
        promotion.promote(registry, version, cache, project.settings.project, who="goldstream", why=why)
