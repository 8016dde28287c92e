"""A project with a dataset whose posts a test puts in by hand."""

from pathlib import Path

import psycopg
import pytest

from goldstream import settings
from goldstream.annotation import answers
from goldstream.datasets.tables import Dataset
from goldstream.run.project import Project
from goldstream.store import Store


class Posts:
    """Puts posts into a split of the dataset."""

    def __init__(self, conn: psycopg.Connection) -> None:
        self.conn, self.count = conn, 0
        Dataset("", 0).create(conn, {})

    def add(self, split: str, texts: list[str], *, soft: tuple[float, ...] = (), gold: str = "") -> list[str]:
        """Add posts with a soft label or a gold label, and return their ids."""
        ids = [f"t:{self.count + number:04}" for number in range(len(texts))]
        self.count += len(texts)
        for post_id, text in zip(ids, texts, strict=True):
            self.conn.execute(
                """INSERT INTO raw_tweet_dataset_0 (id, source, kind, revision, text, links, tags, media, extra, stratum, lot,
                                                    position, split, representative)
                   VALUES (%s, 't', 'create', 0, %s, '{}', '{}', '{}', '{}', 'topic', 0, 0, %s, %s)""",
                (post_id, text, split, post_id),
            )
            if soft:
                self.conn.execute("INSERT INTO soft_labels VALUES ('', 0, %s, 0, %s, true)", (post_id, list(soft)))
        answers.add(self.conn, dict.fromkeys(ids, gold) if gold else {}, "test")
        return ids


@pytest.fixture
def posts(store: Store):
    with store.connect(name="test") as conn:
        yield Posts(conn)


@pytest.fixture
def project(store: Store, tmp_path: Path) -> Project:
    labels = settings.Project(labels=("rain", "model"), keep="model")
    return Project(tmp_path / "goldstream.toml", settings.Settings(project=labels), tmp_path, store)
