from datetime import UTC, datetime
from uuid import uuid4

import pytest

from goldstream.running import Part
from goldstream.store import trial_counts, trials

PAGES = ["/", "/links", "/model", "/status"]
JSON = {"accept": "application/json"}


@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_finished_while_there_is_nothing_to_show(client, page):
    answer = client.get(page)
    assert answer.status_code == 200
    assert "<main" in answer.text
    assert client.get(page, headers=JSON).json()["counts"]["posts"] == 0


def test_the_empty_page_says_what_the_loop_is_doing(client, store, fill):
    def step() -> str:
        client.app.state.counters._made_at = 0.0  # do not wait for the numbers to age
        return client.get("/", headers=JSON).json()["counts"]["step"]["name"]

    assert step() == "waiting"
    fill.conn.execute("INSERT INTO logs (log, next_position) VALUES ('posts', 10)")
    assert step() == "collecting"
    settings, counts = '{"quotas": {"topic": 8, "rest": 2}}', '{"kept": {"topic": 5, "rest": 0}}'
    fill.conn.execute("INSERT INTO datasets (prefix, version, settings, counts) VALUES ('', 0, %s, %s)", (settings, counts))
    assert step() == "collecting"
    assert client.get("/", headers=JSON).json()["counts"]["step"]["share"] == 0.5
    fill.conn.execute("UPDATE datasets SET state = 'collected'")
    assert step() == "splitting"
    fill.conn.execute("UPDATE datasets SET state = 'split'")
    assert step() == "labelling"
    fill.conn.execute(
        "INSERT INTO label_runs (prefix, dataset, label_model, functions, report) VALUES ('', 0, 'majority', '{}', %s)",
        ('{"reason": "because", "covered": 0.5, "functions": [], "errors": {}}',),
    )
    assert step() == "training"
    fill.champion()
    assert step() == "classifying"


def test_kept_posts_stand_newest_first_and_the_others_do_not(client, fill):
    fill.champion(threshold=0.5)
    fill.keep("sample:1", "apples")
    fill.keep("sample:2", "too unlikely", probability=0.3)
    fill.keep("sample:3", "pears")
    found = client.get("/", headers=JSON).json()
    assert [post["id"] for post in found["posts"]] == ["sample:3", "sample:1"]
    assert found["counts"]["kept"] == 2
    text = client.get("/").text
    assert text.index("pears") < text.index("apples")
    assert "too unlikely" not in text


def test_moving_the_threshold_changes_what_is_shown_at_once(client, fill):
    fill.champion(threshold=0.5)
    fill.keep("sample:1", probability=0.3)
    assert client.get("/", headers=JSON).json()["posts"] == []
    fill.conn.execute("INSERT INTO threshold_moves (threshold, who, why) VALUES (0.25, 'test', 'to see more')")
    assert len(client.get("/", headers=JSON).json()["posts"]) == 1


def test_earlier_posts_are_a_page_away(client, fill):
    fill.champion()
    for number in range(1, 46):
        fill.keep(f"sample:{number}")
    first = client.get("/", headers=JSON).json()
    assert (len(first["posts"]), first["next"]) == (40, 6)
    second = client.get("/?before=6", headers=JSON).json()
    assert [post["position"] for post in second["posts"]] == [5, 4, 3, 2, 1]
    assert second["next"] is None


@pytest.mark.parametrize("query", ["LLAMA", "ada", "example.org"])
def test_a_filter_looks_at_text_author_and_links(client, fill, query):
    fill.champion()
    fill.keep("sample:1", "A llama, 100 % open", links=["https://example.org/x"])
    fill.keep("sample:2", "something else", author="bob")
    found = client.get("/", params={"q": query}, headers=JSON).json()
    assert [post["id"] for post in found["posts"]] == ["sample:1"]


@pytest.mark.parametrize("query", ["before=x", "before=-1", "before=" + "9" * 40, "q=%00", "q=%25", "window=never", "url=%00"])
def test_odd_addresses_are_answered(client, fill, query):
    fill.champion()
    assert client.get(f"/?{query}").status_code == 200
    assert client.get(f"/links?{query}").status_code == 200


