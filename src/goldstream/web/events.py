"""`/events`: what is new on the live page, as server-sent events.

Every stream asks the store itself, a little after the other; the id of an event is a position, so a browser that
reconnects goes on where it was. When posts come faster than anyone can read, the newest are sent and the rest is not:
the page says so, and shows all of them when it is loaded.
"""

import time
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from goldstream.web.database import Away, Connection
from goldstream.web.pages.live import position, wanted
from goldstream.web.posts import PAGE, Filter, newer, older, still_kept
from goldstream.web.rendering import as_json

STREAMS = 64  #: at once
LONGEST_S = 3_600.0  #: then the browser connects anew
LOOK_S = 0.5
CHECK_S = 3.0  #: between two looks at whether the posts on the page are still kept
HEARTBEAT_S = 10.0
ON_PAGE = 120  #: posts that a page holds

Event = tuple[str, int | None, Any]  # its name, the position to resume from, its data


async def events(request: Request) -> Response:
    """Answer with a stream that does not end by itself before an hour has passed."""
    state = request.app.state
    if state.streams >= STREAMS:
        return PlainTextResponse("Too many pages are open.\n", 503, {"retry-after": "10"})
    after = position(request.headers.get("last-event-id") or request.query_params.get("after"))
    return StreamingResponse(
        _lines(request.app, -1 if after is None else after, wanted(request)),
        headers={"x-accel-buffering": "no"},
        media_type="text/event-stream",
    )


async def _lines(app: Starlette, after: int, only: Filter) -> AsyncIterator[bytes]:
    app.state.streams += 1
    stream, ends = _Stream(app, after, only), time.monotonic() + LONGEST_S
    quiet_since = time.monotonic()
    yield b"retry: 2000\n\n"
    try:
        while not app.state.stopping.is_set() and time.monotonic() < ends:
            for name, resume, data in await stream.look():
                quiet_since = time.monotonic()
                mark = b"" if resume is None else b"id: %d\n" % resume
                yield b"event: %s\n%sdata: %s\n\n" % (name.encode(), mark, as_json(data))
            if time.monotonic() - quiet_since > HEARTBEAT_S:
                quiet_since = time.monotonic()
                yield b": still here\n\n"
            await anyio.sleep(LOOK_S)
    finally:
        app.state.streams -= 1


class _Stream:
    """One open page: where it is, and what it shows."""

    def __init__(self, app: Starlette, after: int, only: Filter) -> None:
        self._app, self._after, self._only = app, after, only
        self._shown: deque[str] = deque(maxlen=ON_PAGE)
        self._counts: Any = None
        self._checked = 0.0
        self._away = False

    async def look(self) -> list[Event]:
        """Return what has happened since the last look; an outage is an event too."""
        try:
            found: list[Event] = await self._app.state.database.run(self._ask)
        except Away as error:
            told, self._away = self._away, True
            return [] if told else [("away", None, {"message": str(error)})]
        if self._away:
            self._away = False
            found.insert(0, ("back", None, {}))
        return found

    def _ask(self, conn: Connection) -> list[Event]:
        found = [*self._new_posts(conn), *self._gone_posts(conn)]
        counts = self._app.state.counters.now(conn)
        if counts != self._counts:
            self._counts = counts
            found.append(("counts", None, counts))
        return found

    def _new_posts(self, conn: Connection) -> list[Event]:
        if self._checked == 0.0:
            self._shown.extend(post["id"] for post in reversed(older(conn, self._after + 1, self._only)))
        posts = newer(conn, self._after, self._only)
        if not posts:
            return []
        self._after = posts[0]["position"]
        self._shown.extend(post["id"] for post in reversed(posts))
        card = self._app.state.templates.get_template("card.html")
        html = "".join(card.render(post=post) for post in posts)
        return [("posts", self._after, {"html": html, "posts": len(posts), "more": len(posts) == PAGE})]

    def _gone_posts(self, conn: Connection) -> list[Event]:
        if time.monotonic() - self._checked < CHECK_S:
            return []
        self._checked = time.monotonic()
        kept = still_kept(conn, list(self._shown))
        gone = [post_id for post_id in self._shown if post_id not in kept]
        if not gone:
            return []
        self._shown = deque((post_id for post_id in self._shown if post_id in kept), maxlen=ON_PAGE)
        return [("gone", None, {"ids": gone})]
