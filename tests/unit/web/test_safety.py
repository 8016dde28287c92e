import asyncio
import json
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from goldstream.annotation import answers
from goldstream.datasets.tables import Dataset
from goldstream.settings import Settings, convert
from goldstream.web.app import make_app
from goldstream.web.events import _lines
from goldstream.web.posts import EVERYTHING

#: What strangers may write, in any field. None of it may become markup, a script, or a link that does more than link.
HOSTILE = [
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' onmouseover='alert(1)",
    '" autofocus onfocus="alert(1)',
    "<iframe src=javascript:alert(1)>",
    '<a href="javascript:alert(1)">x</a>',
    "{{ 7 * 7 }} {% raw %} ${7*7} {{ config }}",
    "</p></article></main><h1>owned</h1>",
    "</textarea></title></style><script>alert(1)</script>",
    "<!-- --><!--><script>alert(1)</script>",
    "<base href=//evil.example/><meta http-equiv=refresh content=0>",
    "\u2028\u2029data: x\n\nevent: counts\ndata: {}\n\n",
    "\u202eright to left\u202c \ufeff\u200b",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "%3Cscript%3Ealert(1)%3C/script%3E",
    "Z\u0335\u0321" * 200,
    "x'; DROP TABLE candidates; --",
]
BAD_LINKS = [
    "javascript:alert(1)//",
    "JaVaScRiPt:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    '//evil.example/"x',
    'https://evil.example/"onmouseover="alert(1)',
    "https://[",
    " https://evil.example/<script>",
]


def stuff(fill) -> None:
    """The corpus in every field of a post, a dead letter, a model and a report."""
    fill.champion()
    for number, evil in enumerate(HOSTILE):  # the test client unquotes a path twice, hence no % in ids
        fill.keep(
            f"sample:{number}{evil}".replace("%", ""), evil, author=f"{number}{evil}", source=evil, lang=evil, url=evil,
            label=evil, tags=[evil], media=[evil], reply_to=evil, repost_of=evil, cid=evil, created_at=None,
        )  # fmt: skip
        fill.conn.execute(
            "INSERT INTO dead_letters (stage, source, reason, payload, post_id) VALUES (%s, %s, %s, '', %s)", [evil] * 4
        )
        for annotator in (evil, "bob"):
            answers.answer(fill.conn, f"sample:{number}{evil}".replace("%", ""), annotator, annotator, note=evil, place=evil)
    for number, link in enumerate(BAD_LINKS):
        post_id = f"sample:link{number}"
        fill.keep(post_id, "a link", url=link, links=[])
        fill.conn.execute("UPDATE candidates SET links = %s WHERE post_id = %s", ([link], post_id))
        fill.conn.execute("INSERT INTO candidate_links VALUES (%s, %s, %s, %s, now())", (post_id, link, link, HOSTILE[0]))
    rows = [
        {"function": evil, "j": 0, "Polarity": [evil], "Coverage": 0.1, "Overlaps": 0.1, "Conflicts": 0.0, "Correct": 1,
         "Incorrect": 0, "Emp. Acc.": None} for evil in HOSTILE
    ]  # fmt: skip
    report = {
        "reason": HOSTILE[0],
        "covered": 0.5,
        "functions": rows,
        "errors": {HOSTILE[2]: {"posts": 1, "first": HOSTILE[0]}},
    }
    fill.conn.execute(
        "INSERT INTO label_runs (prefix, dataset, label_model, functions, report) VALUES ('', 0, %s, %s, %s)",
        (HOSTILE[0], json.dumps(dict.fromkeys(HOSTILE, "1")), json.dumps(report)),
    )
    dataset = Dataset("", 0)
    dataset.create(fill.conn, {})
    dataset.update(fill.conn, {}, "split")
    for number, evil in enumerate(HOSTILE):
        fill.conn.execute(
            """INSERT INTO raw_tweet_dataset_0 (id, source, kind, revision, text, author, lang, links, tags, media, extra, stratum, lot,
                   position, split) VALUES (%s, %s, 'create', 1, %s, %s, %s, %s, '{}', '{}', '{}', %s, 0, %s, 'test')""",
            (f"raw:{number}{evil}", evil, evil, evil, evil, BAD_LINKS, evil, number),
        )
        for function in HOSTILE[:3]:
            fill.conn.execute("INSERT INTO votes VALUES (%s, '1', %s, 1, %s)", (function, f"raw:{number}{evil}", evil))


def assert_harmless(html: str) -> None:
    from html.parser import HTMLParser

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attributes):
            named = dict(attributes)
            assert tag not in {"iframe", "base", "object", "embed", "style"}
            assert tag != "script" or named.get("src", "").startswith("/static/")
            assert not [name for name in named if name.startswith("on") or name in {"style", "autofocus", "srcdoc"}], (
                tag,
                named,
            )
            for name in ("href", "src", "action"):
                assert named.get(name, "/").startswith(("/", "#", "http://", "https://")), (tag, named)
            if named.get("href", "/").startswith("http"):
                assert {"noopener", "nofollow"} <= set(named["rel"].split())
            assert tag != "meta" or "http-equiv" not in named
            assert tag != "h1" or "owned" not in str(named)

    Reader().feed(html)
    assert "<h1>owned" not in html
    assert "<script>" not in html


