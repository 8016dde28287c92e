"""The report on a model version of a project, judged by the gold labels of the test split."""

from typing import Any

import psycopg

from goldstream.datasets.tables import Dataset
from goldstream.errors import DataError
from goldstream.models.folder import load_model
from goldstream.registry.base import Version
from goldstream.run.project import Project
from goldstream.training.report import report


def report_version(project: Project, version: int) -> dict[str, Any]:
    """Return the report on one version. Raises `DataError` when the test split of the project's dataset has no gold labels."""
    registry = project.registry()
    known = registry.get(version)
    model = load_model(registry.fetch(version, project.data_folder / "models"))
    dataset = Dataset(project.settings.dataset.prefix, project.settings.dataset.version)
    with project.store.connect(name="evaluate", statement_timeout=0) as conn:
        posts = dataset.posts(conn, "split IS NOT NULL AND kind <> 'delete'").drop("extra")
        trace = _trace(conn, dataset, known)
    test = posts.filter(split="test")
    if not test["gold"].is_not_null().any():
        raise DataError(f"{dataset.view('test')} has no gold labels to judge by; `goldstream annotate` asks for them")
    return report(model, test, everything=posts, trace={**trace, "evaluated_on": dataset.view("test")})


def _trace(conn: psycopg.Connection[Any], dataset: Dataset, known: Version) -> dict[str, Any]:
    """Where the figures come from: version, data, functions, code."""
    row = conn.execute(
        "SELECT sha256, split_at, counts->'splits', counts->'duplicates' FROM datasets WHERE prefix = %s AND version = %s",
        (dataset.prefix, dataset.version),
    ).fetchone()
    sha256, split_at, splits, duplicates = row or (None, None, None, None)
    learnt = known.evidence
    same = learnt.get("dataset_sha256") == sha256
    return {
        "version": known.version, "registered": known.created_at, "model_sha256": known.sha256, "dataset": dataset.raw,
        "dataset_sha256": sha256, "split_at": split_at, "splits": splits, "duplicates": duplicates,
        "learnt_from": f"{learnt.get('trained_on'):,} posts of {learnt.get('dataset')}" if learnt.get("trained_on") else None,
        "other_dataset": None if same else f"learnt from another one, {learnt.get('dataset_sha256')}: test posts may be known to it",
        "label_model": learnt.get("label_model"), "functions": learnt.get("functions"), "seed": learnt.get("seed"),
        "options": learnt.get("options"), "trained_by_code": learnt.get("code"),
    }  # fmt: skip
