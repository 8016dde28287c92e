"""Many posts are found, labelled at once and taken back."""

import pytest

from goldstream.datasets.tables import Dataset
from goldstream.settings import Settings, convert

JSON = {"accept": "application/json"}


@pytest.fixture
def client(open_client, fill):
    dataset = Dataset("", 0)
    dataset.create(fill.conn, {})
    texts = ["a new language model", "new language models today", "rain in the afternoon", "the model of a train", "rain, rain"]
    for number, text in enumerate(texts, 1):
        fill.conn.execute(
            """INSERT INTO raw_tweet_dataset_0 (id, source, kind, revision, text, links, tags, media, extra, stratum, lot, position,
                   split) VALUES (%s, 's', 'create', 4, %s, '{}', '{}', '{}', '{}', 'topic', 0, %s, 'train')""",
            (f"s:{number}", text, number),
        )
        fill.conn.execute(
            "INSERT INTO votes VALUES ('wet', '1', %s, 4, %s)", (f"s:{number}", "other" if "rain" in text else None)
        )
    dataset.update(fill.conn, {}, "split")
    fill.conn.execute(
        "INSERT INTO label_runs (prefix, dataset, label_model, functions, report) VALUES ('', 0, 'majority', '{\"wet\": \"1\"}', '{}')"
    )
    client = open_client(convert({"project": {"labels": ["ai", "other"], "keep": "ai"}}, Settings, "test"))
    client.post("/annotate/name", json={"name": "Ann"})
    return client


def found(client, query: str) -> list[str]:
    return [post["id"] for post in client.get(f"/search?{query}", headers=JSON).json()["posts"]]


@pytest.mark.parametrize(
    ("query", "posts"),
    [
        ("q=model", ["s:1", "s:4"]),
        ("q=%22language model%22", ["s:1"]),
        ("q=model -train", ["s:1"]),
        ("q=models or afternoon", ["s:2", "s:3"]),
        ("q=nothing", []),
        ("q='%22()|!:*", []),
        ("q=%00", []),
        ("rule=wet", ["s:3", "s:4", "s:5"]),
        ("", []),
    ],
)
def test_posts_are_found_by_words_and_by_rule(client, query, posts):
    assert sorted(found(client, query)) == posts


def test_candidates_are_found_too(client, fill):
    fill.champion()
    fill.keep("c:1", "a model among the candidates")
    assert set(found(client, "q=model")) == {"s:1", "s:4", "c:1"}


def test_posts_like_a_post_come_the_likest_first(client):
    assert found(client, "like=s:1")[:2] == ["s:1", "s:2"]
    assert found(client, "like=nowhere") == []


def test_many_are_labelled_at_once_and_taken_back(client, fill):
    said = client.post("/search/label", json={"ids": ["s:3", "s:5", "s:gone"], "label": "other"}).json()
    assert said["labelled"] == 2
    latest = "SELECT post_id, label, strategy, revision FROM latest_answers WHERE label IS NOT NULL ORDER BY 1"
    assert fill.conn.execute(latest).fetchall() == [("s:3", "other", "bulk", 4), ("s:5", "other", "bulk", 4)]
    assert found(client, "rule=wet") == ["s:4"]
    assert len(found(client, "rule=wet&every=yes")) == 3
    client.post("/annotate/answer", json={"id": "s:5", "label": "ai"})
    assert client.post("/search/undo", json={"batch": said["batch"]}).json() == {"taken_back": 1}
    assert fill.conn.execute(latest).fetchall() == [("s:5", "ai", "page", 0)]
    assert fill.conn.execute("SELECT count(*) FROM annotations").fetchone() == (4,)


@pytest.mark.parametrize(
    "given", [{"ids": [], "label": "ai"}, {"ids": ["s:1"], "label": "?"}, {"ids": ["x"] * 1_001, "label": "ai"}]
)
def test_what_can_not_be_labelled_is_refused(client, given):
    assert client.post("/search/label", json=given).status_code == 422


def test_nobody_takes_anothers_batch_back(client, open_client, fill):
    batch = client.post("/search/label", json={"ids": ["s:1"], "label": "ai"}).json()["batch"]
    client.post("/annotate/name", json={"name": "Bob"})
    assert client.post("/search/undo", json={"batch": batch}).json() == {"taken_back": 0}
    assert client.get("/search?rule=unknown").status_code == 404
