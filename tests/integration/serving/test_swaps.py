"""The champion moves again and again under two `goldstream serve` and one `goldstream classify`: nothing fails or is lost."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count, groupby

import numpy as np

from goldstream.records import Post, to_columns
from goldstream.run.project import Project
from goldstream.stream.champion import LOOK_S

from .processes import asked, running, serving, version, wait_until

SWAPS, BATCH = 20, 10
NEWEST = "SELECT extract(epoch FROM clock_timestamp())::float, position, version FROM candidates ORDER BY position DESC LIMIT 1"


@contextmanager
def posts_come_in(project: Project) -> Iterator[None]:
    """Ten posts every few milliseconds, until the block ends."""
    over = threading.Event()

    def write() -> None:
        with closing(project.log()) as log:
            for number in count():
                if over.wait(0.02):
                    return
                posts = [Post(id=f"{number}-{each}", source="t", text="a flood", revision=1) for each in range(BATCH)]
                log.append(to_columns(posts), "t", None)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        over.set()
        writer.join()


def test_swaps_under_load_beside_a_live_stream_leave_no_scratch(project: Project) -> None:
    registry, config = project.registry(), str(project.config)
    seen, followed = [], []
    with (
        serving(project.config) as (_, one), serving(project.config) as (_, other),
        running("classify", "--follow", "-c", config), project.store.connect(name="test") as conn,
    ):  # fmt: skip

        def stream() -> int | None:
            row = conn.execute(NEWEST).fetchone()
            seen.extend([row] if row else [])
            return None if row is None else row[2]

        with posts_come_in(project), asked(one, one, other, other) as clients:
            wait_until(lambda: stream() == 1, "the stream is classified")
            for swap in range(SWAPS):
                wanted = 1 + (swap + 1) % 2
                registry.move("champion", wanted, who="test", why=f"swap {swap}")
                wait_until(lambda: [version(one), version(other), stream()] == [wanted] * 3, "all follow")  # noqa: B023
                followed.append(conn.execute("SELECT extract(epoch FROM clock_timestamp())::float").fetchone()[0])
        answers = [client.end() for client in clients]
        wait_until(lambda: conn.execute(DONE).fetchone()[0], "all posts are classified")
        history = conn.execute("SELECT extract(epoch FROM at)::float, after FROM alias_moves ORDER BY id").fetchall()
        rows = conn.execute("SELECT position, version FROM predictions ORDER BY position").fetchall()
        came = conn.execute("SELECT first_position, posts, extract(epoch FROM appended_at)::float FROM log_batches").fetchall()
    assert {answer.status for each in answers for answer in each} == {200}
    assert all(len({answer.version for answer in each}) == 2 for each in answers)
    assert [position for position, _ in rows] == list(range(sum(posts for _, posts, _ in came)))
    in_turn = iter([after for _, after in history])
    assert all(version in in_turn for version, _ in groupby(version for _, version in rows))
    assert unexplained(rows, came, history, followed, seen) == []
    took = [seen_at - moved_at for (moved_at, _), seen_at in zip(history[1:], followed, strict=True)]
    print(
        f"followed within {np.median(took):.3f} s, the slowest {max(took):.3f} s; by polling alone it would be up to {LOOK_S} s"
    )


DONE = "SELECT next_position = (SELECT position FROM positions WHERE reader = 'classify') FROM logs"


def unexplained(rows: list, came: list, history: list, followed: list[float], seen: list) -> list[tuple[int, int]]:
    """Positions and versions that were nobody's champion between the arrival of the post and the first look at its row.

    A version is champion from the move to it until the next move was seen to be followed.
    """
    since = {position: at for first, posts, at in came for position in range(first, first + posts)}
    reached = np.maximum.accumulate([position for _, position, _ in seen])
    champions = [(*move, gone) for move, gone in zip(history, [*followed, np.inf], strict=True)]
    found = []
    for position, wrote in rows:
        looked = np.searchsorted(reached, position)
        until = seen[looked][0] if looked < len(seen) else np.inf
        if not any(named == wrote and moved <= until and gone >= since[position] for moved, named, gone in champions):
            found.append((position, wrote))
    return found
