"""`/`: kept posts as they arrive."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from goldstream.web.database import Connection
from goldstream.web.pages.model import champion
from goldstream.web.posts import LONGEST_FILTER, PAGE, older
from goldstream.web.rendering import respond


async def live(request: Request) -> Response:
    """Answer with the newest kept posts, or those before a position; `q` must stand in them."""
    state, before, text = request.app.state, position(request.query_params.get("before")), wanted_text(request)

    def ask(conn: Connection) -> dict[str, Any]:
        posts = older(conn, before, text)
        return {
            "counts": state.counters.now(conn), "posts": posts, "text": text, "live": before is None,
            "next": posts[-1]["position"] if len(posts) == PAGE else None, "champion": champion(conn),
        }  # fmt: skip

    return respond(request, "live.html", await state.database.run(ask))


def wanted_text(request: Request) -> str:
    """Return what `q` asks for, bounded."""
    return request.query_params.get("q", "")[:LONGEST_FILTER].replace("\x00", "").strip()


def position(shown: str | None) -> int | None:
    """Return the position that an address names; None when it names none.

    >>> position("12"), position("x"), position("9" * 40)
    (12, None, None)
    """
    if shown is None or not shown.isascii() or not shown.isdigit() or len(shown) > 18:
        return None
    return int(shown)
