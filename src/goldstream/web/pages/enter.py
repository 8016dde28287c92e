"""`/enter`: where a browser shows its token, once."""

import hmac
from collections.abc import Mapping
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from goldstream.web.guard import COOKIE, ticket
from goldstream.web.rendering import respond

LARGEST_FORM = 4_096  #: bytes
A_MONTH = 30 * 86_400
GUESSES = (0.5, 10)  #: how many tokens one address may show: per second, and at once


async def enter(request: Request) -> Response:
    """Answer with a form; a right token buys a cookie that scripts can't read."""
    tickets: dict[str, str | None] = request.app.state.tickets
    if not tickets:
        return RedirectResponse("/", 303)
    if request.method != "POST":
        return _form(request, 401)
    if not request.app.state.guesses.allows(request.client.host if request.client else ""):
        return _form(request, 429, "Too many tokens at once. Wait a few seconds, then try again.", {"retry-after": "5"})
    form = (await request.body())[:LARGEST_FORM].decode("utf-8", "replace")
    shown = ticket(parse_qs(form).get("token", [""])[0])
    right = [known for known in tickets if hmac.compare_digest(shown, known)]
    if not right:
        return _form(request, 401, "That was not it.")
    response = RedirectResponse("/annotate" if tickets[right[0]] else "/", 303)
    response.set_cookie(COOKIE, right[0], max_age=A_MONTH, httponly=True, samesite="strict")
    return response


def _form(request: Request, status: int, wrong: str | None = None, headers: Mapping[str, str] | None = None) -> Response:
    return respond(request, "enter.html", {"wrong": wrong}, status=status, headers=headers)
