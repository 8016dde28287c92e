"""Reads requests: their bytes, up to a limit, and their JSON, typed on arrival. The server sees to slow senders."""

from collections.abc import Mapping
from typing import TypeVar

import msgspec
from starlette.requests import ClientDisconnect
from starlette.types import Receive

T = TypeVar("T")

PATIENCE = 16  #: how many times the largest body is read and dropped, so that the client hears why it was refused


class Refused(Exception):
    """A request that can't be answered as it is, with the status that says why."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.headers = status, headers


async def read_body(receive: Receive, limit: int) -> bytes:
    """Return the request's bytes; raises `Refused` when there are more than `limit`."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    parts = [message.get("body", b"")]
    size = len(parts[0])
    while message.get("more_body"):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        part = message.get("body", b"")
        size += len(part)
        if size <= limit:
            parts.append(part)
        elif size > PATIENCE * limit:
            break
    if size > limit:
        raise Refused(413, f"the request is larger than {limit:,} bytes (serving.max-body-mb)", {"connection": "close"})
    return parts[0] if len(parts) == 1 else b"".join(parts)


def version_in(path: Mapping[str, str]) -> int | str | None:
    """Return the version that the parts of a path name, by its number or an alias; None if they name none.

    >>> version_in({"version": "3"}), version_in({"version": "champion"}), version_in({})
    (3, 'champion', None)
    """
    name = path.get("version")
    return int(name[:20]) if name and name.isascii() and name.isdigit() else name


def decode(decoder: "msgspec.json.Decoder[T]", body: bytes | bytearray) -> T:
    """Return what `body` says; raises `Refused` with the place of what is wrong."""
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(400, f"the body is not what is needed here: {error}") from None
