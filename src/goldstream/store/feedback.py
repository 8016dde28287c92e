"""Feedback: whether somebody found an answer of the model right, on a page or over REST. It is only ever added to."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

Connection = psycopg.Connection[Any]

_ADD = """
    INSERT INTO feedback (place, who, post_id, text, correct, label, probability, threshold, version)
    SELECT %(place)s, %(who)s, %(post_id)s, %(text)s, %(correct)s, %(label)s, %(probability)s, %(threshold)s, version
    FROM models WHERE version = %(version)s
"""
_ADD_TO_PREDICTION = """
    INSERT INTO feedback (place, prediction_id, correct, right_label, label, probability, version)
    SELECT 'rest', id, coalesce(%(correct)s, label = %(label)s), %(label)s, label, probability, version
    FROM served_predictions WHERE id = %(id)s
    RETURNING version, correct
"""
_RATES = """
    SELECT version, place, count(*) AS answers, count(*) FILTER (WHERE correct) AS right
    FROM latest_feedback GROUP BY version, place ORDER BY version DESC, place LIMIT 100
"""


def add(conn: Connection, place: str, shown: Mapping[str, Any]) -> bool:
    """Add what somebody says at the page `place` of what they were `shown`; False when there is no such version."""
    return conn.execute(_ADD, {"place": place, **shown}).rowcount > 0


def add_to_prediction(conn: Connection, prediction_id: UUID, right: str | bool) -> tuple[int, bool] | None:
    """Add the `right` label of an answer of serving, or only whether it was right.

    Return which version had answered, and whether it was right; None when there is no such answer.
    """
    label = right if isinstance(right, str) else None
    correct = None if label else right
    return conn.execute(_ADD_TO_PREDICTION, {"id": prediction_id, "label": label, "correct": correct}).fetchone()


def rates(conn: Connection) -> list[dict[str, Any]]:
    """Return `answers`, and how many of them were `right`, for each version and place; the newest version first."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_RATES).fetchall()
