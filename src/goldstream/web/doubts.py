"""Gold labels that champion and rules together contradict: `goldstream label review`, from what is stored."""

from typing import TYPE_CHECKING, Any

from goldstream.errors import GoldstreamError
from goldstream.settings import Settings
from goldstream.web import votes
from goldstream.web.counters import Costly, Refresher
from goldstream.web.database import Connection, rows
from goldstream.web.judging import Judge

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

SHOWN = 50

_CHAMPION = "SELECT after AS version FROM alias_moves WHERE alias = 'champion' ORDER BY id DESC LIMIT 1"
_DECIDED = "SELECT DISTINCT post_id FROM annotations WHERE post_id = ANY(%s) AND act = 'adjudicate'"


class Doubts:
    """The doubted labels; worked out again when that can be afforded."""

    def __init__(self, judge: Judge, settings: Settings, refresher: Refresher) -> None:
        self._judge, self._labels = judge, settings.project.labels
        self._found = Costly(self._ask, refresher)

    def get(self, conn: Connection) -> dict[str, Any]:
        """Return `gold`, `doubted` and `posts`, the worst first, those that somebody has decided left out."""
        found: dict[str, Any] = self._found.get(conn)
        ids = [post["id"] for post in found["posts"]]
        decided = {row["post_id"] for row in rows(conn, _DECIDED, (ids,))}
        return {**found, "posts": [post for post in found["posts"] if post["id"] not in decided]}

    def _ask(self, conn: Connection) -> dict[str, Any]:
        from goldstream.datasets.tables import Dataset
        from goldstream.labeling.review import review

        run = votes.newest(conn)
        if run is None:
            return {"gold": 0, "doubted": 0, "posts": []}
        posts = Dataset(run["prefix"], run["dataset"]).posts(conn, "g.label IS NOT NULL AND kind <> 'delete'")
        try:
            return review(
                posts, votes.table_of(conn, run, posts["id"].to_list()), self._scores(conn, posts), self._labels, SHOWN
            ).as_json()
        except GoldstreamError:  # no gold, or nobody who could contradict it
            return {"gold": len(posts), "doubted": 0, "posts": []}

    def _scores(self, conn: Connection, posts: "pl.DataFrame") -> "np.ndarray | None":
        """The champion's probabilities, in the order of the project's labels; None where it can't say."""
        import polars as pl
        import pyarrow as pa

        champion = conn.execute(_CHAMPION).fetchone()
        if champion is None or not len(posts):
            return None
        try:
            model = self._judge.model(champion[0]).model
        except GoldstreamError:
            return None
        if set(model.labels) != set(self._labels):
            return None
        scores = model.predict_proba(posts["text"].to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.string()))
        return scores[:, [model.labels.index(label) for label in self._labels]]
