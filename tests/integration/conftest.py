"""Rows that several tests need."""

from collections.abc import Callable
from typing import Any

import pytest

from goldstream.store import Store

Keep = Callable[..., None]


@pytest.fixture
def keep(store: Store) -> Keep:
    """Write a kept post straight into the store."""

    def write(post_id: str, text: str, *, position: int = 0, links: tuple[str, ...] = (), **values: Any) -> None:
        with store.connect(name="test") as conn, conn.transaction():
            conn.execute(
                "INSERT INTO models (name, labels, threshold, sha256, evidence) SELECT 'm', '{ai,other}', 0.5, 'x', "
                """'{"metrics": {}, "evaluated_on": "nothing"}' WHERE NOT EXISTS (SELECT FROM models)"""
            )
            conn.execute(
                """INSERT INTO candidates (post_id, revision, source, text, seen_at, author, links, tags, media, extra, label,
                       probability, version, position)
                   VALUES (%s, 0, 'test', %s, now(), %s, %s, '{}', '{}', '{}', %s, 0.9, (SELECT max(version) FROM models), %s)""",
                (post_id, text, values.get("author", "ann"), list(links), values.get("label", "ai"), position),
            )
            for link in links:
                conn.execute("INSERT INTO candidate_links VALUES (%s, %s, 'example.org', 'ann', now())", (post_id, link))

    return write
