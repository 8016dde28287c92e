"""The gold labels of a project that its champion and its rules together contradict."""

from typing import Any

import numpy as np
import polars as pl
import psycopg
import pyarrow as pa

from goldstream.datasets.tables import Dataset
from goldstream.labeling import load
from goldstream.labeling.review import Review, review
from goldstream.labeling.votes import vote
from goldstream.models.folder import load_model
from goldstream.run.learn import Say
from goldstream.run.project import Project


def review_gold(project: Project, conn: psycopg.Connection[Any], limit: int, say: Say) -> Review:
    """Return the doubted gold labels of the project's dataset. Without a champion, the rules alone contradict."""
    settings = project.settings
    dataset = Dataset(settings.dataset.prefix, settings.dataset.version)
    dataset.counts(conn)  # or it is said that there is no such dataset
    posts = dataset.posts(conn, "g.label IS NOT NULL AND kind <> 'delete'")
    functions = load(project.folder / settings.labeling.functions, settings.project.labels)
    votes = vote(conn, functions, posts, say).votes
    return review(posts, votes, _scores(project, posts), settings.project.labels, limit)


def _scores(project: Project, posts: pl.DataFrame) -> np.ndarray | None:
    """The champion's probabilities, in the order of the project's labels."""
    registry, labels = project.registry(), project.settings.project.labels
    version = registry.alias("champion")
    if version is None or not len(posts):
        return None
    model = load_model(registry.fetch(version, project.data_folder / "models"))
    if set(model.labels) != set(labels):
        return None
    scores = model.predict_proba(posts["text"].to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.string()))
    return scores[:, [model.labels.index(label) for label in labels]]
