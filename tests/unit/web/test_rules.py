"""The rules page: a live table, posts behind each number, and a box that tries a rule and runs no code."""

import pytest

from goldstream.datasets.tables import Dataset
from goldstream.settings import Settings, convert
from goldstream.web import votes

JSON = {"accept": "application/json"}


@pytest.fixture
def client(open_client):
    return open_client(convert({"project": {"labels": ["ai", "other"], "keep": "ai"}}, Settings, "test"))


@pytest.fixture
def voted(fill):
    """Six posts: `news` votes ai on the first four, `wet` votes other on the last three; gold is known for two."""
    dataset = Dataset("", 0)
    dataset.create(fill.conn, {})
    dataset.update(fill.conn, {}, "split")
    for number in range(1, 7):
        fill.conn.execute(
            """INSERT INTO raw_tweet_dataset_0 (id, source, kind, revision, text, links, tags, media, extra, stratum, lot, position, split)
               VALUES (%s, 's', 'create', 1, %s, '{}', '{}', '{}', '{}', 'topic', 0, %s, 'train')""",
            (f"s:{number}", f"{'model' if number < 5 else 'rain'} number {number}", number),
        )
        for function, vote in (("news", "ai" if number < 5 else None), ("wet", "other" if number > 3 else None)):
            fill.conn.execute("INSERT INTO votes VALUES (%s, '1', %s, 1, %s)", (function, f"s:{number}", vote))
            fill.conn.execute("INSERT INTO votes VALUES (%s, 'older', %s, 1, 'ai')", (function, f"s:{number}"))
    fill.conn.execute(
        """INSERT INTO label_runs (prefix, dataset, label_model, functions, report)
           VALUES ('', 0, 'majority', '{"news": "1", "wet": "1"}', '{"functions": []}')"""
    )
    for post, label in (("s:1", "ai"), ("s:4", "other")):
        fill.conn.execute(
            "INSERT INTO annotations (post_id, revision, label, annotator, strategy) VALUES (%s, 1, %s, 'a', 'i')",
            (post, label),
        )
    return fill


def test_the_table_counts_votes_as_they_stand(client, voted):
    news, wet = client.get("/rules", headers=JSON).json()["table"]
    counted = ("polarity", "votes", "overlaps", "conflicts", "correct", "incorrect", "posts")
    assert [news[name] for name in counted] == [["ai"], 4, 1, 1, 1, 1, 6]
    assert [wet[name] for name in counted] == [["other"], 3, 1, 1, 1, 0, 6]


@pytest.mark.parametrize(
    ("show", "posts"),
    [
        ("votes", ["s:1", "s:2", "s:3", "s:4"]),
        ("overlaps", ["s:4"]),
        ("conflicts", ["s:4"]),
        ("correct", ["s:1"]),
        ("incorrect", ["s:4"]),
    ],
)
def test_each_number_leads_to_its_posts(client, voted, show, posts):
    found = client.get(f"/rules?function=news&show={show}", headers=JSON).json()["posts"]
    assert [post["id"] for post in found] == posts
    assert client.get(f"/rules?function=news&show={show}").status_code == 200


@pytest.mark.parametrize("few", [0, 2, 1_000])
@pytest.mark.parametrize("show", votes.KINDS)
def test_posts_are_the_same_whether_they_are_remembered_or_walked_to(voted, monkeypatch, few, show):
    monkeypatch.setattr(votes, "FEW", few)
    run = votes.newest(voted.conn)
    table = votes.table(voted.conn, run)
    walked, _ = votes.posts(voted.conn, run, "news", show, limit=10)
    paged, after = [], ""
    while after is not None:
        found, after = votes.posts(voted.conn, run, "news", show, after=after, limit=1, behind=table.behind.get(("news", show)))
        paged += found
    assert paged == walked
    assert len(walked) == next(row[show] for row in table.rows if row["function"] == "news")


def test_a_number_leads_on_from_a_post(client, voted):
    found = client.get("/rules?function=news&after=s:2", headers=JSON).json()["posts"]
    assert [post["id"] for post in found] == ["s:3", "s:4"]
    assert found[1]["others"] == {"wet": "other"}
    refused = client.get("/rules?function=unknown")
    assert (refused.status_code, "no labelling function" in refused.text) == (404, True)


