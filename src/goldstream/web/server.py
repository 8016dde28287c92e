"""Serves the pages from this process until it is asked to stop."""

import contextlib
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import uvicorn

from goldstream.errors import StoreError
from goldstream.listening import Server, address, listen
from goldstream.running import Part
from goldstream.settings import Settings
from goldstream.store import Store
from goldstream.web.app import make_app
from goldstream.web.guard import LARGEST_HEAD

GRACE_S = 3  #: how long open requests may take when the server is asked to stop
LOOK_S = 0.1


def serve(
    store: Store,
    settings: Settings,
    stop: threading.Event,
    *,
    folder: Path = Path(),
    parts: Callable[[], Sequence[Part]] | None = None,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Answer until `stop` is set; `ready` is told the address once the pages can be read there; `folder` is the project's.

    Raises `SettingsError` for a host that needs a token and has none, and for a port that is taken.
    """
    with contextlib.closing(
        listen(settings.web.host, settings.web.port, section="web", guarded=settings.web.token is not None)
    ) as listener:
        app = make_app(store, settings, parts, folder)
        config = uvicorn.Config(
            app, http="h11", lifespan="on", log_config=None, access_log=False, server_header=False, proxy_headers=False,
            timeout_graceful_shutdown=GRACE_S, limit_concurrency=256, h11_max_incomplete_event_size=LARGEST_HEAD,
        )  # fmt: skip
        server = Server(config)
        ended = threading.Event()
        threading.Thread(target=_watch, args=(stop, ended, server, app.state.stopping), daemon=True).start()
        if ready is not None:
            ready(address(listener))
        try:
            server.run(sockets=[listener])
        finally:
            ended.set()
    if not stop.is_set():
        raise StoreError("the pages ended without being asked to")


def _watch(stop: threading.Event, ended: threading.Event, server: Server, stopping: threading.Event) -> None:
    while not ended.wait(LOOK_S):
        if stop.is_set():
            stopping.set()  # so that open streams end
            server.should_exit = True
            return
