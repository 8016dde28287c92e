"""What decides can be moved from the pages, with a reason, and asked before it is trusted."""

import pytest

from goldstream.settings import Settings, convert

JSON = {"accept": "application/json"}


@pytest.fixture
def client(open_client):
    return open_client(convert({"project": {"labels": ["ai", "other"], "keep": "ai"}}, Settings, "test"))


def moves(fill) -> list[tuple]:
    return fill.conn.execute("SELECT before, after, who, why FROM alias_moves ORDER BY id").fetchall()


def test_a_version_is_promoted_and_taken_back_with_a_reason(client, fill, register):
    first, second = register(), register()
    client.post("/annotate/name", json={"name": "Ann"})
    for version in (first, second):
        assert client.post("/model/promote", json={"version": version, "why": "better on dev"}).status_code == 200
    assert client.post("/model/rollback", json={"why": "worse live"}).json() == {"champion": first}
    assert moves(fill) == [
        (None, first, "Ann", "better on dev"), (first, second, "Ann", "better on dev"), (second, first, "Ann", "worse live")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "status"), [({"version": 9, "why": "I like it"}, 409), ({"version": 1}, 422), ({"version": 1, "why": ""}, 422)]
)
def test_what_can_not_decide_is_not_promoted(client, fill, given, status):
    assert client.post("/model/promote", json=given).status_code == status
    assert moves(fill) == []


def test_a_model_with_other_labels_is_not_promoted(client, fill, register):
    version = register(("cat", "dog"))
    answer = client.post("/model/promote", json={"version": version, "why": "a mistake"})
    assert (answer.status_code, "knows cat, dog" in answer.text) == (409, True)
    assert moves(fill) == []


def test_nothing_can_be_rolled_back_before_anything_was_promoted(client):
    assert client.post("/model/rollback", json={"why": "no reason"}).status_code == 409


def test_the_threshold_moves_for_all_at_once_but_not_below_what_is_stored(client, fill):
    fill.champion(threshold=0.5)
    fill.keep("s:1", probability=0.4)
    assert client.post("/status/threshold", json={"threshold": 0.3, "why": "to see more"}).json() == {"kept": 1}
    assert client.get("/status", headers=JSON).json()["champion"]["threshold"] == pytest.approx(0.3)
    assert client.post("/status/threshold", json={"threshold": None, "why": "as it was"}).json() == {"kept": 0}
    refused = client.post("/status/threshold", json={"threshold": 0.01, "why": "everything"})
    assert (refused.status_code, "keep-floor" in refused.text) == (409, True)


def test_the_overview_says_what_a_threshold_would_bring(client, fill):
    version = fill.champion()
    fill.conn.execute("CREATE TABLE day PARTITION OF predictions DEFAULT")
    from goldstream.datasets.tables import Dataset

    dataset = Dataset("", 0)
    dataset.create(fill.conn, {})
    dataset.update(fill.conn, {}, "split")
    for number, (label, probability, weight) in enumerate([("ai", 0.9, 1), ("other", 0.8, 10), ("ai", 0.2, 1)]):
        fill.conn.execute(
            """INSERT INTO raw_tweet_dataset_0 (id, source, kind, revision, text, links, tags, media, extra, stratum, lot, position,
                   weight, split) VALUES (%s, 's', 'create', 1, '', '{}', '{}', '{}', '{}', 'topic', 0, %s, %s, 'test')""",
            (f"s:{number}", number, weight),
        )
        fill.conn.execute(
            "INSERT INTO annotations (post_id, revision, label, annotator, strategy) VALUES (%s, 1, %s, 'a', 'i')",
            (f"s:{number}", label),
        )
        fill.conn.execute(
            """INSERT INTO predictions (reader, partition, position, post_id, source, kind, revision, seen_at, label, probability, version)
               VALUES ('classify', 0, %s, %s, 's', 'create', 1, now(), 'ai', %s, %s)""",
            (number, f"s:{number}", probability, version),
        )
    expected = client.get("/status", headers=JSON).json()["expected"]
    assert expected["posts"] == 3
    assert (expected["precision"][50], expected["recall"][50]) == (0.0909, 0.5)
    assert (expected["precision"][85], expected["recall"][85]) == (1.0, 0.5)


