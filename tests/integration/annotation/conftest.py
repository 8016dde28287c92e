"""A dataset with votes, soft labels and scores, from which questions can be drawn."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from goldstream.datasets.tables import Dataset
from goldstream.store import Store

Connection = psycopg.Connection[Any]


@pytest.fixture
def conn(store: Store) -> Iterator[Connection]:
    with store.connect(name="test") as opened:
        yield opened


@pytest.fixture
def collected(conn: Connection) -> Connection:
    """Two hundred posts: the first half scored, a few with votes for both labels, one deleted, one that repeats another."""
    Dataset("", 0).create(conn, {})
    conn.execute(
        """INSERT INTO raw_tweet_dataset_0
               (id, source, kind, revision, text, links, tags, media, extra, stratum, lot, position, representative)
           SELECT 't:' || n, 't', 'create', 1, 'post ' || n, '{}', '{}', '{}', '{}', 'topic', 0, n, 't:' || n
           FROM generate_series(1, 200) n"""
    )
    conn.execute("UPDATE raw_tweet_dataset_0 SET kind = 'delete' WHERE id = 't:200'")
    conn.execute("UPDATE raw_tweet_dataset_0 SET representative = 't:1' WHERE id = 't:199'")
    conn.execute(
        """INSERT INTO label_runs (prefix, dataset, label_model, functions, report)
           VALUES ('', 0, 'majority', '{"a": "1", "b": "1"}', '{}')"""
    )
    conn.execute("INSERT INTO votes SELECT 'a', '1', 't:' || n, 1, 'keep' FROM generate_series(1, 50) n")
    conn.execute("INSERT INTO votes SELECT 'b', '1', 't:' || n, 1, 'other' FROM generate_series(41, 60) n")
    conn.execute("INSERT INTO votes SELECT 'b', 'older', 't:' || n, 1, 'other' FROM generate_series(1, 200) n")
    conn.execute("INSERT INTO soft_labels SELECT '', 0, 't:' || n, 1, '{0.8,0.2}', true FROM generate_series(1, 60) n")
    conn.execute("CREATE TABLE day PARTITION OF predictions DEFAULT")
    conn.execute(
        """INSERT INTO predictions (reader, partition, position, post_id, source, kind, revision, seen_at, label, probability, version)
           SELECT 'classify', 0, n, 't:' || n, 't', 'create', 1, now(), 'keep', n / 100.0, 1 FROM generate_series(1, 100) n"""
    )
    return conn
