"""Over a real port: what clients that mean ill or go slowly get, and how the process follows and ends."""

import resource
import socket
import threading
import time

import httpx
import numpy as np
import pytest

from goldstream.models.folder import load_model
from goldstream.serving.server import allow_open_files

TEXT = "the flood comes tonight"


def _until(true, what: str) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.01)


def _raw(port, data: bytes) -> bytes:
    """What comes back for these bytes, until the server closes."""
    with socket.create_connection(port, timeout=30) as connection:
        connection.sendall(data)
        parts = []
        while part := connection.recv(65_536):
            parts.append(part)
    return b"".join(parts)


def test_requests_at_the_same_time_get_their_own_answers(running):
    _, (host, port) = running()
    said = {}

    def ask(number: int) -> None:
        with httpx.Client(base_url=f"http://{host}:{port}") as client:
            for turn in range(10):
                text = TEXT if (number + turn) % 2 else "my new phone"
                said[number, turn] = text, client.post("/predict", json={"text": text}).json()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({each["prediction_id"] for _, each in said.values()}) == 80
    assert all(each["label"] == ("keep" if text == TEXT else "other") for text, each in said.values())


@pytest.mark.parametrize("wait_ms", [0, 20])
def test_texts_of_other_requests_change_nothing(running, wait_ms):
    _, (host, port) = running(**{"batch-wait-ms": wait_ms})
    with httpx.Client(base_url=f"http://{host}:{port}") as client:
        alone = client.post("/predict", json={"text": TEXT}).json()["probabilities"]
        among = client.post("/predict", json={"texts": ["x", TEXT, "y " * 50]}).json()["predictions"][1]["probabilities"]
    assert alone == pytest.approx(among, abs=1e-6)


def test_who_sends_a_request_too_slowly_hears_why(running):
    _, port = running(**{"body-timeout-s": 0.2})
    assert b" 408 " in _raw(port, b"POST /predict HTTP/1.1\r\nhost: localhost\r\n")
    assert b" 408 " in _raw(port, b"POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\n{")
    assert b" 408 " in _raw(port, b"")


def test_headers_without_end_are_refused(running):
    _, port = running()
    with socket.create_connection(port, timeout=30) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n")
        with pytest.raises(ConnectionError):
            for _ in range(10_000):
                connection.sendall(b"x-more: " + b"a" * 1_000 + b"\r\n")


def test_what_is_no_http_is_refused(running):
    _, port = running()
    assert _raw(port, b"\x16\x03\x01 hello\r\n\r\n").startswith(b"HTTP/1.1 400")


def test_a_huge_body_is_refused_and_the_client_hears_it(running):
    _, (host, port) = running(**{"max-body-mb": 1})
    with httpx.Client(base_url=f"http://{host}:{port}", timeout=60) as client:
        assert client.post("/predict", content=b"a" * 10_000_000).status_code == 413
        assert client.post("/predict", content=iter([b"a" * 100_000] * 30)).status_code == 413
        assert client.post("/predict", json={"text": TEXT}).status_code == 200


def test_more_connections_than_allowed_are_told_so(running):
    made, port = running(**{"max-connections": 2})
    with socket.create_connection(port), socket.create_connection(port):
        time.sleep(0.1)
        assert b" 503 " in _raw(port, b"")
    assert made.service.metrics.requests["other", "other", 503] == 1


def test_the_champion_is_followed(registry, running):
    made, (host, port) = running()
    with httpx.Client(base_url=f"http://{host}:{port}") as client:
        assert client.post("/predict", json={"text": TEXT}).json()["version"] == 1
        registry.move("champion", 2, who="test", why="better")
        _until(lambda: client.post("/predict", json={"text": TEXT}).json()["version"] == 2, "version 2 answers")
        registry.rollback("champion", who="test", why="worse")
        _until(lambda: client.post("/predict", json={"text": TEXT}).json()["version"] == 1, "version 1 answers again")
    assert made.champion.swaps.done == 3


