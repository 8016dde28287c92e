"""Who may ask, how often, and under which name each request is known.

Without API keys only this machine is served, and a page of another site must not reach us through a browser on it: the
`Host` must be a name that we know and the `Origin` a site that is allowed. With keys, whoever shows one may ask.
"""

import hashlib
import hmac
import os
import re
import sys
import time
from collections import OrderedDict
from itertools import count
from typing import NamedTuple

import msgspec
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from goldstream.clock import now
from goldstream.serving.problems import broken, problem
from goldstream.serving.service import Service

#: Probes carry no key, and MLflow's webhook a signature instead.
OPEN = frozenset({"/livez", "/readyz", "/ping", "/health", "/v2/health/live", "/v2/health/ready", "/webhooks/mlflow"})
LONGEST_TARGET = 8_192  #: bytes of path and query
CLIENTS = 10_000  #: whose pace is remembered
KNOWN = 64  #: ways to write our names that are remembered
BURST_S = 2.0

Headers = dict[bytes, bytes]
Extra = list[tuple[bytes, bytes]]  #: headers that the answer will carry

NO_SNIFFING = (b"x-content-type-options", b"nosniff")
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
_METHODS = "GET, POST, OPTIONS"
_SENT = "authorization, content-type, x-api-key, x-request-id, inference-header-content-length"


class Admission(NamedTuple):
    """What is known of a request before it is answered."""

    started: float
    request_id: bytes
    extra: Extra
    refusal: Response | None

    @property
    def usual(self) -> bool:
        """Whether the answer will carry nothing but what each does."""
        return len(self.extra) == 2


class Gate:
    """Refuses what may not be asked, gives each request an id, and counts the answers."""

    def __init__(self, service: Service) -> None:
        section = service.section
        self._service = service
        self._hosts = {host.lower() for host in section.allowed_hosts}
        self._known: set[bytes] = set()  # of what clients send, that which was found to be one of those
        self._origins = {origin.rstrip("/").lower() for origin in section.cors_origins}
        self._keys = [_digest(key.value().encode()) for key in section.api_keys]
        self._pace = Pace(section.requests_per_second) if section.requests_per_second else None
        self._head, self._numbers = b"%b-" % os.urandom(6).hex().encode(), count(1)

    def admit(self, scope: Scope, headers: Headers) -> Admission:
        """Return the headers that the answer will carry, and the answer itself if the request is refused."""
        started = time.perf_counter()
        given = headers.get(b"x-request-id")
        request_id = given if given and _REQUEST_ID.fullmatch(given) else self._new_id()
        extra = [(b"x-request-id", request_id), NO_SNIFFING]
        if self._service.draining:
            extra.append((b"connection", b"close"))
        return Admission(started, request_id, extra, self._refusal(scope, headers, extra))

    def answered(self, scope: Scope, admission: Admission, status: int) -> None:
        """Count the answer, and write a line about it where the settings ask for that; 499: the client went away."""
        if self._service.metrics is None and not self._service.section.access_log:
            return
        seconds = time.perf_counter() - admission.started
        if self._service.metrics is not None:
            self._service.metrics.answered(scope["path"], scope["method"], status, seconds)
        if self._service.section.access_log:
            client = scope["client"][0] if scope.get("client") else None
            line = {
                "at": now(), "method": scope["method"], "path": scope["path"], "status": status, "seconds": round(seconds, 6),
                "request_id": admission.request_id.decode(), "client": client,
            }  # fmt: skip
            print(msgspec.json.encode(line).decode(), file=sys.stderr, flush=True)

    def ended(self, path: str, client: tuple[str, int] | None, status: int) -> bytes:
        """Count an answer to what never became a whole request, as `answered` does; return the id that it carries."""
        admission = Admission(time.perf_counter(), self._new_id(), [], None)
        self.answered({"path": path, "method": "", "client": client}, admission, status)
        return admission.request_id

    def _new_id(self) -> bytes:
        return self._head + b"%x" % next(self._numbers)

    def _refusal(self, scope: Scope, headers: Headers, extra: Extra) -> Response | None:
        path = scope["path"]
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > LONGEST_TARGET:
            return problem(path, 414, "the address is too long")
        if b"origin" in headers and (answer := self._from_a_page(scope, headers, extra)) is not None:
            return answer
        client = scope["client"][0] if scope.get("client") else ""
        if self._keys:
            if path not in OPEN:
                key = self._shown(headers)
                if key is None:
                    return problem(path, 401, "show an API key: `Authorization: Bearer …`", {"www-authenticate": "Bearer"})
                client = key
        elif not self._is_known(headers.get(b"host", b"")):
            return problem(path, 400, "this name is not in serving.allowed-hosts of goldstream.toml")
        if self._pace is not None and path not in OPEN and (wait_s := self._pace.wait_s(client)) > 0:
            return problem(path, 429, "too many requests; try again later", {"retry-after": f"{int(wait_s) + 1}"})
        return None

    def _is_known(self, host: bytes) -> bool:
        if host in self._known:
            return True
        if not known(host.decode("latin-1").lower(), self._hosts):
            return False
        if len(self._known) < KNOWN:
            self._known.add(host)
        return True

    def _from_a_page(self, scope: Scope, headers: Headers, extra: Extra) -> Response | None:
        """Refuse pages of sites that are not allowed, and answer those of allowed ones that ask whether they may."""
        origin = headers[b"origin"].decode("latin-1").lower()
        if origin not in self._origins:
            host = headers.get(b"host", b"").decode("latin-1").lower()
            own = origin.partition("://")[2] == host and (self._keys or known(host, self._hosts))
            return None if own else problem(scope["path"], 403, "a page of this site may not ask (serving.cors-origins)")
        extra += [(b"access-control-allow-origin", origin.encode("latin-1")), (b"vary", b"Origin")]
        extra.append((b"access-control-expose-headers", b"x-request-id"))
        if scope["method"] == "OPTIONS" and b"access-control-request-method" in headers:
            allowed = {"access-control-allow-methods": _METHODS, "access-control-allow-headers": _SENT}
            return Response(status_code=204, headers={**allowed, "access-control-max-age": "600"})
        return None

    def _shown(self, headers: Headers) -> str | None:
        """The digest of the key that the request shows, if it is one of ours."""
        scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
        shown = token.strip() if scheme.lower() == b"bearer" else headers.get(b"x-api-key", b"")
        digest = _digest(shown)
        return digest if sum(hmac.compare_digest(digest, key) for key in self._keys) else None


