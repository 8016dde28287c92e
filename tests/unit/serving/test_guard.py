import re

import pytest

from goldstream.serving.guard import Pace

ASK = {"text": "a"}


def test_every_answer_carries_the_id_of_its_request(client):
    assert client.post("/predict", json=ASK, headers={"x-request-id": "mine-1"}).headers["x-request-id"] == "mine-1"
    made = client.get("/nowhere", headers={"x-request-id": "no good\t"}).headers["x-request-id"]
    assert re.fullmatch("[0-9a-f]{12}-[0-9a-f]+", made)


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "127.0.0.1:80:80"])
def test_without_keys_only_known_names_are_served(client, host):
    assert client.post("/predict", json=ASK, headers={"host": host}).status_code == 400


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:1"])
def test_pages_of_other_sites_may_not_ask(client, origin):
    assert client.post("/predict", json=ASK, headers={"origin": origin}).status_code == 403


def test_our_own_page_may_ask(client):
    assert client.post("/predict", json=ASK, headers={"origin": "http://127.0.0.1:8322"}).status_code == 200


def test_allowed_sites_may_ask_from_a_browser(open_client):
    client = open_client(**{"cors-origins": ["https://example.org"]})
    asked = client.options("/predict", headers={"origin": "https://example.org", "access-control-request-method": "POST"})
    assert asked.status_code == 204
    assert "POST" in asked.headers["access-control-allow-methods"]
    answer = client.post("/predict", json=ASK, headers={"origin": "https://example.org"})
    assert answer.headers["access-control-allow-origin"] == "https://example.org"


def test_keys_are_asked_for_but_not_by_probes(open_client, monkeypatch):
    monkeypatch.setenv("SERVING_KEY", "s3cret")
    client = open_client(**{"api-keys": [{"env": "SERVING_KEY"}]})
    refused = client.post("/predict", json=ASK)
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    assert client.post("/predict", json=ASK, headers={"authorization": "Bearer wrong"}).status_code == 401
    assert client.post("/predict", json=ASK, headers={"authorization": "Bearer s3cret", "host": "any"}).status_code == 200
    assert client.post("/predict", json=ASK, headers={"x-api-key": "s3cret"}).status_code == 200
    assert client.get("/livez").status_code == client.get("/readyz").status_code == 200


def test_a_client_that_asks_too_often_waits(open_client):
    client = open_client(**{"requests-per-second": 1})
    codes = [client.post("/predict", json=ASK).status_code for _ in range(4)]
    assert codes == [200, 200, 429, 429]
    assert client.get("/livez").status_code == 200


def test_a_bucket_fills_again():
    pace = Pace(1e6)
    assert [pace.wait_s("a") for _ in range(10)] == [0] * 10


def test_long_addresses_are_refused(client):
    assert client.get("/predict?" + "a" * 10_000).status_code == 414


def test_what_breaks_is_said_in_the_log_under_the_id_that_the_client_gets(store, registry, served, monkeypatch, caplog):
    made = served()
    monkeypatch.setattr(made.service, "score", None)  # whatever goes wrong in a protocol
    with made.client() as client:
        answer = client.post("/explain", json=ASK, headers={"x-request-id": "mine-1"})
    assert (answer.status_code, answer.headers["x-request-id"]) == (500, "mine-1")
    assert answer.json() == {"error": "something went wrong here; the terminal that runs goldstream says what"}
    [said] = caplog.records
    assert said.getMessage() == "POST /explain failed (request mine-1)"
    assert said.exc_info is not None
    assert made.service.metrics.requests["/explain", "POST", 500] == 1