def test_a_move_is_followed_when_nobody_announces_it(store, registry, running):
    made, _ = running()
    _until(lambda: made.champion._registry._announcements._conn, "the follower listens")
    with store.connect(name="test") as conn:
        conn.execute("INSERT INTO alias_moves (alias, before, after, who, why) VALUES ('champion', 1, 2, 't', 'quietly')")
    _until(lambda: made.champion.version == 2, "version 2 answers")


def test_a_follower_whose_connection_was_cut_listens_again(store, registry, running):
    made, _ = running()
    _until(lambda: made.champion._registry._announcements._conn, "the follower listens")
    with store.connect(name="test") as conn:
        query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'goldstream registry follower'"
        conn.execute(query)
    registry.move("champion", 2, who="test", why="better")
    _until(lambda: made.champion.version == 2, "version 2 answers")


def test_a_model_that_is_not_itself_any_more_is_refused(store, registry, running, folders, tmp_path):
    made, (host, port) = running()
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    for file in folders[1].iterdir():
        (damaged / file.name).write_bytes(file.read_bytes())
    np.save(damaged / "bias.npy", np.load(damaged / "bias.npy") + 1)
    version = registry.register(damaged, name="floods", labels=("keep", "other"), threshold=0.5, evidence={})
    registry.move("champion", version, who="test", why="by mistake")
    _until(lambda: made.champion.swaps.refused, "it is refused")
    assert made.said[-1].startswith(f"champion version {version} is refused, version 1 stays")
    assert "golden" in made.champion.swaps.reason
    assert httpx.post(f"http://{host}:{port}/predict", json={"text": TEXT}).json()["version"] == 1
    assert httpx.post(f"http://{host}:{port}/versions/{version}/predict", json={"text": TEXT}).status_code == 404


def test_bytes_that_were_changed_in_the_registry_are_refused(store, registry, running):
    made, _ = running()
    with store.connect(name="test") as conn:
        conn.execute(
            "UPDATE model_chunks SET bytes = bytes || 'x' WHERE sha256 = (SELECT sha256 FROM models WHERE version = 2)"
        )
    registry.move("champion", 2, who="test", why="by mistake")
    _until(lambda: made.champion.swaps.refused, "it is refused")
    assert "damaged" in made.champion.swaps.reason


def test_a_folder_that_was_changed_in_the_cache_is_fetched_again(registry, tmp_path):
    folder = registry.fetch(1, tmp_path)
    (folder / "bias.npy").write_bytes(b"changed")
    assert registry.fetch(1, tmp_path) == folder
    assert np.load(folder / "bias.npy").dtype == np.float32
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


def test_who_is_asked_to_stop_is_not_ready_and_answers_what_is_open(running):
    made, (host, port) = running(**{"drain-s": 1})
    with httpx.Client(base_url=f"http://{host}:{port}") as client:
        assert client.get("/readyz").status_code == 200
        made.stop.set()
        _until(lambda: made.service.draining, "it drains")
        for path in ("/readyz", "/v2/health/ready", "/v2/models/floods/ready", "/ping", "/health"):
            assert client.get(path).status_code == 503, path
        said = client.get("/v1/models/floods").json()
        assert (said["ready"], said["model_version_status"][0]["state"]) == (False, "UNLOADING")
        assert client.post("/predict", json={"text": TEXT}).status_code == 200
    made.thread.join(30)
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://{host}:{port}/livez")


def test_several_that_fetch_a_version_at_once_all_find_it_whole(registry, tmp_path):
    failures = []

    def fetch(cache) -> None:
        try:
            load_model(registry.fetch(1, cache))
        except Exception as error:
            failures.append(error)

    for turn in range(5):
        threads = [threading.Thread(target=fetch, args=(tmp_path / str(turn),)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []


def test_it_may_open_as_many_files_as_its_connections_need():
    before, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (400, hard))
        for wanted, allowed in ((300, 400), (500, 500)):
            allow_open_files(wanted)
            assert resource.getrlimit(resource.RLIMIT_NOFILE) == (allowed, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before, hard))
