from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from goldstream.errors import StoreError
from goldstream.serving.ids import new_ids, written
from goldstream.store import feedback
from goldstream.store import served as served_rows

TEXT = "the flood comes tonight"


@pytest.fixture
def own_client(registry, served):
    with served().client() as client:
        yield client


def test_a_prediction_is_made_and_listed(own_client):
    said = own_client.post("/predictions", json={"text": TEXT, "user_label": "other"}).json()
    assert list(said) == [
        "id", "text", "user_label", "label", "probability", "model", "version", "elapsed_seconds", "created_at",
    ]  # fmt: skip
    assert (said["text"], said["user_label"], said["label"], said["model"], said["version"]) == (
        TEXT,
        "other",
        "keep",
        "floods",
        1,
    )
    [listed] = own_client.get("/predictions").json()["predictions"]
    assert listed["probability"] == said["probability"]
    assert {key: said[key] for key in ("id", "text", "user_label", "label")} == {
        key: listed[key] for key in ("id", "text", "user_label", "label")
    }
    assert datetime.fromisoformat(listed["created_at"]) == datetime.fromisoformat(said["created_at"])


def test_what_predict_answers_is_kept_and_listed_in_pages_newest_first(own_client):
    ids = [
        each["prediction_id"]
        for each in own_client.post("/predict", json={"texts": [f"text {n}" for n in range(5)]}).json()["predictions"]
    ]
    first = own_client.get("/predictions", params={"limit": 3}).json()
    second = own_client.get("/predictions", params={"limit": 3, "after": first["next"]}).json()
    found = [each["id"] for each in first["predictions"] + second["predictions"]]
    assert found == sorted(ids, reverse=True)
    assert second["next"] is None


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "limit=-1", "after=x", "limit=" + "9" * 5000])
def test_a_page_that_is_none_is_refused(client, query):
    assert client.get(f"/predictions?{query}").status_code == 400


def test_feedback_counts_once_for_each_prediction_the_latest(own_client):
    ids = [own_client.post("/predict", json={"text": TEXT}).json()["prediction_id"] for _ in range(3)]
    other = own_client.post("/versions/2/predict", json={"text": TEXT}).json()["prediction_id"]
    for said in [
        {"prediction_id": ids[0], "label": "keep"}, {"prediction_id": ids[1], "correct": False},
        {"prediction_id": ids[2], "correct": False}, {"prediction_id": ids[2], "correct": True}, {"prediction_id": other, "label": "other"},
    ]:  # fmt: skip
        assert own_client.post("/feedback", json=said).status_code == 200
    found = own_client.get("/statistics").json()
    assert (found["correctness_rate"], found["n"]) == (0.5, 4)
    low, high = found["interval"]
    assert 0 < low < 0.5 < high < 1
    assert [(each["version"], each["n"], each["correctness_rate"]) for each in found["by_version"]] == [
        (2, 1, 0),
        (1, 3, pytest.approx(2 / 3)),
    ]


def test_without_feedback_there_is_no_rate(own_client):
    assert own_client.get("/statistics").json() == {"correctness_rate": None, "n": 0, "interval": None, "by_version": []}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400), ({"prediction_id": "x", "correct": True}, 400), ({"prediction_id": str(uuid4())}, 400),
        ({"prediction_id": str(uuid4()), "label": "keep", "correct": True}, 400), ({"prediction_id": str(uuid4()), "label": "nobody"}, 400),
        ({"prediction_id": str(uuid4()), "correct": True}, 404),
    ],
)  # fmt: skip
def test_feedback_that_fits_nothing_is_refused(client, body, status):
    assert client.post("/feedback", json=body).status_code == status


def test_a_label_that_nobody_knows_is_refused(client):
    assert client.post("/predictions", json={"text": "a", "user_label": "x"}).status_code == 400
    assert client.post("/predictions", json={"texts": ["a"]}).status_code == 400


