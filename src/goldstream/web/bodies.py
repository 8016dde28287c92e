"""What comes in: JSON with a shape, or a refusal that says what is wrong with it."""

from typing import TypeVar

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from goldstream.web.rendering import as_json

T = TypeVar("T")


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every body has in common: a JSON object closed to unknown keys."""


async def body(request: Request, kind: type[T]) -> T:
    """Return the body as a `kind`; refuses with 422 what has another shape."""
    data = await request.body()
    try:
        return msgspec.json.decode(data or b"{}", type=kind)
    except msgspec.DecodeError as error:
        raise HTTPException(422, str(error)) from None


def said(data: object, status: int = 200) -> Response:
    """Return `data` as a JSON answer."""
    return Response(as_json(data), status, media_type="application/json")


def clean(text: str) -> str:
    """Return `text` without what PostgreSQL can't hold.

    >>> clean("a\\x00b\\ud800")
    'ab?'
    """
    return text.replace("\x00", "").encode("utf-8", "replace").decode()
