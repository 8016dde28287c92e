"""Serves the pages until asked to stop."""

import socket
import threading

import uvicorn

from goldstream import settings
from goldstream.errors import SettingsError
from goldstream.store import Store
from goldstream.web.app import make_app

LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def serve(store: Store, section: settings.Settings, stop: threading.Event) -> None:
    """Answer at the address in the settings until `stop` is set; raises `SettingsError` when that can't be had."""
    host, port = section.web.host, section.web.port
    if host not in LOOPBACK:
        raise SettingsError(f"web.host {host!r} is not a loopback address; pages for other machines are not built yet")
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise SettingsError(f"http://{host}:{port} can't be used ({error.strerror}); set web.port to another one") from None
        app = make_app(store, section)
        config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=2, server_header=False)
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]  # signals are the part's
        threading.Thread(target=_stop_with, args=(stop, server, app.state.closing), daemon=True).start()
        server.run(sockets=[listener])


def _stop_with(stop: threading.Event, server: uvicorn.Server, closing: threading.Event) -> None:
    stop.wait()
    closing.set()
    server.should_exit = True
