def test_without_a_champion_we_live_and_are_not_ready(store, served):
    made = served()
    with made.client() as client:
        assert client.get("/livez").status_code == 200
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json()["reason"]) == (503, "no champion yet")
        asked = client.post("/predict", json={"text": "a"})
        assert (asked.status_code, asked.headers["retry-after"]) == (503, "1")


def test_with_a_champion_we_are_ready(client):
    assert client.get("/readyz").json() == {"ready": True, "reason": "ready", "version": 1}


def test_who_is_stopping_answers_and_is_not_ready(registry, served):
    made = served()
    made.service.draining = True
    with made.client() as client:
        assert client.get("/readyz").status_code == 503
        answer = client.post("/predict", json={"text": "a"})
        assert (answer.status_code, answer.headers["connection"]) == (200, "close")
