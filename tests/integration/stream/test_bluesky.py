"""From Bluesky's socket to what people see: edits replace, deletions remove, and what comes twice changes nothing."""

import threading
from typing import Any

from goldstream.log.embedded import EmbeddedLog
from goldstream.sources.bluesky import Bluesky, BlueskySettings
from goldstream.store import Store
from goldstream.stream.pump import Pumped, pump
from goldstream.testing import FakeJetstream

from .conftest import run

START = 1_790_000_000_000_000


def event(second: int, did: str, rkey: str, operation: str = "create", text: str = "") -> dict[str, Any]:
    commit: dict[str, Any] = {"rev": None, "operation": operation, "collection": "app.bsky.feed.post", "rkey": rkey}
    if operation != "delete":
        commit |= {"cid": "bafy", "record": {"text": text, "createdAt": "2026-11-20T10:00:00Z"}}
    return {"did": did, "time_us": START + second * 1_000_000, "kind": "commit", "commit": commit}


GONE = {"active": False, "did": "did:bob", "status": "deleted"}
EVENTS = [
    event(0, "did:ann", "a", text="help https://example.org/old"),
    event(3, "did:ann", "b", text="help, secret of ann"),
    event(6, "did:bob", "c", text="help, secret of bob"),
    event(9, "did:ann", "a", "update", "help https://example.org/new?utm_source=x"),
    event(12, "did:ann", "b", "delete"),
    {"did": "did:bob", "time_us": START + 15_000_000, "kind": "account", "account": GONE},
    event(30, "did:ann", "d", text="nothing of note"),
]


def drawn(server: FakeJetstream, log: EmbeddedLog, store: Store) -> Pumped:
    """Pump until the last event's time is the cursor's."""
    stop = threading.Event()
    source = Bluesky(BlueskySettings(hosts=(server.url,)))
    reading = source.read

    def until_the_end(cursor: str | None) -> Any:
        for arrival in reading(cursor):
            yield arrival
            if arrival.cursor and arrival.cursor.endswith(str(START + 30_000_000)):
                stop.set()

    source.read = until_the_end  # type: ignore[method-assign]
    return pump(source, log, store, max_text_bytes=1_000, stop=stop, say=lambda _: None)


def test_what_people_see_is_what_still_stands_on_the_network(classified: Store, rows: Any) -> None:
    log = EmbeddedLog(classified)
    with FakeJetstream(EVENTS, drop_after=5, garbage=b"\xff") as server:
        drawn(server, log, classified)
        queries = len(server.queries)
        drawn(server, log, classified)  # the cursor is stored with the posts: only the last seconds come again
    run(log, classified)
    log.close()
    assert queries > 1
    assert rows("SELECT post_id, text FROM kept") == [("bluesky:did:ann/a", "help https://example.org/new?utm_source=x")]
    assert rows("SELECT url FROM links") == ["https://example.org/new"]
    assert rows("SELECT post_id FROM current_predictions ORDER BY 1") == ["bluesky:did:ann/a", "bluesky:did:ann/d"]
    assert rows("SELECT reason FROM dead_letters WHERE stage = 'source'") != []
    with classified.connect(name="test") as conn:
        positions = conn.execute("SELECT count(*), count(DISTINCT position), max(position) + 1 FROM predictions").fetchone()
    assert positions is not None and len(set(positions)) == 1
