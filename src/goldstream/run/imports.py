"""A labelled table becomes a dataset, and its gold labels become answers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg

from goldstream import settings
from goldstream.annotation import answers
from goldstream.datasets import exchange


def import_dataset(
    conn: psycopg.Connection[Any], read: settings.Settings, file: Path, columns: Mapping[str, str]
) -> dict[str, Any]:
    """Make a raw dataset from the table in `file` (see `exchange.import_`) and return its counts, all in one transaction.

    Gold labels become answers of the annotator `import`.
    """
    with conn.transaction():
        counts, gold = exchange.import_(conn, read.dataset, read.strata, file, columns)
        answers.add(conn, gold, "import")
    return counts
