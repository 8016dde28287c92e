"""The shortest way to an answer: what is asked most goes from the bytes of a connection straight to the bytes of an answer.

An ASGI application, with its messages, events and routes, takes longer than all the rest of an answer to a single text.
Whatever is not plain (a body that is long, packed or of unknown length, an older HTTP, a request before the last one is answered)
goes that way instead, and gets the same answer there.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

from starlette.responses import Response
from starlette.types import Scope

from goldstream.serving.guard import Admission, Extra, Gate
from goldstream.serving.problems import problem
from goldstream.serving.requests import Refused

Answer = Callable[[bytes | bytearray], Awaitable[bytes]]  #: from the body of a POST to JSON; raises `Refused`

LARGEST = 1 << 20  #: bytes of a body that is short

_LINES = {status.value: b"HTTP/1.1 %d %b\r\n" % (status, status.phrase.encode()) for status in HTTPStatus}
_JSON = [(b"content-type", b"application/json")]
_log = logging.getLogger("goldstream.serving")


class Direct:
    """What is answered on the short way: the paths, and who may ask."""

    def __init__(self, answers: Mapping[str, Answer], gate: Gate, largest_body: int) -> None:
        self.answers = {path.encode(): answer for path, answer in answers.items()}
        self.gate, self.largest = gate, min(LARGEST, largest_body)


class Call:
    """One request on its short way. Stands where uvicorn has a `RequestResponseCycle`, and is as much of one as it must be."""

    def __init__(
        self, direct: Direct, path: bytes, scope: Scope, respond: Callable[[bytes, bool], None], *, keep_alive: bool
    ) -> None:
        self._answer, self._gate, self._respond = direct.answers[path], direct.gate, respond
        self._scope = scope
        self.body = bytearray()
        self.response_started = self.response_complete = self.disconnected = False
        self.keep_alive = keep_alive
        self.message_event = self

    def set(self) -> None:
        """Nobody waits here."""

    async def run(self) -> None:
        """Answer, now that the body is there."""
        path, admission = self._scope["path"], self._gate.admit(self._scope)
        if admission.refusal is not None:
            self._refuse(admission, admission.refusal)
            return
        try:
            said = await self._answer(self.body)
        except Refused as error:
            self._refuse(admission, problem(path, error.status, str(error), error.headers))
        except Exception as error:
            _log.error("POST %s failed", path, exc_info=error)
            self._refuse(
                admission, problem(path, 500, "something went wrong here; the terminal that runs goldstream says what")
            )
        else:
            self._send(admission, 200, _JSON, said)

    def _refuse(self, admission: Admission, refusal: Response) -> None:
        headers = [header for header in refusal.raw_headers if header[0] != b"content-length"]
        self._send(admission, refusal.status_code, headers, bytes(refusal.body))

    def _send(self, admission: Admission, status: int, headers: Extra, body: bytes) -> None:
        self.response_complete = True
        self._gate.answered(self._scope, admission, 499 if self.disconnected else status)
        if self.disconnected:
            return
        lines = [b"%b: %b\r\n" % header for header in (*headers, *admission.extra)]
        closing = any(name == b"connection" and value == b"close" for name, value in (*headers, *admission.extra))
        if not self.keep_alive and not closing:
            lines.append(b"connection: close\r\n")
        head = b"%b%bcontent-length: %d\r\n\r\n" % (_LINES[status], b"".join(lines), len(body))
        self._respond(head + body, self.keep_alive and not closing)