@pytest.mark.parametrize(
    "page",
    [
        "/",
        "/links",
        "/model",
        "/status",
        "/people",
        "/people?name=<script>alert(1)</script>",
        "/adjudicate",
        "/adjudicate?show=doubted",
        "/annotate",
        "/try?text=</textarea><script>alert(1)</script>",
        "/search?q=alert",
        "/search?rule=" + quote(HOSTILE[0]),
        "/search?like=sample:link0",
        "/rules",
        "/rules?function=" + quote(HOSTILE[0]),
        "/?lang=<script>alert(1)</script>&source=%22onload=&label='x",
        "/?before=9",
        "/?q=<script>alert(1)</script>",
        "/links?url=javascript:alert(1)",
    ],
)
def test_no_page_lets_a_strangers_text_become_markup(client, fill, page):
    stuff(fill)
    answer = client.get(page)
    assert answer.status_code == 200
    assert_harmless(answer.text)


def test_no_posts_own_page_does_either(client, fill):
    stuff(fill)
    for post in client.get("/", headers={"accept": "application/json"}).json()["posts"]:
        answer = client.get("/post" + _quoted(post["id"]))
        assert answer.status_code == 200, post["id"]
        assert_harmless(answer.text)
    for evil in HOSTILE:
        assert_harmless(client.get("/post" + _quoted(evil)).text)


def test_the_stream_carries_it_as_data(store, fill):
    stuff(fill)

    async def first_posts() -> list[str]:
        app = make_app(store, Settings())
        lines, seen = _lines(app, -1, EVERYTHING), []
        async for line in lines:
            seen.append(line.decode())
            if "event: posts" in seen[-1]:
                break
        await lines.aclose()
        app.state.database.close()
        return seen

    lines = asyncio.run(first_posts())
    event = next(line for line in lines if line.startswith("event: posts"))
    assert event.count("\n") == 4  # the ends of name, id and data, and the empty line
    html = json.loads(event.split("data: ", 1)[1])["html"]
    assert html.count("<article") == len(HOSTILE) + len(BAD_LINKS)
    assert_harmless(html)


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "evil.example:8321", "127.0.0.1:8321@evil.example", "", "localhost:x"],
)
def test_a_name_that_is_not_ours_is_refused(client, host):
    assert client.get("/", headers={"host": host}).status_code == 400


def test_two_names_are_one_too_many(client):
    assert client.get("/", headers=[("host", "127.0.0.1"), ("host", "evil.example")]).status_code == 400


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:1", "[::1]:8321", "[::1]", "LOCALHOST"])
def test_our_own_names_are_answered(client, host):
    assert client.get("/status", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:9"])
def test_pages_of_other_sites_may_not_ask(client, origin):
    assert client.get("/events", headers={"origin": origin}).status_code == 400


def test_every_answer_keeps_the_browser_careful(client):
    client.app.state.ranking = None  # a page that fails
    for path in ("/", "/nowhere", "/links", "/static/live.js", "/static/none", "/post/x"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
    assert client.get("/").headers["cache-control"] == "no-store"


def test_what_is_too_large_or_not_a_reading_is_refused(client):
    assert client.get("/?q=" + "x" * 9_000).status_code == 414
    assert client.get("/", headers={"x-much": "x" * 40_000}).status_code == 431
    assert client.post("/", json={}).status_code == 405
    assert client.post("/", content=b"x").status_code == 415
    assert client.post("/enter", content=b"x" * 300_000).status_code == 413
    assert client.post("/enter", content=iter([b"x"])).status_code == 413


def test_with_a_token_nothing_is_shown_without_it(store, fill, monkeypatch):
    monkeypatch.setenv("PAGES_TOKEN", "sésame ouvre-toi")
    settings = convert({"web": {"token": {"env": "PAGES_TOKEN"}}}, Settings, "test")
    with TestClient(make_app(store, settings), base_url="http://127.0.0.1", follow_redirects=False) as client:
        for path in ("/", "/events", "/status", "/post/x"):
            assert client.get(path).headers["location"] == "/enter"
        assert client.get("/", headers={"authorization": "Bearer nope"}).status_code == 303
        assert client.get("/", headers={"authorization": "Bearer sésame ouvre-toi".encode()}).status_code == 200
        assert "token" in client.get("/enter").text
        assert client.post("/enter", data={"token": "wrong"}).status_code == 401
        admitted = client.post("/enter", data={"token": "sésame ouvre-toi"})
        assert admitted.status_code == 303
        cookie = admitted.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert "ouvre" not in cookie
        assert client.get("/").status_code == 200


def _quoted(text: str) -> str:
    from urllib.parse import quote

    return "/" + quote(text, safe="")
