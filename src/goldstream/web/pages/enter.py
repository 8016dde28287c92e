"""`/enter`: where a browser shows the token, once."""

import hmac
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from goldstream.web.guard import COOKIE, LARGEST_BODY, ticket
from goldstream.web.rendering import respond


async def enter(request: Request) -> Response:
    """Answer with a form; the right token buys a cookie that scripts can't read."""
    token: str | None = request.app.state.token
    if token is None:
        return RedirectResponse("/", 303)
    if request.method != "POST":
        return respond(request, "enter.html", {"wrong": False}, status=401)
    body = (await request.body())[:LARGEST_BODY].decode("utf-8", "replace")
    shown = parse_qs(body).get("token", [""])[0]
    if not hmac.compare_digest(ticket(shown), ticket(token)):
        return respond(request, "enter.html", {"wrong": True}, status=401)
    response = RedirectResponse("/", 303)
    response.set_cookie(COOKIE, ticket(token), max_age=30 * 86_400, httponly=True, samesite="strict")
    return response
