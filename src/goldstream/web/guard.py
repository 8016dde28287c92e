"""Who may ask: our own pages in this browser, by a name that we know, and with a token where one is set.

A page of another site can send requests to a loopback address; it can't forge `Host` and `Origin`. Both are checked, and
what changes something must be JSON, which no form of another site can send.
"""

import base64
import binascii
import contextlib
import hashlib
import hmac
from collections.abc import Collection, Mapping
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from goldstream.registry import mlflow_webhook
from goldstream.web.pace import Pace

LONGEST_TARGET = 8_192  #: bytes of path and query
LARGEST_HEAD = 32_768  #: bytes of headers
LARGEST_BODY = 262_144  #: bytes
LARGER = {"/label-studio/": 4_194_304, "/people/import": 33_554_432}  #: what another server sends, by the start of its path
COOKIE = "goldstream"
ENTER = "/enter"
SIGNED = mlflow_webhook.PATH  #: where each request carries a proof of its own
READING = frozenset({"GET", "HEAD", "OPTIONS"})

CHANGES = (50.0, 500)  #: how often one address may change something: per second, and at once

#: What every answer carries.
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",  # with none at all, browsers would send our own forms with the origin "null"
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class Guard:
    """Refuses what no page of ours would send, and sets the headers that keep a browser careful.

    `tickets` are the proofs that open the pages, each with the person it belongs to (None: anybody's); with `closed`,
    nothing is shown without one. Who asks is passed on as `request.state.person`, and whether
    they showed a ticket as `request.state.admitted`.
    """

    def __init__(self, app: ASGIApp, allowed_hosts: Collection[str], tickets: Mapping[str, str | None], closed: bool) -> None:
        self._app = app
        self._allowed = {host.lower() for host in allowed_hosts}
        self._tickets, self._closed = dict(tickets), closed
        self._changes = Pace(*CHANGES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            await send(message)

        refusal = self._refusal(scope)
        await (refusal or self._app)(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if len(headers.getlist("host")) > 1 or not _known(host, self._allowed):
            return PlainTextResponse("This name is not in web.allowed-hosts of goldstream.toml.\n", 400)
        if (origin := headers.get("origin")) is not None and urlsplit(origin).netloc.lower() != host.lower():
            return PlainTextResponse("A page of another site may not ask this.\n", 400)
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > LONGEST_TARGET:
            return PlainTextResponse("The address is too long.\n", 414)
        if sum(len(name) + len(value) for name, value in headers.raw) > LARGEST_HEAD:
            return PlainTextResponse("The headers are too large.\n", 431)
        if _body_size(headers) > next(
            (size for start, size in LARGER.items() if scope["path"].startswith(start)), LARGEST_BODY
        ):
            return PlainTextResponse("The request is too large.\n", 413)
        if scope["method"] not in READING and (refusal := self._may_change(scope, headers)):
            return refusal
        admitted, person = self._admitted(headers)
        scope.setdefault("state", {}).update(person=person, admitted=admitted)
        free = scope["path"] in {ENTER, SIGNED} or scope["path"].startswith("/static/")
        if self._closed and not admitted and not free:
            return Response(status_code=303, headers={"location": ENTER})
        return None

    def _may_change(self, scope: Scope, headers: Headers) -> Response | None:
        """What changes something comes from our own pages (or a program), as JSON, and not in floods."""
        if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            return PlainTextResponse("A page of another site may not ask this.\n", 400)
        if scope["path"] == ENTER:  # a form, which keeps a pace of its own
            return None
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return PlainTextResponse("What changes something must be sent as application/json.\n", 415)
        address = (scope.get("client") or ("", 0))[0]
        if not self._changes.allows(address):
            return PlainTextResponse("Too many requests at once.\n", 429, {"retry-after": "5"})
        return None

    def _admitted(self, headers: Headers) -> tuple[bool, str | None]:
        """Whether a ticket or token was shown that opens the pages, and whose it is."""
        shown = _shown(headers)
        admitted, person = False, None
        for known, whose in self._tickets.items():  # all of them, so that the time says nothing
            right = [hmac.compare_digest(proof.encode("utf-8", "replace"), known.encode()) for proof in shown]
            if any(right):
                admitted, person = True, whose or person
        return admitted, person


def ticket(token: str) -> str:
    """Return what the cookie holds: it proves the token without being it."""
    return hashlib.sha256(b"goldstream pages\x00" + token.encode("utf-8", "replace")).hexdigest()


def cookies(headers: Headers) -> dict[str, str]:
    """Return the cookies that came along; none when they can't be read."""
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(headers.get("cookie", "")).items()}
    except CookieError:
        return {}


def _shown(headers: Headers) -> list[str]:
    """The tickets that a request shows: its cookie, and those of a bearer's token or of a password."""
    shown = [cookies(headers).get(COOKIE, "")]
    kind, _, value = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        shown.append(ticket(value.encode("latin-1", "replace").decode("utf-8", "replace")))
    if kind.lower() == "basic":  # as Label Studio shows it
        with contextlib.suppress(binascii.Error, ValueError):
            shown.append(ticket(base64.b64decode(value).decode("utf-8", "replace").partition(":")[2]))
    return shown


def _known(host: str, allowed: Collection[str]) -> bool:
    name, colon, port = host.lower().rpartition(":")
    if not colon or host.endswith("]"):
        return host.lower() in allowed
    return name in allowed and port.isdigit()


def _body_size(headers: Headers) -> int:
    length = headers.get("content-length", "0")
    if "transfer-encoding" in headers or not length.isdigit():
        return max(LARGEST_BODY, *LARGER.values()) + 1
    return int(length)