class Guard:
    """The gate in front of an application."""

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self._app, self._gate = app, gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, admission = 0, self._gate.admit(scope, dict(scope["headers"]))

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *admission.extra]
            await send(message)

        try:
            await (admission.refusal or self._app)(scope, receive, send_with_headers)
        except Exception as error:
            if status:  # the answer is on its way, and can only break off
                raise
            await broken(scope["method"], scope["path"], admission.request_id, error)(scope, receive, send_with_headers)
        finally:
            self._gate.answered(scope, admission, status or 499)


class Pace:
    """A token bucket for each client, of the last few thousand."""

    def __init__(self, per_second: float) -> None:
        self._rate, self._size = per_second, max(1.0, BURST_S * per_second)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, client: str) -> float:
        """Take one request from the client's bucket; return 0, or how long until there is one."""
        now = time.monotonic()
        left, at = self._buckets.get(client, (self._size, now))
        left = min(self._size, left + (now - at) * self._rate)
        wait_s = 0.0 if left >= 1 else (1 - left) / self._rate
        self._buckets[client] = (left - 1 if left >= 1 else left, now)
        self._buckets.move_to_end(client)
        if len(self._buckets) > CLIENTS:
            self._buckets.popitem(last=False)
        return wait_s


def known(host: str, allowed: set[str]) -> bool:
    """Whether `host`, with or without a port, is one of `allowed`.

    >>> known("localhost:8322", {"localhost"}), known("evil.example:8322", {"localhost"}), known("[::1]:1", {"[::1]"})
    (True, False, True)
    """
    name, colon, port = host.rpartition(":")
    if not colon or host.endswith("]"):
        return host in allowed
    return name in allowed and port.isdigit()


def _digest(key: bytes) -> str:
    return hashlib.sha256(key).hexdigest()
