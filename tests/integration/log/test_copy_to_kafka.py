"""`goldstream log copy`: from one log to another and back, no post is lost and none is read twice."""

from collections.abc import Callable
from typing import Any

from goldstream import settings
from goldstream.log.base import Log
from goldstream.log.embedded import EmbeddedLog
from goldstream.log.kafka import KafkaLog
from goldstream.records import Post, empty, to_columns
from goldstream.run.copy_log import copy
from goldstream.store import Store, positions


def posts(first: int, count: int) -> Any:
    return to_columns([Post(id=f"a:{n}", source="a", text="hello") for n in range(first, first + count)])


def read(log: Log, store: Store, reader: str, limit: int | None = None) -> set[str]:
    """Read on from where the reader stands, at most `limit` posts of each partition; return the ids."""
    seen: list[str] = []
    for partition, extent in log.extents().items():
        with store.connect(name="read") as conn:
            taken = positions.take(conn, reader, log.identity, partition)
            for part in log.read(partition, max(taken.position, extent.start), limit or 100):
                seen += part.posts["id"].to_pylist()
                taken = positions.advance(conn, taken, part.end)
                if limit:
                    break
    assert len(seen) == len(set(seen))
    return set(seen)


def test_there_and_back(store: Store, kafka: Callable[..., settings.Settings]):
    # readers            quick        slow
    # embedded       0 ······· 60 ··· 20 read ········ 100
    # kafka, 3 parts           + 30 more, some read
    embedded, remote = EmbeddedLog(store), KafkaLog(store, kafka(partitions=3))
    for first in range(0, 100, 20):
        embedded.append(posts(first, 20), "a", str(first))
    embedded.append(empty(), "b", "x")
    early = {"quick": read(embedded, store, "quick", 60), "slow": read(embedded, store, "slow", 20)}
    assert copy(embedded, remote, store) == {"posts": 100, "readers": 2, "cursors": 2}
    assert remote.cursors() == {"a": "80", "b": "x"}
    every = {f"a:{n}" for n in range(100)}
    middle = {"quick": read(remote, store, "quick", 5), "slow": read(remote, store, "slow", 9)}
    assert all(not early[reader] & middle[reader] for reader in early)
    remote.append(posts(100, 30), "a", "110")
    back = EmbeddedLog(store, "back")
    assert copy(remote, back, store)["posts"] == 130
    assert back.cursors() == {"a": "110", "b": "x"}
    every |= {f"a:{n}" for n in range(100, 130)}
    late = {reader: read(back, store, reader) for reader in early}
    for reader in early:
        assert early[reader] | middle[reader] | late[reader] == every
    assert not late["quick"] & early["quick"] and not late["slow"] & (early["slow"] | middle["slow"])
    embedded.close(), remote.close(), back.close()