def test_links_are_ranked_by_different_authors(client, fill):
    fill.champion()
    for number in range(3):
        fill.keep(f"sample:a{number}", links=["https://one.example/often"], author="ada")
    for number in range(2):
        fill.keep(f"sample:b{number}", links=["https://two.example/widely"], author=f"author {number}")
    found = client.get("/links", headers=JSON).json()["links"]
    assert [(link["url"], link["authors"], link["posts"]) for link in found] == [
        ("https://two.example/widely", 2, 2),
        ("https://one.example/often", 1, 3),
    ]
    behind = client.get("/links", params={"url": "https://two.example/widely"}, headers=JSON).json()
    assert [post["id"] for post in behind["posts"]] == ["sample:b1", "sample:b0"]


def test_the_model_page_shows_its_evidence(client, fill):
    version = fill.champion()
    found = client.get("/model", headers=JSON).json()
    assert found["champion"]["version"] == version
    assert found["champion"]["metrics"]["f1"] == 0.873
    assert "0.873" in client.get("/model").text


def test_the_model_page_shows_the_trial_that_runs(client, fill):
    version = fill.champion()
    trial = trials.begin(fill.conn, "canary", version, 0.05, reader="classify", who="test", why="to see it")
    counts = trial_counts.Counts()
    counts.side(version).answered({"keep": 30, "other": 70}, 0.002)
    trial_counts.write(fill.conn, trial.id, uuid4(), counts)
    [side] = client.get("/model", headers=JSON).json()["trial"]["requests"]
    assert (side["version"], side["tried"], side["labels"]["keep"]["share"]) == (version, True, 0.3)
    page = client.get("/model").text
    assert f"Version {version} is tried" in page
    assert "As a canary of 5 % of the requests" in page


def test_a_post_has_a_page_of_its_own(client, fill):
    fill.champion()
    fill.keep("bluesky:did:plc:x/3k?#%", "all of it " * 300, created_at="2999-01-01T00:00:00Z")
    listed = client.get("/")
    assert "read on" in listed.text
    answer = client.get("/post/bluesky:did:plc:x/3k%3F%23%25")
    assert answer.status_code == 200
    assert answer.text.count("all of it") == 300
    assert "/post/bluesky:did:plc:x/3k%3F%23%25" in listed.text


def test_posts_that_are_not_here_say_why(client, fill):
    fill.conn.execute("INSERT INTO tombstones (post_id, revision) VALUES ('sample:gone', 5)")
    assert client.get("/post/sample:gone").status_code == 410
    assert client.get("/post/sample:never").status_code == 404
    assert client.get("/nowhere").status_code == 404
    assert "There is no such page" in client.get("/nowhere").text
    assert client.get("/nowhere", headers=JSON).json()["status"] == 404


def test_status_counts_dead_letters_by_reason(client, fill):
    fill.conn.execute(
        "INSERT INTO dead_letters (stage, source, reason, payload) "
        "SELECT 'source', 'files', 'not JSON', '' FROM generate_series(1, 3)"
    )
    found = client.get("/status", headers=JSON).json()
    assert [(letter["reason"], letter["letters"]) for letter in found["dead_letters"]] == [("not JSON", 3)]
    assert found["disk"]["used"] > 0
    assert found["disk"]["free"] > 0


def test_the_state_and_the_last_words_of_every_part_are_shown(client):
    since = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    client.app.state.parts = lambda: (
        Part(name="classify", state="running", since=since),
        Part(name="ingest", state="restarting", since=since, restarts=3, says="<b>no such file"),
    )
    page = client.get("/status").text
    assert "<dt>classify</dt><dd>running since 2026-01-02 03:04</dd>" in page
    assert "restarting since 2026-01-02 03:04, started again 3 times" in page
    assert "&lt;b&gt;no such file" in page
    assert client.get("/status", headers=JSON).json()["parts"][1]["restarts"] == 3


def test_posts_of_a_dataset_tell_their_split(client, store, fill):
    from goldstream.datasets.tables import Dataset

    dataset = Dataset("", 0)
    dataset.create(fill.conn, {})
    fill.conn.execute(
        """INSERT INTO raw_tweet_dataset_0
               (id, source, kind, revision, text, links, tags, media, extra, stratum, lot, position, split)
           VALUES ('sample:1', 'sample', 'create', 1, 'collected', '{}', '{}', '{}', '{}', 'topic', 0.1, 1, 'dev')"""
    )
    found = client.get("/post/sample:1", headers=JSON).json()
    assert (found["scored"], found["post"]["text"]) == (False, "collected")
    assert found["datasets"][0]["split"] == "dev"
