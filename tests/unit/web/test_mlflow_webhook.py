"""MLflow's webhook at the port of the pages: its signature is the proof, and everybody who follows an alias hears of it."""

import time
from contextlib import closing

import pytest

from goldstream.registry.mlflow_webhook import signature
from goldstream.registry.postgres import PostgresRegistry
from goldstream.settings import Settings, convert

SECRET = b"not to be guessed"
EVENT = b'{"entity":"model_version_alias","action":"created","data":{"name":"floods","alias":"champion","version":"2"}}'


def configured(**web: object) -> Settings:
    read = {"project": {"name": "floods"}, "registry": {"type": "mlflow", "webhook-secret": {"env": "SECRET"}}, "web": web}
    return convert(read, Settings, "test")


def signed(body: bytes, secret: bytes = SECRET, at: float | None = None) -> dict[str, str]:
    sent = str(int(time.time() if at is None else at))
    return {
        "Content-Type": "application/json", "X-MLflow-Delivery-Id": "1", "X-MLflow-Timestamp": sent,
        "X-MLflow-Signature": signature(secret, "1", sent, body),
    }  # fmt: skip


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", SECRET.decode())
    monkeypatch.setenv("TOKEN", "of the pages")


def test_a_signed_delivery_is_announced_and_needs_no_token(store, open_client):
    client = open_client(configured(token={"env": "TOKEN"}))
    with closing(PostgresRegistry(store)) as follower:
        while follower.wait(0.2):  # what was before
            pass
        answer = client.post("/webhooks/mlflow", content=EVENT, headers=signed(EVENT))
        assert (answer.status_code, answer.json()) == (200, {"announced": True})
        assert follower.wait(20)
        other = EVENT.replace(b"floods", b"storms")
        assert client.post("/webhooks/mlflow", content=other, headers=signed(other)).json() == {"announced": False}
        assert not follower.wait(0.2)
    assert client.get("/model").status_code == 303  # the rest is closed


@pytest.mark.parametrize(
    ("body", "sign", "status"),
    [
        (EVENT, lambda body: signed(body, b"other"), 401),
        (EVENT, lambda body: signed(body, at=1_000), 401),
        (EVENT, lambda body: signed(b"{}"), 401),
        (EVENT, lambda body: {"Content-Type": "application/json"}, 401),
        (b"[1]", signed, 422),
        (b"\xff", signed, 422),
        (b" " * 100_001, signed, 413),
    ],
    ids=["secret", "old", "other body", "unsigned", "no event", "no JSON", "large"],
)
def test_what_is_no_delivery_of_mlflows_is_refused(open_client, body, sign, status):
    client = open_client(configured())
    assert client.post("/webhooks/mlflow", content=body, headers=sign(body)).status_code == status
