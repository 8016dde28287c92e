"""What the people who answer have done so far; counted again when that can be afforded."""

from typing import Any

from goldstream.web.counters import Costly, Refresher
from goldstream.web.database import Connection, one, rows

#: Speed: the middle of the seconds that each of the newest answers took.
_TEAM = """
    SELECT annotator AS name, count(*) FILTER (WHERE act = 'answer') AS answers, count(*) FILTER (WHERE act = 'skip') AS skips,
           count(*) FILTER (WHERE act = 'undo') AS undone, count(*) FILTER (WHERE act = 'adjudicate') AS adjudicated,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS seconds, max(at) AS last_at,
           count(*) FILTER (WHERE act = 'answer' AND at > now() - interval '1 day') AS today
    FROM annotations GROUP BY annotator ORDER BY answers DESC, name LIMIT 200
"""
MOST_CONFLICTS = 1_000  #: counted up to


class Team:
    """People, their answers and their speed."""

    def __init__(self, refresher: Refresher) -> None:
        self._found = Costly(lambda conn: rows(conn, _TEAM), refresher)

    def get(self, conn: Connection) -> list[dict[str, Any]]:
        """Return a row for each person, most answers first."""
        found: list[dict[str, Any]] = self._found.get(conn)
        return found

    def answered(self, conn: Connection, name: str | None) -> int:
        """Return how many answers `name` has given."""
        return next((int(row["answers"]) for row in self.get(conn) if row["name"] == name), 0)

    def conflicts(self, conn: Connection) -> int:
        """Return on how many posts people disagree, counted up to `MOST_CONFLICTS`."""
        return int(one(conn, f"SELECT count(*) FROM (SELECT FROM conflicts LIMIT {MOST_CONFLICTS}) found"))
