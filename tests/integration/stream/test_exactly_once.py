"""Whatever comes, in whatever order, cut into whatever batches, and however often the connection dies in between:
every position has one row, every live post one current prediction, every deleted post none."""

from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from goldstream.log.memory import MemoryLog
from goldstream.records import Post
from goldstream.store import Store

from .conftest import DyingStore, append, run


class State(NamedTuple):
    """What must stand in the store."""

    positions: list[tuple[int, str, str]]
    current: dict[str, tuple[int, float]]
    candidates: dict[str, tuple[int, str, tuple[str, ...]]]


def reference(events: list[Post]) -> State:
    """The rules, written down as plainly as possible."""
    deleted: dict[str, int] = {}
    forgotten: dict[str | None, int] = {}
    for event in events:
        if event.kind == "delete":
            deleted[event.id] = max(event.revision, deleted.get(event.id, 0))
        if event.kind == "forget":
            forgotten[event.author] = max(event.revision, forgotten.get(event.author, 0))
    newest: dict[str, Post] = {}
    for event in events:
        live = event.revision > max(deleted.get(event.id, 0), forgotten.get(event.author, 0))
        if event.kind in ("create", "update") and live:
            before = newest.get(event.id)
            newest[event.id] = event if before is None or event.revision >= before.revision else before
    return State(
        [(number, event.id, event.kind) for number, event in enumerate(events)],
        {each.id: (each.revision, float("help" in each.text)) for each in newest.values()},
        {each.id: (each.revision, each.text, tuple(each.links)) for each in newest.values() if "help" in each.text},
    )


def stored(store: Store) -> State:
    with store.connect(name="look") as conn:
        positions = conn.execute("SELECT position, post_id, kind FROM predictions ORDER BY position").fetchall()
        current = conn.execute("SELECT post_id, revision, probability FROM current_predictions").fetchall()
        candidates = conn.execute("SELECT post_id, revision, text, links FROM candidates").fetchall()
        linked = conn.execute("SELECT post_id, url FROM candidate_links").fetchall()
    assert sorted(linked) == sorted((row[0], url) for row in candidates for url in row[3])
    assert len(current) == len({row[0] for row in current})
    return State(
        positions,
        {row[0]: (row[1], row[2]) for row in current},
        {row[0]: (row[1], row[2], tuple(row[3])) for row in candidates},
    )


@st.composite
def histories(draw: st.DrawFn) -> list[Post]:
    """What happened on a network, in the order in which it happened: posts are made, edited, deleted, made again."""
    alive: set[str] = set()
    events: list[Post] = []
    for revision in range(1, draw(st.integers(1, 14)) + 1):
        name = draw(st.sampled_from("abcd"))
        author = "ann" if name in "ab" else "bob"
        kind = draw(st.sampled_from(["update", "delete", "update", "forget"])) if name in alive else "create"
        if kind == "forget":
            alive -= {"a", "b"} if author == "ann" else {"c", "d"}
            events.append(Post(id=f"t:{author}", source="t", kind="forget", revision=revision, author=author))
            continue
        alive = alive - {name} if kind == "delete" else alive | {name}
        links = draw(st.sampled_from([[], ["https://example.org/1"], ["https://example.org/1", "https://example.org/2"]]))
        text = "" if kind == "delete" else draw(st.sampled_from(["help", "nothing"])) + f" {revision}"
        post = Post(
            id=f"t:{name}", source="t", kind=kind, revision=revision, author=author, text=text,
            links=[] if kind == "delete" else links,
        )  # fmt: skip
        events.append(post)
    return events


@st.composite
def deliveries(draw: st.DrawFn) -> list[Post]:
    """A history as it arrives: out of order, and some of it twice."""
    history = draw(histories())
    return draw(st.permutations(history + draw(st.lists(st.sampled_from(history), max_size=4))))


cuts = st.lists(st.tuples(st.integers(1, 25), st.booleans()), max_size=4)


@pytest.fixture
def emptied(classified: Store):
    """Empties the tables that the loop writes, since hypothesis runs many times in one test."""

    def empty() -> Store:
        with classified.connect(name="empty") as conn:
            conn.execute("TRUNCATE candidates, candidate_links, predictions, tombstones, forgotten_authors, edits, positions")
        return classified

    return empty


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=deliveries(), appends=st.integers(1, 6), batch_size=st.integers(1, 6), cuts=cuts)
def test_any_order_any_batches_any_crashes_give_the_same_state(emptied, events, appends, batch_size, cuts):
    store = emptied()
    log = MemoryLog()
    for first in range(0, len(events), appends):
        append(log, *events[first : first + appends])
        if first % 2:
            run(log, DyingStore(store, cuts), batch_size=batch_size)
    run(log, DyingStore(store, cuts), batch_size=batch_size)
    assert stored(store) == reference(events)


def test_a_commit_whose_reply_was_lost_is_not_done_again(classified: Store, rows):
    # posts     hello help
    # commit    ^^^^^^^^^^ done, but the connection dies before the server's answer
    # after     the row says: my epoch and my end; go on
    log = MemoryLog()
    append(log, Post(id="t:1", source="t", text="hello"), Post(id="t:2", source="t", text="help"))
    run(log, classified)
    for cut_at in range(1, 40):  # at every exchange of the run, the commit's among them
        with classified.connect(name="rewind") as conn:
            conn.execute("TRUNCATE predictions, candidates, candidate_links, positions")
        run(log, DyingStore(classified, [(cut_at, True)]))
        assert rows("SELECT position FROM predictions ORDER BY 1") == [0, 1]
        assert rows("SELECT post_id FROM kept") == ["t:2"]
