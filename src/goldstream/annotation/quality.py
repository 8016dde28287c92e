"""Precision, recall and share of the whole pool, from what people answered to questions that were drawn by chance."""

from typing import Any

import numpy as np
import psycopg

from goldstream.annotation.estimates import Answered, Round, estimate

Connection = psycopg.Connection[Any]

FEWEST = 30  #: answers below which nothing is said
MOST = 50_000  #: answers that are read, the newest rounds first

_ROUNDS = "SELECT round, pool, drawn FROM rounds WHERE round = ANY(%s) ORDER BY round"
#: Questions with a gold label, which the version in question had scored when they were drawn.
_ANSWERED = """
    SELECT q.round, q.chance, g.label = %(keep)s, q.probability >= %(threshold)s, q.weight
    FROM questions q JOIN gold g USING (post_id)
    WHERE q.answers > 0 AND q.version = %(version)s AND q.probability IS NOT NULL
    ORDER BY q.round DESC, q.place LIMIT %(most)s
"""


def from_answers(conn: Connection, *, keep: str, version: int, threshold: float) -> dict[str, Any] | None:
    """Return `answers`, and `precision`, `recall` and `share` with their intervals, for the posts that could be asked about.

    None while fewer than `FEWEST` questions that `version` had scored are answered.
    """
    values = {"keep": keep, "version": version, "threshold": threshold, "most": MOST}
    rows = conn.execute(_ANSWERED, values).fetchall()
    if len(rows) < FEWEST:
        return None
    rounds, chances, said, would, weights = (np.array(column) for column in zip(*rows, strict=True))
    known = [Round(*row) for row in conn.execute(_ROUNDS, (sorted({int(each) for each in rounds}),))]
    answered = Answered(rounds, chances.astype(float), said.astype(bool), would.astype(bool), weights.astype(float))
    found = estimate(answered, known)
    return {name: value._asdict() if hasattr(value, "_asdict") else value for name, value in found._asdict().items()}
