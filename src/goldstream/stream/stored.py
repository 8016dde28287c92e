"""Which posts may be among the candidates, answered in memory, so that not every post is looked for in the store.

Most posts are not kept, and nearly none of these was kept in an earlier revision: the few that may have been are found
by this filter, whose "no" is exact and whose "yes" is nearly so. It is exact because candidates are only added by the
worker that has taken the reader over, and it reads them after that.
"""

from typing import Any

import numpy as np
import polars as pl
import psycopg

_SLOTS = 1 << 24  # one byte each; a million candidates make 6 % of the answers a needless "yes"


class StoredPosts:
    """The ids of all candidates, as marks in a table of hashes."""

    def __init__(self) -> None:
        self._marks = np.zeros(_SLOTS, np.bool_)

    def load(self, conn: psycopg.Connection[Any]) -> None:
        """Mark every candidate that stands in the store."""
        with conn.cursor() as cursor, cursor.copy("COPY (SELECT post_id FROM candidates) TO STDOUT (FORMAT binary)") as copy:
            copy.set_types(["text"])
            ids: list[str] = []
            for (post_id,) in copy.rows():
                ids.append(post_id)
                if len(ids) == 65_536:
                    self.add(pl.Series(ids))
                    ids.clear()
        self.add(pl.Series(ids, dtype=pl.String))

    def add(self, ids: pl.Series) -> None:
        """Mark these posts."""
        self._marks[self._slots(ids)] = True

    def may_hold(self, ids: pl.Series) -> np.ndarray:
        """Return a boolean for each post: False means that it is certainly not among the candidates."""
        return self._marks[self._slots(ids)]

    def _slots(self, ids: pl.Series) -> np.ndarray:
        return ids.hash(seed=0).to_numpy() & np.uint64(_SLOTS - 1)
