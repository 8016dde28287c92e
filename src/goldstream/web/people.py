"""Who answers: a person with a token, or a name that somebody gave and the browser keeps."""

import re
from collections.abc import Mapping
from urllib.parse import quote, unquote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from goldstream.settings import Settings
from goldstream.web.guard import cookies, ticket

NAME_COOKIE = "goldstream-name"
A_YEAR = 365 * 86_400
_NAME = re.compile(r"[\w][\w .@-]{0,59}")


def tickets(settings: Settings) -> Mapping[str, str | None]:
    """Return the proofs that open the pages, each with the person whose it is."""
    found: dict[str, str | None] = {ticket(each.token.value()): each.name for each in settings.annotation.annotators}
    if settings.web.token is not None:
        found[ticket(settings.web.token.value())] = None
    return found


def person(request: Request) -> str | None:
    """Return the name under which this browser answers; None when it has none yet."""
    if request.app.state.named:
        found: str | None = request.state.person
        return found
    return proper_name(unquote(cookies(request.headers).get(NAME_COOKIE, "")))


def needs_person(request: Request) -> str:
    """Return who answers; refuses with 403 while nobody has said who they are."""
    found = person(request)
    if found is None:
        raise HTTPException(403, "Say who you are first: on the page “Label”, or with your own token at /enter.")
    return found


def proper_name(name: str) -> str | None:
    """Return a name as it is kept; None for what is no name.

    >>> proper_name("  Ann Lee "), proper_name("<b>"), proper_name("")
    ('Ann Lee', None, None)
    """
    name = " ".join(name.split())
    return name if _NAME.fullmatch(name) else None


def remember(response: Response, name: str) -> None:
    """Let the browser keep the name."""
    response.set_cookie(NAME_COOKIE, quote(name), max_age=A_YEAR, httponly=True, samesite="strict")
