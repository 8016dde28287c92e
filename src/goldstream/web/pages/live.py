"""`/`: kept posts as they arrive."""

from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from goldstream.web.database import Connection
from goldstream.web.pages.model import champion
from goldstream.web.posts import LONGEST_FILTER, PAGE, Filter, older
from goldstream.web.rendering import respond

_TEXTS = ("q", "label", "lang", "source")


async def live(request: Request) -> Response:
    """Answer with the newest kept posts, or those before a position; only those that are wanted."""
    state, before, only = request.app.state, position(request.query_params.get("before")), wanted(request)

    def ask(conn: Connection) -> dict[str, Any]:
        posts = older(conn, before, only)
        shown = {"filter": only._asdict(), "filtered": bool(only), "query": _query(only), "live": before is None}
        return {
            "counts": state.counters.now(conn), "posts": posts, **shown, "champion": champion(conn),
            "choices": {"label": state.settings.project.labels, **state.choices.get(conn)},
            "next": posts[-1]["position"] if len(posts) == PAGE else None,
        }  # fmt: skip

    return respond(request, "live.html", await state.database.run(ask))


def wanted(request: Request) -> Filter:
    """Return what the address asks for, bounded: `q`, `label`, `lang`, `source` and `least`.

    Nonsense asks for nothing.
    """
    asked = request.query_params
    text, label, lang, source = (asked.get(name, "")[:LONGEST_FILTER].replace("\x00", "").strip() for name in _TEXTS)
    try:
        least = float(asked.get("least") or 0.0)
    except ValueError:
        least = 0.0
    return Filter(text, label, lang, source, least if 0.0 <= least <= 1.0 else 0.0)


def _query(only: Filter) -> str:
    """The address of a filter, so that earlier and later posts are of the same kind."""
    return urlencode({("q" if name == "text" else name): value for name, value in only._asdict().items() if value})


def position(shown: str | None) -> int | None:
    """Return the position that an address names; None when it names none.

    >>> position("12"), position("x"), position("9" * 40)
    (12, None, None)
    """
    if shown is None or not shown.isascii() or not shown.isdigit() or len(shown) > 18:
        return None
    return int(shown)
