"""What people say comes in as JSON, under a name, and counts once."""

import threading

import pytest

from goldstream.settings import Settings, convert

JSON = {"accept": "application/json"}
SECTIONS = {"project": {"labels": ["ai", "other"], "keep": "ai"}}


def settings(**sections) -> Settings:
    return convert({**SECTIONS, **sections}, Settings, "test")


@pytest.fixture
def client(open_client):
    return open_client(settings())


def named(client, name: str):
    assert client.post("/annotate/name", json={"name": name}).status_code == 200
    return client


def ask(client, have=()) -> list[dict]:
    """The questions; the first request starts a draw, so it is asked again until that is through."""
    for _ in range(200):
        found = client.post("/annotate/next", json={"have": list(have)}).json()
        if found["questions"] or not found["drawing"]:
            return found["questions"]
        threading.Event().wait(0.05)
    raise AssertionError("no draw came to an end")


def test_who_answers_says_so_first(client):
    assert client.post("/annotate/next", json={}).status_code == 403
    assert "Who is labelling?" in client.get("/annotate").text
    assert client.post("/annotate/name", json={"name": "<b>"}).status_code == 422
    assert client.get("/annotate", headers=JSON).json()["me"] is None
    named(client, "  Ann   Lee ")
    assert client.get("/annotate", headers=JSON).json()["me"] == "Ann Lee"
    named(client, "")
    assert client.get("/annotate", headers=JSON).json()["me"] is None


def test_a_post_is_asked_answered_and_taken_back(client, fill):
    fill.champion()
    fill.keep("s:1", "a model", links=["https://example.org/a"], probability=0.8)
    named(client, "ann")
    (question,) = ask(client)
    assert question["text"] == "a model"
    assert question["links"] == [{"href": "https://example.org/a", "text": "example.org/a"}]
    assert question["suggestions"]["champion"]["label"] == "ai"
    given = {"id": "s:1", "revision": 1, "label": "ai", "note": " sure ", "seconds": 1.5, "suggested": True}
    assert client.post("/annotate/answer", json=given).status_code == 200
    row = fill.conn.execute("SELECT annotator, label, note, seconds, chance, shown->>'version' FROM annotations").fetchone()
    assert row == ("ann", "ai", "sure", 1.5, 1.0, "1")
    assert ask(client) == []
    back = client.post("/annotate/undo", json={}).json()
    assert [question["id"] for question in back["questions"]] == ["s:1"]
    assert client.post("/annotate/undo", json={}).json()["posts"] == []
    assert [question["id"] for question in ask(client)] == ["s:1"]
    assert fill.conn.execute("SELECT count(*) FROM annotations").fetchone() == (2,)


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"id": "s:1", "label": "unknown"}, 422),
        ({"id": "s:1"}, 422),
        ({"id": "s:1", "act": "skip", "label": "ai"}, 422),
        ({"id": "s:1", "act": "undo", "label": "ai"}, 422),
        ({"id": "", "label": "ai"}, 422),
        ({"id": "s:1", "label": "ai", "seconds": -1}, 422),
        ({"id": "s:1", "label": "ai", "chance": 1}, 422),
        ([], 422),
        ({"id": "s:9", "label": "ai"}, 410),
    ],
)
def test_what_is_no_answer_is_refused_and_nothing_kept(client, fill, given, status):
    fill.champion()
    fill.keep("s:1")
    assert named(client, "ann").post("/annotate/answer", json=given).status_code == status
    assert fill.conn.execute("SELECT count(*) FROM annotations").fetchone() == (0,)


def test_a_deleted_post_is_not_asked_about(client, fill):
    fill.champion()
    fill.keep("s:1")
    fill.keep("s:2")
    assert len(ask(named(client, "ann"))) == 2
    fill.conn.execute("DELETE FROM candidates WHERE post_id = 's:1'")
    assert [question["id"] for question in ask(client)] == ["s:2"]
    assert fill.conn.execute("SELECT post_id FROM questions WHERE NOT open").fetchall() == [("s:1",)]


