"""Unpacks request bodies that come compressed (RFC 9110 §8.4), up to the size that a plain one may have."""

import asyncio
import zlib

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from goldstream.serving.problems import problem
from goldstream.serving.requests import Refused, read_body

_WINDOWS = {b"gzip": 31, b"x-gzip": 31, b"deflate": 15}  #: what zlib must be told of each coding


class Unpacking:
    """Hands the application behind it plain bodies only."""

    def __init__(self, app: ASGIApp, largest_body: int) -> None:
        self._app, self._largest_body = app, largest_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        coding = coding_of(scope)
        if not coding:
            await self._app(scope, receive, send)
            return
        try:
            body = await self._unpacked(coding, receive)
        except Refused as error:
            await problem(scope["path"], error.status, str(error), error.headers)(scope, receive, send)
            return
        except ClientDisconnect:
            return
        message: Message | None = {"type": "http.request", "body": body}

        async def receive_unpacked() -> Message:
            nonlocal message
            given, message = message, None
            return await receive() if given is None else given

        await self._app(scope, receive_unpacked, send)

    async def _unpacked(self, coding: bytes, receive: Receive) -> bytes:
        if coding not in _WINDOWS:
            raise Refused(415, "send the body as it is, or as gzip or deflate", {"accept-encoding": "gzip, deflate"})
        return await asyncio.to_thread(unpacked, coding, await read_body(receive, self._largest_body), self._largest_body)


def coding_of(scope: Scope) -> bytes:
    """Return the `Content-Encoding` of a request; nothing where the body is plain.

    >>> coding_of({"type": "http", "headers": [(b"content-encoding", b"GZip")]})
    b'gzip'
    """
    if scope["type"] != "http":
        return b""
    codings = b",".join(value for name, value in scope["headers"] if name == b"content-encoding").strip().lower()
    return b"" if codings == b"identity" else codings


def unpacked(coding: bytes, data: bytes, limit: int) -> bytes:
    """Return what `data` unpacks to; raises `Refused` when that is more than `limit` bytes, or nothing at all.

    >>> unpacked(b"deflate", zlib.compress(b"a flood"), 100)
    b'a flood'
    """
    parts, left = [], limit + 1
    try:
        while data and left > 0:
            unpacker = zlib.decompressobj(_WINDOWS[coding])
            parts.append(unpacker.decompress(data, left))
            left -= len(parts[-1])
            if left > 0 and not unpacker.eof:
                raise Refused(400, f"the body is cut off: its {coding.decode()} does not end")
            data = unpacker.unused_data
    except zlib.error as error:
        raise Refused(400, f"the body is not in {coding.decode()}: {error}") from None
    if left <= 0:
        raise Refused(413, f"the body unpacks to more than {limit:,} bytes (serving.max-body-mb)", {"connection": "close"})
    return b"".join(parts)
