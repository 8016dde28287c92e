"""`/webhooks/mlflow`: MLflow says that an alias has moved, so that nobody has to wait for the next look at it.

Source: mlflow `webhooks/delivery.py`. A delivery moves nothing: it lets those who follow the alias ask MLflow at once, so
one that is sent again, or by somebody who knows the secret, does no harm.
"""

import asyncio
import hmac
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from goldstream.serving.requests import Refused, decode, read_body
from goldstream.serving.service import Service

LARGEST = 100_000  #: bytes
OLDEST_S = 300  #: of a delivery, also into the future


class Event(msgspec.Struct):
    """What has happened in MLflow."""

    entity: str
    action: str
    data: dict[str, Any] = {}


@dataclass(frozen=True)
class Webhook:
    """How deliveries are known to be MLflow's, and what follows from them."""

    secret: bytes
    model: str  #: name of the registered model that is followed
    announce: Callable[[str], None]  #: tells everybody who follows an alias to look; may wait for the database


_event = msgspec.json.Decoder(Event)


def routes(service: Service) -> list[BaseRoute]:
    """Return the address of the webhook, if the settings have a secret for it."""
    webhook = service.webhook
    if webhook is None:
        return []

    async def deliver(request: Request) -> Response:
        body = await read_body(request.receive, LARGEST)
        if not is_signed(webhook.secret, request.headers, body, time.time()):
            raise Refused(401, "this is not signed with registry.webhook-secret, or too long ago")
        event = decode(_event, body)
        ours = event.entity == "model_version_alias" and event.data.get("name") == webhook.model
        if ours:
            try:
                await asyncio.to_thread(webhook.announce, str(event.data.get("alias")))
            except Exception as error:
                raise Refused(503, "nobody can be told now", {"retry-after": "1"}) from error
        return Response(msgspec.json.encode({"announced": ours}), media_type="application/json")

    return [Route("/webhooks/mlflow", deliver, methods=["POST"])]


def is_signed(secret: bytes, headers: Mapping[str, str], body: bytes, now: float) -> bool:
    """Whether the headers carry MLflow's signature of `body`, made less than five minutes from `now` (seconds since 1970).

    >>> headers = {"x-mlflow-delivery-id": "1", "x-mlflow-timestamp": "60"}
    >>> headers["x-mlflow-signature"] = signature(b"secret", "1", "60", b"{}")
    >>> is_signed(b"secret", headers, b"{}", 61.0), is_signed(b"other", headers, b"{}", 61.0), is_signed(b"secret", headers, b"{}", 999.0)
    (True, False, False)
    """
    delivery, at = headers.get("x-mlflow-delivery-id", ""), headers.get("x-mlflow-timestamp", "")
    if not at.isascii() or not at.isdecimal() or len(at) > 12 or abs(now - int(at)) > OLDEST_S:
        return False
    shown = headers.get("x-mlflow-signature", "")
    return hmac.compare_digest(shown.encode("latin-1", "replace"), signature(secret, delivery, at, body).encode())


def signature(secret: bytes, delivery: str, at: str, body: bytes) -> str:
    """Return what MLflow signs a delivery with: HMAC-SHA256 over id, time and body."""
    signed = f"{delivery}.{at}.".encode("latin-1", "replace") + body
    return "v1," + b64encode(hmac.digest(secret, signed, "sha256")).decode()