def test_a_rule_is_tried_before_it_is_written(client, voted):
    said = client.post("/rules/try", json={"kind": "keyword", "label": "ai", "text": "mod*, number 6", "name": "mods"}).json()
    assert (said["posts"], said["matched"], said["correct"], said["incorrect"], said["overlaps"], said["conflicts"]) == (
        6,
        5,
        1,
        1,
        5,
        2,
    )
    assert said["code"] == 'mods = keyword_rule("ai", ["mod*", "number 6"], name="mods")'
    assert [(post["id"], post["gold"]) for post in said["wrong"]] == [("s:4", "other")]
    said = client.post("/rules/try", json={"kind": "regex", "label": "other", "text": "(?i)RAIN"}).json()
    assert (said["matched"], said["code"]) == (2, 'my_rule = regex_rule("other", r"(?i)RAIN", name="my_rule")')


@pytest.mark.parametrize(
    "given",
    [
        {"kind": "regex", "label": "ai", "text": "("},
        {"kind": "regex", "label": "ai", "text": "(?=x)"},
        {"kind": "keyword", "label": "ai", "text": " , "},
        {"kind": "keyword", "label": "unknown", "text": "x"},
        {"kind": "python", "label": "ai", "text": "x"},
        {"kind": "regex", "label": "ai", "text": "x", "name": "import os"},
    ],
)
def test_what_can_be_no_rule_is_refused_with_the_reason(client, voted, given):
    answer = client.post("/rules/try", json=given)
    assert answer.status_code == 422
    assert answer.json()["detail"]


def test_a_pasted_rule_is_the_rule_that_was_tried(client, voted, tmp_path):
    import polars as pl

    from goldstream.labeling import load

    for text in ("a\"b'c", 'tab\there \\d+ "quoted"', "ends \\\\", "naïve 🔥"):
        said = client.post("/rules/try", json={"kind": "regex", "label": "ai", "text": text, "name": "r"}).json()
        (tmp_path / "labeling.py").write_text(f"from goldstream.labeling import regex_rule\n{said['code']}\n")
        (rule,) = load(tmp_path / "labeling.py")
        assert rule(pl.DataFrame({"text": [text.replace("\\d+", "7").replace("\\\\", "\\"), "x"]})).to_list() == ["ai", None]


def test_before_anything_has_voted_a_rule_can_still_be_written(client):
    assert "They have not voted yet" in client.get("/rules").text
    said = client.post("/rules/try", json={"kind": "keyword", "label": "ai", "text": "llm"}).json()
    assert (said["posts"], said["code"]) == (0, 'my_rule = keyword_rule("ai", ["llm"], name="my_rule")')


def test_a_doubted_gold_label_can_be_decided(client, fill, register):
    dataset = Dataset("", 0)
    dataset.create(fill.conn, {})
    dataset.update(fill.conn, {}, "split")
    for number in range(40):
        text, label = ("a new model", "ai") if number % 2 else ("rain again", "other")
        fill.conn.execute(
            """INSERT INTO raw_tweet_dataset_0 (id, source, kind, revision, text, links, tags, media, extra, stratum, lot, position, split)
               VALUES (%s, 's', 'create', 1, %s, '{}', '{}', '{}', '{}', 'topic', 0, %s, 'test')""",
            (f"s:{number}", text, number),
        )
        said = "other" if number == 7 else label
        fill.conn.execute(
            "INSERT INTO annotations (post_id, revision, label, annotator, strategy) VALUES (%s, 1, %s, 'a', 'i')",
            (f"s:{number}", said),
        )
    fill.conn.execute(
        "INSERT INTO label_runs (prefix, dataset, label_model, functions, report) VALUES ('', 0, 'majority', '{\"news\": \"1\"}', '{}')"
    )
    client.post("/model/promote", json={"version": register(), "why": "the first"})
    (doubt,) = client.get("/adjudicate?show=doubted", headers=JSON).json()["posts"]
    assert doubt["id"] == "s:7"
    assert [(each["annotator"], each["label"]) for each in doubt["said"]] == [("gold", "other"), ("model", "ai")]
    assert "doubted" in client.get("/adjudicate?show=doubted").text
    client.post("/annotate/name", json={"name": "Ann"})
    client.post("/annotate/answer", json={"id": "s:7", "act": "adjudicate", "label": "ai"})
    assert client.get("/adjudicate?show=doubted", headers=JSON).json()["posts"] == []
