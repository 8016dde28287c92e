"""A connection: ends when its client sends too much of a head, or too slowly, and takes what is plain the short way."""

from typing import Any

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from goldstream.serving.direct import Call, Direct
from goldstream.serving.flow import Flow
from goldstream.serving.problems import problem

PACKED = b"content-encoding"
LARGEST_HEAD = 65_536  #: bytes of a request's first line and headers
PIECE = 1_024  #: bytes that are read at once, but for a body of known length; so few requests wait for those before them


def make_connection(direct: Direct, patience_s: float, most: int) -> type[HttpToolsProtocol]:
    """Return the class of connections, of which there may be `most`, each request of which arrives within `patience_s`."""

    class Connection(HttpToolsProtocol):
        flow: Flow
        cycle: Any  # the request that was read last: a `Call`, or uvicorn's own
        _begun = 0.0  # when the request that is arriving began; 0 while none is
        _head = 0  # bytes that came before its headers were complete; -1 after that
        _body = 0  # bytes that it still lacks, if its length is known
        _held = b""  # what came behind a request that waits for its turn
        url = b""  # of the request that was read last

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self.flow = Flow(transport, lambda: bool(self.pipeline))
            self._begun = self.loop.time()
            if len(self.connections) > most:
                self._end(503, "too many connections; try again later")

        def data_received(self, data: bytes) -> None:
            self._held += data
            self._read_on()

        def _read_on(self) -> None:
            """Read what came, up to the first request that has to wait for its turn."""
            data, self._held, at = self._held, b"", 0
            while at < len(data) and not self.transport.is_closing():
                if self.pipeline:
                    self._held = data[at:]
                    return
                piece = data[at : at + max(PIECE, self._body)]
                at += len(piece)
                if self._head >= 0:
                    self._head += len(piece)
                    if self._head > LARGEST_HEAD:
                        self._end(431, "the headers are too large")
                        return
                super().data_received(piece)

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._read_on()

        def send_400_response(self, msg: str) -> None:
            if self._head >= 0 and self.cycle is not None and not self.cycle.response_complete:
                self.cycle.keep_alive = False  # what was asked before that is answered, and then the connection ends
            else:
                self._end(400, "this is no request of HTTP/1.1")

        def eof_received(self) -> bool:  # type: ignore[override]
            """The client has closed its half: what it has asked by now is answered before ours is closed."""
            asked = self.cycle is not None and not self.cycle.response_complete and not self._begun
            if asked:
                self.cycle.keep_alive = False
            return asked

        def on_message_begin(self) -> None:
            self._begun, self._head = self.loop.time(), 0
            super().on_message_begin()

        def on_headers_complete(self) -> None:
            self._head, self._body = -1, int(dict(self.headers).get(b"content-length", 0))
            if self.url in direct.answers and self._is_plain():
                path = self.url.decode()
                scope: Scope = {**self.scope, "method": "POST", "path": path, "raw_path": self.url, "query_string": b""}
                self.cycle = Call(direct, self.url, scope, self._respond, keep_alive=self.parser.should_keep_alive())
            else:
                super().on_headers_complete()

        def on_body(self, body: bytes) -> None:
            self._body -= len(body)
            if isinstance(self.cycle, Call):
                self.cycle.body += body
            else:
                super().on_body(body)

        def on_message_complete(self) -> None:
            self._begun = self._head = self._body = 0
            if isinstance(self.cycle, Call):
                task = self.loop.create_task(self.cycle.run())
                self.tasks.add(task)
                task.add_done_callback(self.tasks.discard)
            else:
                super().on_message_complete()

        def _is_plain(self) -> bool:
            """Whether the request is a POST of known length, neither long nor packed, and nothing else is under way here."""
            headers, idle = dict(self.headers), self.cycle is None or self.cycle.response_complete
            short = b"content-length" in headers and self._body <= direct.largest
            plain = self.parser.get_method() == b"POST" and self.parser.get_http_version() == "1.1" and PACKED not in headers
            return idle and short and plain and not (
                self.flow.write_paused or self.expect_100_continue or self.parser.should_upgrade()
            )  # fmt: skip

        def _respond(self, answer: bytes, keep_alive: bool) -> None:
            self.transport.write(answer)
            if not keep_alive:
                self.transport.close()
            self.on_response_complete()

        def end_if_slow(self) -> None:
            if self.flow.is_stuck(self.loop.time(), patience_s):
                self.transport.abort()
            elif self._begun and self.loop.time() - self._begun > patience_s and not self.flow.read_paused:
                self._end(408, f"the request took longer than {patience_s:g} s to arrive")

        def _end(self, status: int, message: str) -> None:
            """Say why, unless an answer is on its way already, and close."""
            self._begun = 0
            if self.transport.is_closing():
                return
            if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
                body = bytes(problem(self.url.partition(b"?")[0].decode("latin-1"), status, message).body)
                head = f"HTTP/1.1 {status} \r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
                self.transport.write(head.encode() + body)
            self.transport.close()

    return Connection
