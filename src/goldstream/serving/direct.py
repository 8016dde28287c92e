"""The shortest way to an answer: what is asked most goes from the bytes of a connection straight to the bytes of an answer.

An ASGI application, with its messages, tasks and routes, takes longer than all the rest of an answer to a single text.
Whatever is not plain (a body that is long, packed or of unknown length, an older HTTP, a request before the last one is answered)
goes that way instead, and gets the same answer there.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import NamedTuple, Protocol

from starlette.responses import Response
from starlette.types import Scope

from goldstream.serving.guard import NO_SNIFFING, Extra, Gate, Headers
from goldstream.serving.problems import broken, problem
from goldstream.serving.requests import Refused

LARGEST = 1 << 20  #: bytes of a body that is short
LONGEST_KNOWN, MOST_KNOWN = 2_048, 512  #: bytes of a head that is remembered, and how many of them are

_LINES = {status.value: b"HTTP/1.1 %d %b\r\n" % (status, status.phrase.encode()) for status in HTTPStatus}
_JSON = [(b"content-type", b"application/json")]
_NO_SNIFFING = b"%b: %b\r\n" % NO_SNIFFING
_USUAL = (
    _LINES[200] + b"content-type: application/json\r\nx-request-id: %b\r\n" + _NO_SNIFFING + b"content-length: %d\r\n\r\n%b"
)


class Listener(Protocol):
    """Whoever has sent a request and hears once what came of it."""

    def hear(self, said: bytes) -> None:
        """Take the answer, JSON."""
        ...

    def hear_error(self, error: BaseException) -> None:
        """Take what went wrong instead: `Refused`, or what nobody had expected."""
        ...


Ask = Callable[[bytes | bytearray, Listener], None]  #: takes the body of a POST, and who hears the answer, now or later


class Head(NamedTuple):
    """What the first line and the headers of a plain request say."""

    headers: Headers
    length: int  #: bytes of the body
    keep_alive: bool


class Direct:
    """What is answered on the short way: one path, to whom the gate lets in."""

    def __init__(self, path: str, ask: Ask, gate: Gate, largest_body: int) -> None:
        self.path, self.ask, self.gate = path.encode(), ask, gate
        self.largest = min(LARGEST, largest_body)
        self.heads: dict[bytes, Head] = {}  #: that came before, by their bytes; clients say the same again and again

    def scope(self, client: tuple[str, int] | None) -> Scope:
        """Return what an application would be told of each request of this client."""
        path = self.path
        return {"method": "POST", "path": path.decode(), "raw_path": path, "query_string": b"", "client": client}

    def learn(self, written: bytes, head: Head) -> None:
        """Remember a head, so that it need not be read again."""
        if len(written) <= LONGEST_KNOWN:
            if len(self.heads) >= MOST_KNOWN:
                self.heads.clear()
            self.heads[written] = head


class Call:
    """One request on its short way. Stands where uvicorn has a `RequestResponseCycle`, and is as much of one as it must be."""

    __slots__ = (
        "_admission", "_body", "_direct", "_head", "_respond", "_scope", "disconnected", "keep_alive", "message_event",
        "response_complete", "response_started",
    )  # fmt: skip

    def __init__(self, direct: Direct, scope: Scope, head: Head, respond: Callable[[bytes, bool], None]) -> None:
        self._direct, self._scope, self._head, self._respond = direct, scope, head, respond
        self.keep_alive = head.keep_alive
        self._body: bytes | bytearray = b""
        self.response_started = self.response_complete = self.disconnected = False
        self.message_event = self

    def set(self) -> None:
        """Nobody waits here."""

    def take(self, part: bytes) -> None:
        """Take a part of the body, or all of it."""
        if self._body:
            self._body = bytearray(self._body) if isinstance(self._body, bytes) else self._body
            self._body += part
        else:
            self._body = part

    def run(self) -> None:
        """Ask, now that the body is there."""
        self._admission = self._direct.gate.admit(self._scope, self._head.headers)
        if self._admission.refusal is not None:
            self._refuse(self._admission.refusal)
            return
        try:
            self._direct.ask(self._body, self)
        except Exception as error:
            self.hear_error(error)

    def hear(self, said: bytes) -> None:
        """Send the answer."""
        if self.keep_alive and self._admission.usual:
            self._send(200, _USUAL % (self._admission.request_id, len(said), said), True)
        else:
            self._send(200, *self._written(200, _JSON, said))

    def hear_error(self, error: BaseException) -> None:
        """Send what went wrong, unless there is an answer already."""
        path = self._scope["path"]
        if self.response_complete:
            return
        if isinstance(error, Refused):
            self._refuse(problem(path, error.status, str(error), error.headers))
        else:
            self._refuse(broken("POST", path, self._admission.request_id, error))

    def _refuse(self, refusal: Response) -> None:
        headers = [header for header in refusal.raw_headers if header[0] != b"content-length"]
        self._send(refusal.status_code, *self._written(refusal.status_code, headers, bytes(refusal.body)))

    def _written(self, status: int, headers: Extra, body: bytes) -> tuple[bytes, bool]:
        """The bytes of an answer, and whether the connection stays open after it."""
        headers = [*headers, *self._admission.extra]
        stays = self.keep_alive and (b"connection", b"close") not in headers
        if not self.keep_alive and (b"connection", b"close") not in headers:
            headers.append((b"connection", b"close"))
        lines = b"".join(b"%b: %b\r\n" % header for header in headers)
        return b"%b%bcontent-length: %d\r\n\r\n%b" % (_LINES[status], lines, len(body), body), stays

    def _send(self, status: int, answer: bytes, stays: bool) -> None:
        self.response_complete = True
        self._direct.gate.answered(self._scope, self._admission, 499 if self.disconnected else status)
        if not self.disconnected:
            self._respond(answer, stays)
