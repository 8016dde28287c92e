"""Runs the application: one worker, on a socket that others may share, until it is asked to stop.

Asked to stop, a worker is not ready any more but goes on answering for `serving.drain-s`, so that whoever balances the
load sends requests elsewhere; then it takes no new connections, and ends what is open within `serving.grace-s`.
"""

import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import msgspec
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from goldstream.errors import StoreError
from goldstream.listening import Server
from goldstream.serving.app import make_app
from goldstream.serving.service import Service

LARGEST_HEAD = 65_536  #: bytes of a request's first line and headers
IDLE_S = 75  #: how long a connection may stay open without a request


def serve(service: Service, listener: socket.socket, stop: threading.Event, ready: Callable[[], None] | None = None) -> None:
    """Answer on `listener` until `stop` is set; `ready` is called once requests are answered."""
    section = service.section
    config = uvicorn.Config(
        make_app(service), http=_limited(section.body_timeout_s, section.max_connections), ws="none", lifespan="on",
        log_config=None, access_log=False, server_header=False, date_header=False, proxy_headers=False,
        timeout_keep_alive=IDLE_S, timeout_graceful_shutdown=max(1, round(section.grace_s)),
    )  # fmt: skip
    _Server(config, service, stop, ready).run(sockets=[listener])
    if not stop.is_set():
        raise StoreError("serving ended without being asked to")


class _Server(Server):
    """Drains, and looks for clients that send too slowly."""

    def __init__(
        self, config: uvicorn.Config, service: Service, stop: threading.Event, ready: Callable[[], None] | None
    ) -> None:
        super().__init__(config)
        self._service, self._stop, self._ready = service, stop, ready
        self._leave_at = float("inf")

    async def on_tick(self, counter: int) -> bool:
        if self._ready is not None:
            self._ready()
            self._ready = None
        for connection in list(self.server_state.connections):
            connection.end_if_slow()  # type: ignore[union-attr]
        if self._stop.is_set() and not self._service.draining:
            self._service.draining = True
            self._leave_at = time.monotonic() + self._service.section.drain_s
        self.should_exit = time.monotonic() >= self._leave_at
        return await super().on_tick(counter)


def _limited(patience_s: float, most: int) -> type[HttpToolsProtocol]:
    """The protocol that ends connections which send too much of a head, or too slowly, or are too many."""

    class Limited(HttpToolsProtocol):
        _begun = 0.0  # when the request that is arriving began; 0 while none is
        _head = 0  # bytes that came before its headers were complete

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._begun = self.loop.time()
            if len(self.connections) > most:
                self._end(503, "too many connections; try again later")

        def data_received(self, data: bytes) -> None:
            if self._head >= 0:
                self._head += len(data)
                if self._head > LARGEST_HEAD + len(data):
                    self._end(431, "the headers are too large")
                    return
            super().data_received(data)

        def on_message_begin(self) -> None:
            self._begun, self._head = self.loop.time(), 0
            super().on_message_begin()

        def on_headers_complete(self) -> None:
            self._head = -1
            super().on_headers_complete()

        def on_message_complete(self) -> None:
            self._begun = self._head = 0
            super().on_message_complete()

        def end_if_slow(self) -> None:
            if self._begun and self.loop.time() - self._begun > patience_s and not self.flow.read_paused:
                self._end(408, f"the request took longer than {patience_s:g} s to arrive")

        def _end(self, status: int, message: str) -> None:
            """Say why, unless an answer is on its way already, and close."""
            self._begun = 0
            if self.transport.is_closing():
                return
            if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
                body = msgspec.json.encode({"error": message})
                head = f"HTTP/1.1 {status} \r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
                self.transport.write(head.encode() + body)
            self.transport.close()

    return Limited
