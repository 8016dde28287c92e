"""What a network takes back is forgotten in every table that holds its words."""

import pytest

from goldstream.datasets.tables import Dataset
from goldstream.store import Store, dead_letters, deletions
from goldstream.store.dead_letters import Letter


@pytest.fixture
def conn(store: Store):
    """A store with posts a1, a2 (by ann) and b1 (by bob) everywhere; a1 is in a split."""
    with store.connect(name="test") as opened:
        dataset = Dataset("", 0)
        dataset.create(opened, {})
        opened.execute(
            "INSERT INTO models (name, labels, threshold, sha256, evidence) VALUES ('m', '{keep,other}', .5, 'x', '{}')"
        )
        for post_id, author, split in (("a1", "ann", "test"), ("a2", "ann", None), ("b1", "bob", None)):
            opened.execute(
                """INSERT INTO raw_tweet_dataset_0 (id, source, kind, revision, text, author, url, links, tags, media, extra,
                                                    stratum, lot, position, split)
                   VALUES (%s, 't', 'create', 5, 'secret', %s, 'secret', '{secret}', '{secret}', '{}', '{"a": "secret"}',
                           'topic', 0, 0, %s)""", (post_id, author, split),
            )  # fmt: skip
            opened.execute(
                """INSERT INTO candidates (post_id, revision, source, text, seen_at, author, links, tags, media, extra, label,
                                           probability, version, position)
                   VALUES (%s, 5, 't', 'secret', now(), %s, '{https://x.example}', '{}', '{}', '{}', 'keep', 1, 1, 0)""",
                (post_id, author),
            )  # fmt: skip
            opened.execute(
                "INSERT INTO candidate_links VALUES (%s, 'https://x.example', 'x.example', %s, now())", (post_id, author)
            )
            opened.execute("INSERT INTO votes VALUES ('f', '1', %s, 5, 'keep')", (post_id,))
            opened.execute("INSERT INTO soft_labels VALUES ('', 0, %s, 5, '{.9,.1}', true)", (post_id,))
            opened.execute(
                "INSERT INTO annotations (post_id, revision, label, annotator, strategy, note) "
                "VALUES (%s, 5, 'keep', 'me', 'random', 'secret')", (post_id,),
            )  # fmt: skip
            dead_letters.add(opened, [Letter("ingest", "t", "too long", b"secret", None, post_id, author)])
        yield opened


def ids(conn, query: str) -> set[str]:
    return {row[0] for row in conn.execute(query.encode())}


@pytest.mark.parametrize(
    ("deletes", "forgets"), [([("a1", 6), ("a2", 5)], []), ([], [("t", "ann", 5)]), ([("a1", 6)], [("t", "ann", 9)])]
)
def test_words_are_gone_everywhere_and_labels_of_a_split_stay(conn, deletes, forgets):
    with conn.transaction():
        deletions.apply(conn, deletes, forgets)
        deletions.apply(conn, deletes, forgets)
    row = conn.execute(
        "SELECT kind, text, author, url, links, tags, extra, split FROM raw_tweet_dataset_0 WHERE id = 'a1'"
    ).fetchone()
    assert row == ("delete", "", None, None, [], [], {}, "test")
    assert ids(conn, "SELECT id FROM raw_tweet_dataset_0") == {"a1", "b1"}
    for table in ("candidates", "candidate_links", "votes", "soft_labels", "dead_letters"):
        assert ids(conn, f"SELECT post_id FROM {table}") == {"b1"}, table
    assert ids(conn, "SELECT post_id FROM annotations WHERE note IS NOT NULL") == {"b1"}
    assert ids(conn, "SELECT post_id FROM gold") == {"a1", "a2", "b1"}


def test_a_newer_revision_outlives_an_older_deletion(conn):
    deletions.apply(conn, [("a1", 4)], [("t", "bob", 4)])
    assert ids(conn, "SELECT post_id FROM candidates") == {"a1", "a2", "b1"}
    assert conn.execute("SELECT revision FROM tombstones WHERE post_id = 'a1'").fetchone() == (4,)
    deletions.apply(conn, [("a1", 3)], [])
    assert conn.execute("SELECT revision FROM tombstones WHERE post_id = 'a1'").fetchone() == (4,)
