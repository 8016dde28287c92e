"""A threshold that is moved decides over REST too, at once and without a restart."""

import threading

import httpx

from goldstream.store import threshold, trials

TEXT = {"text": "the river floods the valley"}


def test_a_moved_threshold_is_followed(store, registry, running):
    served, (host, port) = running()
    with httpx.Client(base_url=f"http://{host}:{port}") as client, store.connect(name="test") as conn:

        def label(path: str = "/predict") -> str:
            if path == "/predict":
                return client.post(path, json=TEXT).json()["label"]
            return client.post(path, json={"instances": [TEXT]}).json()["predictions"][0]["label"]

        pinned = "/v1/models/floods/versions/2:predict"
        assert (label(), label(pinned)) == ("keep", "keep")
        threshold.move(conn, 0.999, floor=0.0, who="ann", why="only what is certain", version=1)
        _wait(lambda: label() == "other")
        assert label(pinned) == "keep"  # that was the other version's
        threshold.move(conn, 0.999, floor=0.0, who="ann", why="all of them")
        _wait(lambda: label(pinned) == "other")
        assert client.get("/v2/models/floods").json()["parameters"]["threshold"] == 0.999
        threshold.move(conn, None, floor=0.0, who="ann", why="back")
        _wait(lambda: (label(), label(pinned)) == ("keep", "keep"))
    assert served.champion.swaps.done == 1
    assert served.said[1:] == ["version 1 decides from 0.999 on", "version 1 decides from 0.500 on"]


def test_a_canary_decides_by_its_own_threshold(store, registry, served):
    made = served()
    with store.connect(name="test") as conn:
        trials.begin(conn, "canary", 2, 1.0, reader="classify", who="ann", why="try")
        threshold.move(conn, 0.999, floor=0.0, who="ann", why="only what is certain", version=2)
    with made.client() as client:
        _wait(lambda: client.post("/predict", json=TEXT).json()["version"] == 2)
        made.champion.look()
        assert client.post("/predict", json=TEXT).json()["label"] == "other"


def test_what_the_stream_stores_does_not_depend_on_it(store, registry, served):
    made = served()
    with store.connect(name="test") as conn:
        threshold.move(conn, 0.999, floor=0.0, who="ann", why="only what is certain")
    made.champion.look()
    current = made.champion.current
    assert (current.model.threshold, current.model.chosen_threshold) == (0.999, 0.5)


def _wait(true) -> None:
    for _ in range(1_000):
        if true():
            return
        threading.Event().wait(0.02)
    raise AssertionError("waited in vain")
