"""MLflow says that an alias has moved, so that nobody has to wait for the next look at it.

Source: mlflow `webhooks/delivery.py`. A delivery moves nothing: it lets those who follow the alias ask MLflow at once, so
one that is sent again, or by somebody who knows the secret, does no harm.
"""

import hmac
import time
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from goldstream.errors import RegistryError
from goldstream.registry import moves
from goldstream.settings import Settings
from goldstream.store import Store

PATH = "/webhooks/mlflow"  #: where deliveries come in, on serving's port and on that of the pages
LARGEST = 100_000  #: bytes
OLDEST_S = 300  #: of a delivery, also into the future


class NotSigned(RegistryError):
    """A delivery without MLflow's signature, or with one of long ago."""


class Event(msgspec.Struct):
    """What has happened in MLflow."""

    entity: str
    action: str
    data: dict[str, Any] = {}


@dataclass(frozen=True)
class Webhook:
    """How deliveries are known to be MLflow's, and who hears of them."""

    store: Store
    secret: bytes
    model: str  #: name of the registered model that is followed

    def receive(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Let everybody who follows an alias look, if the delivery is about one of ours; return whether it is.

        Waits for the database. Raises `NotSigned`, and `msgspec.DecodeError` when the body is no event.
        """
        if not is_signed(self.secret, headers, body, time.time()):
            raise NotSigned("this is not signed with registry.webhook-secret, or too long ago")
        event = msgspec.json.decode(body, type=Event)
        ours = event.entity == "model_version_alias" and event.data.get("name") == self.model
        if ours:
            with self.store.connect(name="webhook") as conn:
                moves.announce(conn, str(event.data.get("alias")))
        return ours


def webhook(store: Store, settings: Settings) -> Webhook | None:
    """Return what MLflow's webhook leads to, where the settings have a secret for it."""
    section = settings.registry
    if section.type != "mlflow" or section.webhook_secret is None:
        return None
    return Webhook(store, section.webhook_secret.value().encode(), section.model or settings.project.name)


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
