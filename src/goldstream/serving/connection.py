"""A connection: ends when its client sends too much of a head, or too slowly, and takes what is plain the short way."""

from http import HTTPStatus
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from goldstream.serving.direct import Call, Direct, Head
from goldstream.serving.flow import Flow
from goldstream.serving.guard import Headers
from goldstream.serving.problems import problem

PACKED = b"content-encoding"
IDLE_S = 75  #: how long a connection may stay open without a request
LARGEST_HEAD = 65_536  #: bytes of a request's first line and headers
PIECE = 1_024  #: bytes that are read at once, but for a body of known length; so few requests wait for those before them


def make_connection(direct: Direct, patience_s: float, most: int) -> type[HttpToolsProtocol]:
    """Return the class of connections, of which there may be `most`, each request of which arrives within `patience_s`."""

    class Connection(HttpToolsProtocol):
        flow: Flow
        cycle: Any  # the request that was read last: a `Call`, or uvicorn's own
        _answered: Any = None  # the request that uvicorn answers; there may be others between that and `cycle`
        _begun = 0.0  # when the request that is arriving began; 0 while none is
        _idle_since = 0.0  # when the last answer was complete
        _in_head = True  # whether its headers are not complete yet
        _idle = 0  # bytes that came without completing a head or being part of a body
        _body = 0  # bytes that it still lacks, if its length is known
        _between = True  # two requests, and not in the middle of one
        _chunk = b""  # what came last, if the request whose headers are being read begins with it
        _held = b""  # what came behind a request that waits for its turn
        url = b""  # of the request that was read last

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self.flow = Flow(transport, lambda: bool(self.pipeline))
            self._begun, self._scope = self.loop.time(), direct.scope(self.client)
            if len(self.connections) > most:
                self._end(503, "too many connections; try again later")

        def connection_lost(self, exc: Exception | None) -> None:
            for waiting, _ in self.pipeline:
                waiting.disconnected = True
            if self._answered is not None:
                self._answered.disconnected = True
            super().connection_lost(exc)

        def _start_asgi_task(self, cycle: Any, app: Any) -> None:
            self._answered = cycle
            super()._start_asgi_task(cycle, app)

        def data_received(self, data: bytes) -> None:
            if self._between and not self._held:
                if self._is_known(data):
                    return
                self._chunk = data
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
                if not self._body:
                    self._idle += len(piece)
                if self._idle > LARGEST_HEAD:
                    self._end(431, "the headers are too large")
                    return
                self._parse(piece)

        def _parse(self, piece: bytes) -> None:
            try:
                self.parser.feed_data(piece)
            except httptools.HttpParserUpgrade as upgrade:  # nobody has to (RFC 9110 §7.8): it is read again without that
                self.parser, asked = httptools.HttpRequestParser(self), [h for h in self.headers if h[0] != b"upgrade"]
                head = [self._line, *(b"%b: %b\r\n" % header for header in asked), b"\r\n"]
                self._parse(b"".join((*head, piece[upgrade.args[0] :])))
            except httptools.HttpParserError:
                self._refuse()

        def on_response_complete(self) -> None:
            """As uvicorn's, but for a timer: `end_if_slow` sees to connections that nobody uses."""
            self.server_state.total_requests += 1
            self._idle_since = self.loop.time()
            if self.flow.read_paused:
                self.flow.resume_reading()
            if self.pipeline and not self.transport.is_closing():
                self._start_asgi_task(*self.pipeline.pop())
            if self._held:
                self._read_on()

        def _refuse(self) -> None:
            if self._in_head and self.cycle is not None and not self.cycle.response_complete:
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
            """As uvicorn's, but for the scope, which only an application needs."""
            self._begun, self._idle, self._between = self.loop.time(), 0, False
            self.url, self.headers, self.expect_100_continue = b"", [], False

        def on_header(self, name: bytes, value: bytes) -> None:
            if self._in_head:  # and not behind a body, where nobody looks for them
                super().on_header(name, value)

        def on_headers_complete(self) -> None:
            if self.transport.is_closing():
                return
            if self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT":
                line = self.parser.get_method(), self.url, self.parser.get_http_version().encode()
                self._line = b"%b %b HTTP/%b\r\n" % line
                return
            headers, chunk, self._chunk = dict(self.headers), self._chunk, b""
            if len(headers) < len(self.headers) and [name for name, _ in self.headers].count(b"host") > 1:
                raise ValueError("which host?")
            self._in_head, self._body = False, int(headers.get(b"content-length", 0))
            if self.url == direct.path and self._is_plain(headers):
                head = Head(headers, self._body, self.parser.should_keep_alive())
                self.cycle = Call(direct, self._scope, head, self._respond)
                self._learn(chunk, head)
            else:
                self._go_the_long_way()

        def on_body(self, body: bytes) -> None:
            self._idle, self._body = 0, max(0, self._body - len(body))
            if isinstance(self.cycle, Call):
                self.cycle.take(body)
            else:
                super().on_body(body)

        def on_message_complete(self) -> None:
            if self._in_head or self.transport.is_closing():  # in a head: of a request that is read again
                return
            self._begun, self._idle, self._body = 0, 0, 0
            self._between = self._in_head = True
            if isinstance(self.cycle, Call):
                self.cycle.run()
            else:
                super().on_message_complete()

        def _is_plain(self, headers: Headers) -> bool:
            """Whether the request is a POST of known length, neither long nor packed, and nothing else is under way here."""
            short = b"content-length" in headers and self._body <= direct.largest
            plain = self.parser.get_method() == b"POST" and self.parser.get_http_version() == "1.1" and PACKED not in headers
            return self._is_idle() and short and plain and not self.expect_100_continue

        def _is_idle(self) -> bool:
            return (self.cycle is None or self.cycle.response_complete) and not self.flow.write_paused

        def _is_known(self, data: bytes) -> bool:
            """Whether `data` is one plain request with a head that was read before; if so, it is asked."""
            end = data.find(b"\r\n\r\n") + 4
            head = direct.heads.get(data[:end])
            if head is None or len(data) != end + head.length or not self._is_idle():
                return False
            self._begun = 0
            self.cycle = Call(direct, self._scope, head, self._respond)
            self.cycle.take(data[end:])
            self.cycle.run()
            return True

        def _learn(self, chunk: bytes, head: Head) -> None:
            """Remember the head that has just been read, if `chunk` is that and its body, and nothing else."""
            end = len(chunk) - head.length
            if chunk.startswith(b"POST ") and chunk.find(b"\r\n\r\n") + 4 == end:
                direct.learn(chunk[:end], head)

        def _go_the_long_way(self) -> None:
            url, headers, expects = self.url, self.headers, self.expect_100_continue
            super().on_message_begin()
            self.url, self.expect_100_continue = url, expects
            self.headers += headers
            super().on_headers_complete()

        def _respond(self, answer: bytes, keep_alive: bool) -> None:
            self.transport.write(answer)
            if not keep_alive:
                self.transport.close()
            self.on_response_complete()

        def end_if_slow(self) -> None:
            """End it if its client sends or reads too slowly, or has said nothing for long."""
            now = self.loop.time()
            if self.flow.is_stuck(now, patience_s):
                self.transport.abort()
            elif self.transport.is_closing():
                return
            elif self._begun and now - self._begun > patience_s and not self.flow.read_paused:
                self._end(408, f"the request took longer than {patience_s:g} s to arrive")
            elif not self._begun and self.cycle.response_complete and now - self._idle_since > IDLE_S:
                self.transport.close()

        def _end(self, status: int, message: str) -> None:
            """Say why, unless an answer is on its way already, and close."""
            self._begun = 0
            if self.transport.is_closing():
                return
            if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
                path = self.url.partition(b"?")[0].decode("latin-1")
                body, request_id = bytes(problem(path, status, message).body), direct.gate.ended(path, self.client, status)
                said = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", "content-type: application/json"
                more = f"content-length: {len(body)}", f"x-request-id: {request_id.decode()}", "connection: close", "", ""
                self.transport.write("\r\n".join((*said, *more)).encode() + body)
            self.transport.close()

    return Connection