def test_people_who_disagree_leave_a_dispute_that_a_decision_closes(open_client, fill):
    fill.champion()
    fill.keep("s:1", "disputed")
    both = settings(annotation={"overlap": 2})
    ann, bob = named(open_client(both), "ann"), named(open_client(both), "bob")
    for client, label in ((ann, "ai"), (bob, "other")):
        assert [question["id"] for question in ask(client)] == ["s:1"]
        client.post("/annotate/answer", json={"id": "s:1", "label": label})
    found = ann.get("/adjudicate", headers=JSON).json()
    assert [(each["annotator"], each["label"]) for each in found["posts"][0]["said"]] == [("ann", "ai"), ("bob", "other")]
    assert fill.conn.execute("SELECT count(*) FROM gold").fetchone() == (0,)
    ann.post("/annotate/answer", json={"id": "s:1", "act": "adjudicate", "label": "other"})
    assert ann.get("/adjudicate", headers=JSON).json()["posts"] == []
    assert fill.conn.execute("SELECT label, adjudicated FROM gold").fetchall() == [("other", True)]


def test_a_dispute_about_a_deleted_post_is_dropped(client, fill):
    fill.champion()
    fill.keep("s:1")
    for name, label in (("ann", "ai"), ("bob", "other")):
        named(client, name).post("/annotate/answer", json={"id": "s:1", "label": label})
    assert client.get("/adjudicate", headers=JSON).json()["waiting"] == 1
    fill.conn.execute("DELETE FROM candidates")
    assert client.get("/adjudicate", headers=JSON).json()["posts"] == []
    assert client.get("/adjudicate", headers=JSON).json()["waiting"] == 0


