"""Listening: on loopback for anybody, elsewhere only where a secret is asked for."""

import contextlib
import ipaddress
import socket
from collections.abc import Iterator

import uvicorn

from goldstream.errors import SettingsError

WAITING = 1024  #: connections that may wait to be accepted


class Server(uvicorn.Server):
    """A server that leaves signals to whoever runs the process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def listen(host: str, port: int, *, section: str, guarded: bool) -> socket.socket:
    """Return a socket that listens on `host` and `port` (0 for any free one), as `section` of the settings says.

    `guarded`: whoever asks must show a secret. Raises `SettingsError` when it must not listen there, or can't.
    """
    if not guarded and not is_loopback(host):
        secret = 'token = { env = "NAME" }' if section == "web" else 'api-keys = [{ env = "NAME" }]'
        raise SettingsError(f"{section}.host = {host!r} can be reached by others, so it needs a token: {section}.{secret}")
    name = host.strip("[]")
    family = socket.AF_INET6 if ":" in name else socket.AF_INET
    listener = socket.socket(
        family, socket.SOCK_STREAM, socket.IPPROTO_TCP
    )  # named, so that asyncio sends small answers at once
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((name, port))
        listener.listen(WAITING)
    except OSError as error:
        listener.close()
        raise SettingsError(
            f"{host}:{port} can't be used: {error.strerror}; set another port in [{section}], or 0 for any"
        ) from None
    return listener


def address(listener: socket.socket) -> str:
    """Return what to type into a browser."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches `host`.

    >>> is_loopback("127.0.0.1"), is_loopback("[::1]"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
