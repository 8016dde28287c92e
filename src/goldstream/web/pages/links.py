"""`/links`: what people link, ranked by how many different authors do."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from goldstream.web.counters import Costly, Refresher
from goldstream.web.database import Connection, rows
from goldstream.web.pages.model import champion
from goldstream.web.posts import behind
from goldstream.web.rendering import respond

WINDOWS = {"day": "1 day", "week": "7 days", "month": "30 days", "all": None}
MOST = 100

_RANKED = """
    SELECT url, min(domain) AS domain, min(seen_at) AS first_seen_at, max(seen_at) AS last_seen_at, count(*) AS posts,
           count(DISTINCT author) AS authors
    FROM candidate_links JOIN (SELECT post_id FROM kept) kept USING (post_id)
    WHERE seen_at > coalesce(now() - %s::interval, '-infinity')
    GROUP BY url ORDER BY authors DESC, posts DESC, last_seen_at DESC, url LIMIT %s
"""


class Ranking:
    """The ranked links of every window, each made again when that can be afforded."""

    def __init__(self, refresher: Refresher) -> None:
        self._windows = {name: Costly(_asking(width), refresher) for name, width in WINDOWS.items()}

    def get(self, conn: Connection, window: str) -> list[dict[str, Any]]:
        """Return the links of `window`, most authors first."""
        found: list[dict[str, Any]] = self._windows[window].get(conn)
        return found


def _asking(width: str | None) -> Any:
    return lambda conn: rows(conn, _RANKED, (width, MOST))


async def links(request: Request) -> Response:
    """Answer with the ranked links of a window, or with the posts behind the one that `url` names."""
    state = request.app.state
    window = request.query_params.get("window", "all")
    window = window if window in WINDOWS else "all"
    url = request.query_params.get("url", "").replace("\x00", "")

    def ask(conn: Connection) -> dict[str, Any]:
        data: dict[str, Any] = {
            "counts": state.counters.now(conn),
            "window": window,
            "windows": list(WINDOWS),
            "url": url,
        }
        if url:
            decides = champion(conn)
            return {**data, "posts": behind(conn, url), "links": [], "threshold": decides and decides["threshold"]}
        return {**data, "posts": [], "links": state.ranking.get(conn, window)}

    return respond(request, "links.html", await state.database.run(ask))