def test_two_people_at_once_lose_nothing(open_client, fill):
    fill.champion()
    for number in range(20):
        fill.keep(f"s:{number}")
    clients = [named(open_client(settings(annotation={"overlap": 2})), name) for name in ("ann", "bob")]
    ask(clients[0])

    def answer(client, label) -> None:
        for number in range(20):
            assert client.post("/annotate/answer", json={"id": f"s:{number}", "label": label}).status_code == 200

    threads = [threading.Thread(target=answer, args=each) for each in zip(clients, ("ai", "other"), strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert fill.conn.execute("SELECT count(*), count(DISTINCT annotator) FROM annotations").fetchone() == (40, 2)
    assert fill.conn.execute("SELECT count(*) FROM conflicts").fetchone() == (20,)
    assert fill.conn.execute("SELECT bool_or(open), min(answers) FROM questions").fetchone() == (False, 2)


def test_the_people_page_counts_compares_and_keeps_the_trail(open_client, fill):
    fill.champion()
    for number in range(3):
        fill.keep(f"s:{number}")
    for name, labels in (("ann", "ai ai other"), ("bob", "ai other other")):
        client = named(open_client(settings()), name)
        for number, label in enumerate(labels.split()):
            client.post("/annotate/answer", json={"id": f"s:{number}", "label": label, "seconds": 2})
    found = client.get("/people", headers=JSON).json()
    assert [(row["name"], row["answers"], row["seconds"]) for row in found["people"]] == [("ann", 3, 2.0), ("bob", 3, 2.0)]
    assert found["agreement"]["pairs"][0]["agreed"] == 2
    assert found["agreement"]["krippendorff_alpha"]["value"] == 0.4444
    assert len(found["acts"]) == 6
    assert len(client.get("/people?name=bob", headers=JSON).json()["acts"]) == 3
    assert "ann and bob" in client.get("/people").text


@pytest.mark.parametrize("kind", ["csv", "jsonl", "label-studio", "prodigy", "doccano", "argilla"])
def test_answers_leave_and_come_back_by_the_page(client, fill, kind):
    fill.champion()
    fill.keep("s:1", 'a model, "quoted"\nлс')
    named(client, "ann").post("/annotate/answer", json={"id": "s:1", "label": "ai"})
    file = client.get(f"/people/export?format={kind}")
    assert file.headers["content-disposition"].startswith("attachment")
    given = {"format": kind, "content": file.text}
    assert client.post("/people/import", json=given).json() == {"records": 1, "added": 0, "known": 1, "without_post": 0}
    fill.conn.execute("TRUNCATE annotations")
    assert client.post("/people/import", json=given).json()["added"] == 1
    assert fill.conn.execute("SELECT annotator, label FROM annotations").fetchall() == [("ann", "ai")]


def test_files_that_can_not_be_read_are_refused(client, fill):
    assert client.post("/people/import", json={"format": "csv", "content": ""}).status_code == 403
    named(client, "ann")
    for given in (
        {"format": "excel", "content": ""},
        {"format": "jsonl", "content": "{"},
        {"format": "csv", "content": "a,b\n1,2\n"},
    ):
        assert client.post("/people/import", json=given).status_code == 422
    assert client.get("/people/export?format=excel").status_code == 404
    assert client.get("/people/export?format=parquet").content[:4] == b"PAR1"


def test_with_tokens_a_name_must_be_proven(open_client, fill, monkeypatch):
    monkeypatch.setenv("ANN", "ann's own")
    monkeypatch.setenv("BOB", "bob's own")
    people = [{"name": "Ann", "token": {"env": "ANN"}}, {"name": "Bob", "token": {"env": "BOB"}}]
    client = open_client(settings(annotation={"annotators": people}))
    assert client.get("/annotate").status_code == 200
    assert client.post("/annotate/name", json={"name": "Ann"}).status_code == 403
    assert client.post("/annotate/next", json={}).status_code == 403
    assert client.post("/annotate/next", json={}, headers={"authorization": "Bearer ann's own"}).status_code == 200
    assert client.post("/enter", data={"token": "bob's own"}).headers["location"] == "/annotate"
    assert client.get("/annotate", headers=JSON).json()["me"] == "Bob"


def test_guidelines_stand_beside_the_post(store, tmp_path):
    import warnings

    from goldstream.web.app import make_app

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from starlette.testclient import TestClient
    (tmp_path / "guidelines.md").write_text(
        "# Rule one\n\n[look](javascript:alert(1)) <script>alert(1)</script> ![x](http://a/b)"
    )
    with TestClient(make_app(store, settings(), folder=tmp_path), "http://127.0.0.1:8321") as client:
        html = named(client, "ann").get("/annotate").text
    assert "<h3>Rule one</h3>" in html
    assert "<script>alert" not in html
    assert 'href="javascript' not in html


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
        ({"content-type": "application/json", "origin": "http://evil.example"}, 400),
        ({"content-type": "application/json", "sec-fetch-site": "cross-site"}, 400),
        ({"content-type": "application/json", "sec-fetch-site": "same-site"}, 400),
        ({"content-type": "application/json", "host": "evil.example"}, 400),
        ({"content-type": "application/json", "origin": "http://127.0.0.1:8321", "sec-fetch-site": "same-origin"}, 200),
    ],
)
def test_another_sites_page_changes_nothing(client, headers, status):
    assert client.post("/annotate/name", content='{"name": "mallory"}', headers=headers).status_code == status


def test_guesses_at_a_token_are_slowed(open_client, monkeypatch):
    monkeypatch.setenv("PAGES_TOKEN", "none of these")
    client = open_client(convert({"web": {"token": {"env": "PAGES_TOKEN"}}}, Settings, "test"))
    answers = [client.post("/enter", data={"token": "guess"}) for _ in range(30)]
    assert [each.status_code for each in answers[:10]] == [401] * 10
    assert "Wait a few seconds" in next(each for each in answers if each.status_code == 429).text