def test_a_text_is_answered_with_tokens_and_rules(store, fill, register, tmp_path):
    from goldstream.web.app import make_app

    from .conftest import TestClient

    (tmp_path / "labeling.py").write_text(
        "from goldstream.labeling import keyword_rule\nnews = keyword_rule('ai', ['model'], name='news')\n"
        "wet = keyword_rule('other', ['rain'], name='wet')\n"
    )
    settings = convert({"project": {"labels": ["ai", "other"], "keep": "ai"}}, Settings, "test")
    with TestClient(make_app(store, settings, folder=tmp_path), "http://127.0.0.1:8321") as client:
        assert client.post("/try/answer", json={"text": "a model"}).json()["version"] is None
        client.post("/model/promote", json={"version": register(), "why": "the first"})
        said = client.post("/try/answer", json={"text": "a new model <b>"}).json()
        assert (said["label"], said["kept"]) == ("ai", True)
        assert max(said["tokens"], key=lambda token: token["weight"])["token"] == "model"
        assert said["rules"] == [{"function": "news", "vote": "ai"}, {"function": "wet", "vote": None}]
        given = {name: said[name] for name in ("text", "label", "probability", "threshold", "version")}
        rates = client.post("/feedback", json={**given, "correct": True}).json()["rates"]
        assert rates == [{"version": said["version"], "place": "try", "answers": 1, "right": 1}]
        assert client.post("/feedback", json={**given, "correct": True, "version": 99}).status_code == 422
        assert client.post("/try/answer", json={}).status_code == 422
        assert client.post("/try/answer", json={"id": "nowhere"}).status_code == 410


def test_kept_posts_can_be_filtered(client, fill):
    fill.champion()
    fill.keep("s:1", "one", lang="en", probability=0.6)
    fill.keep("s:2", "two", lang="fr", source="elsewhere", probability=0.95)

    def found(query: str) -> list[str]:
        return [post["id"] for post in client.get(f"/?{query}", headers=JSON).json()["posts"]]

    assert found("lang=fr") == found("source=elsewhere") == found("least=0.9") == found("q=two") == ["s:2"]
    assert found("label=other") == []
    assert found("least=nonsense") == found("least=nan") == ["s:2", "s:1"]
    assert client.get("/", headers=JSON).json()["choices"]["lang"] == ["en", "fr"]


def test_a_posts_story_holds_what_everybody_said(client, fill):
    version = fill.champion()
    fill.keep("s:1", "a model")
    client.post("/annotate/name", json={"name": "Ann"})
    client.post("/annotate/answer", json={"id": "s:1", "label": "ai", "note": "sure"})
    shown = {"id": "s:1", "label": "ai", "probability": 0.9, "threshold": 0.5, "version": version}
    client.post("/feedback", json={**shown, "correct": False})
    story = client.get("/post/s:1", headers=JSON).json()
    assert (story["gold"], story["answers"][0]["note"], story["feedback"][0]["correct"]) == ("ai", "sure", False)
    assert "Ann" in client.get("/post/s:1").text


def test_of_what_a_person_says_of_a_post_only_the_last_counts(client, fill):
    version = fill.champion()
    fill.keep("s:1", "a model")
    shown = {"id": "s:1", "label": "ai", "probability": 0.9, "threshold": 0.5, "version": version}
    rates = [client.post("/feedback", json={**shown, "correct": correct}).json()["rates"] for correct in (True, False)]
    assert rates == [[{"version": version, "place": "live", "answers": 1, "right": right}] for right in (1, 0)]
    assert len(client.get("/post/s:1", headers=JSON).json()["feedback"]) == 2