@pytest.mark.parametrize(("texts", "kept", "hashed"), [("keep", TEXT, False), ("hash", None, True), ("drop", None, False)])
def test_texts_are_kept_hashed_or_dropped(store, registry, served, texts, kept, hashed):
    with served(texts=texts).client() as client:
        client.post("/predict", json={"text": TEXT})
        assert client.get("/predictions").json()["predictions"][0]["text"] == kept
    with store.connect(name="test") as conn:
        [(digest,)] = conn.execute("SELECT text_sha256 FROM served_predictions").fetchall()
    assert (digest is not None) == hashed


def test_all_that_was_answered_is_written_by_a_clean_end(store, registry, served):
    with served().client() as client:
        ids = {client.post("/predict", json={"text": f"text {number}"}).json()["prediction_id"] for number in range(200)}
    with store.connect(name="test") as conn:
        assert {str(row[0]) for row in conn.execute("SELECT id FROM served_predictions")} == ids


def test_a_database_that_is_away_stops_nothing_and_is_caught_up_with(store, registry, served):
    made = served()
    with made.client() as client:
        client.post("/predict", json={"text": TEXT})
        client.get("/predictions")
        with store.connect(name="test") as conn:
            conn.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'goldstream serving predictions'"
            )
        store.connect = _refuse
        assert all(client.post("/predict", json={"text": TEXT}).status_code == 200 for _ in range(20))
        assert client.get("/statistics").status_code == 503
        assert client.get("/readyz").status_code == 200
        del store.connect
        assert len(client.get("/predictions").json()["predictions"]) == 21
    assert made.said[-1] == "the database takes answers again"


def test_what_is_too_much_to_wait_is_dropped_the_oldest_first_and_said(store, registry, served):
    made = served(**{"queue-mb": 0.01})
    store.connect = _refuse
    with made.client() as client:
        ids = [client.post("/predict", json={"text": TEXT}).json()["prediction_id"] for _ in range(100)]
        del store.connect
        kept = [each["id"] for each in client.get("/predictions", params={"limit": 1000}).json()["predictions"]]
    assert 0 < len(kept) < 100
    assert ids[-1] in kept
    assert made.service.predictions.dropped == 100 - len(kept)
    assert any("dropped" in line for line in made.said)


def test_what_the_database_refuses_is_counted_as_lost_and_not_as_written(store, registry, served):
    made = served()
    with made.client() as client, store.connect(name="test") as conn:
        conn.execute("ALTER TABLE served_predictions RENAME COLUMN label TO said")
        conn.commit()
        assert client.post("/predict", json={"texts": [TEXT, TEXT, TEXT]}).status_code == 200
    kept = made.service.predictions
    assert (kept.written, kept.dropped, kept.waiting) == (0, 3, 0)
    assert any(line.startswith("3 answers can't be stored: ") for line in made.said)


def test_nothing_is_stored_when_the_settings_say_so(store, registry, served):
    with served(**{"store-predictions": False}).client() as client:
        assert client.post("/predict", json={"text": TEXT}).status_code == 200
        assert client.get("/predictions").status_code == client.post("/feedback", json={}).status_code == 404


def test_old_answers_are_dropped_with_what_was_said_of_them(store):
    old, new = "01900000-0000-7000-8000-000000000001", written(new_ids(1))
    with store.connect(name="test") as conn:
        for each in (old, new):
            conn.execute("INSERT INTO served_predictions VALUES (%s, now(), 'a', NULL, 'keep', 0.9, 1)", (each,))
            assert feedback.add_to_prediction(conn, UUID(each), True)
        assert served_rows.drop(conn, datetime.now(UTC) - timedelta(days=1)) == 1
        assert conn.execute("SELECT id::text FROM served_predictions").fetchall() == [(new,)]
        assert conn.execute("SELECT prediction_id::text FROM feedback").fetchall() == [(new,)]


def _refuse(**_: object) -> None:
    raise StoreError("PostgreSQL can't be reached")
