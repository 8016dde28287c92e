"""Who may ask: our own pages in this browser, by a name that we know, and with the token where one is set.

A page of another site can send requests to a loopback address; it can't forge `Host` and `Origin`. Both are checked.
"""

import hashlib
import hmac
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LONGEST_TARGET = 8_192  #: bytes of path and query
LARGEST_BODY = 4_096  #: bytes; the only body is the token's
COOKIE = "goldstream"
ENTER = "/enter"

#: What every answer carries.
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class Guard:
    """Refuses what no page of ours would send, and sets the headers that keep a browser careful."""

    def __init__(self, app: ASGIApp, allowed_hosts: Collection[str], token: str | None) -> None:
        self._app = app
        self._allowed = {host.lower() for host in allowed_hosts}
        self._pass = None if token is None else ticket(token)

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
        if not _known(host, self._allowed):
            return PlainTextResponse("This name is not in web.allowed-hosts of goldstream.toml.\n", 400)
        if (origin := headers.get("origin")) is not None and urlsplit(origin).netloc.lower() != host.lower():
            return PlainTextResponse("A page of another site may not ask this.\n", 400)
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > LONGEST_TARGET:
            return PlainTextResponse("The address is too long.\n", 414)
        if _body_size(headers) > LARGEST_BODY:
            return PlainTextResponse("The request is too large.\n", 413)
        if self._pass is not None and not self._admitted(scope):
            return Response(status_code=303, headers={"location": ENTER})
        return None

    def _admitted(self, scope: Scope) -> bool:
        if scope["path"] == ENTER or scope["path"].startswith("/static/"):
            return True
        connection = HTTPConnection(scope)
        shown = connection.headers.get("authorization", "").removeprefix("Bearer ")
        bearer = shown.encode("latin-1", "replace").decode("utf-8", "replace")
        return any(
            hmac.compare_digest(proof.encode(), (self._pass or "").encode())
            for proof in (connection.cookies.get(COOKIE, ""), ticket(bearer))
        )


def ticket(token: str) -> str:
    """Return what the cookie holds: it proves the token without being it."""
    return hashlib.sha256(b"goldstream pages\x00" + token.encode()).hexdigest()


def _known(host: str, allowed: Collection[str]) -> bool:
    name, colon, port = host.lower().rpartition(":")
    if not colon or host.endswith("]"):
        return host.lower() in allowed
    return name in allowed and port.isdigit()


def _body_size(headers: Headers) -> int:
    length = headers.get("content-length", "0")
    if "transfer-encoding" in headers or not length.isdigit():
        return LARGEST_BODY + 1
    return int(length)
