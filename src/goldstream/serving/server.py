"""Runs the application: one worker, on a socket that others may share, until it is asked to stop.

Asked to stop, a worker is not ready any more but goes on answering for `serving.drain-s`, so that whoever balances the
load sends requests elsewhere; then it takes no new connections. What came on those that it had just taken is still answered,
and what is open after that ends within `serving.grace-s`.
"""

import resource
import socket
import sys
import threading
import time
from collections.abc import Callable

import uvicorn

from goldstream.errors import StoreError
from goldstream.listening import Server
from goldstream.serving import ours
from goldstream.serving.app import make_app
from goldstream.serving.connection import make_connection
from goldstream.serving.direct import Direct
from goldstream.serving.guard import Gate
from goldstream.serving.service import Service

FILES = 256  #: that may be open beside connections
SWITCH_S = 0.0005  #: how long a thread that loads or stores may keep the interpreter from the one that answers
LAST_S = 0.3  #: how long a connection may be without a request when no new ones are taken


def serve(service: Service, listener: socket.socket, stop: threading.Event, ready: Callable[[], None] | None = None) -> None:
    """Answer on `listener` until `stop` is set; `ready` is called once requests are answered."""
    sys.setswitchinterval(SWITCH_S)
    section = service.section
    allow_open_files(section.max_connections + FILES)
    gate = Gate(service)
    direct = Direct("/predict", ours.Predicting(service).ask, gate, service.largest_body)
    connection = make_connection(direct, section.body_timeout_s, section.max_connections)
    config = uvicorn.Config(
        make_app(service, gate), http=connection, ws="none", lifespan="on",
        log_config=None, access_log=False, server_header=False, date_header=False, proxy_headers=False,
        timeout_graceful_shutdown=max(1, round(section.grace_s)),
    )  # fmt: skip
    _Server(config, service, stop, ready).run(sockets=[listener])
    if not stop.is_set():
        raise StoreError("serving ended without being asked to")


def allow_open_files(count: int) -> None:
    """Let this process open `count` files, or as many as it may: connections shall not keep it from its database."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class _Server(Server):
    """Drains, and looks for clients that send too slowly."""

    def __init__(
        self, config: uvicorn.Config, service: Service, stop: threading.Event, ready: Callable[[], None] | None
    ) -> None:
        super().__init__(config)
        self._service, self._stop, self._ready = service, stop, ready
        self._closes_at = float("inf")

    async def on_tick(self, counter: int) -> bool:
        if self._ready is not None:
            self._ready()
            self._ready = None
        for connection in list(self.server_state.connections):
            connection.end_if_slow()  # type: ignore[union-attr]
        if self._stop.is_set() and not self._service.draining:
            self._service.draining = True
            self._closes_at = time.monotonic() + self._service.section.drain_s
        if (since_s := time.monotonic() - self._closes_at) >= 0:
            for server in self.servers:
                server.close()
        self.should_exit = since_s >= LAST_S
        return await super().on_tick(counter)
