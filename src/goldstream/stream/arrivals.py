"""A source's batches, fetched ahead by a thread and joined, so that one append holds as many posts as came meanwhile."""

import queue
import threading
import time
from collections.abc import Generator

import pyarrow as pa

from goldstream.sources.base import Arrival, Source

JOIN_POSTS = 16_384  #: most posts in one append, unless the source itself brings more at once
JOIN_BYTES = 16 << 20
WAIT_S = 0.1  #: an append at most this often, unless there is a lot to append
AHEAD = 4  #: arrivals fetched and not yet taken


class _End:
    """The source is through, or failed."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def joined(source: Source, cursor: str | None, stop: threading.Event) -> Generator[Arrival, None, None]:
    """Yield what `source` brings from `cursor` on, at once when idle and joined when busy, until it ends or `stop` is set.

    An error of the source is raised here, after everything before it. Whoever stops iterating closes the source.
    """
    fetched: queue.Queue[Arrival | _End] = queue.Queue(AHEAD)
    left = threading.Event()
    thread = threading.Thread(target=_fetch, args=(source, cursor, fetched, stop, left), name=f"fetch {source.name}")
    thread.start()
    try:
        last = 0.0
        while True:
            held, end = _gather(fetched, last + WAIT_S)
            if held:
                last = time.monotonic()
                yield _join(held)
            if end is not None:
                if end.error is not None:
                    raise end.error
                return
    finally:
        left.set()
        source.close()
        thread.join()


def _fetch(
    source: Source, cursor: str | None, fetched: "queue.Queue[Arrival | _End]", stop: threading.Event,
    left: threading.Event,
) -> None:  # fmt: skip
    error: BaseException | None = None
    try:
        for arrival in source.read(cursor):
            if stop.is_set() or not _put(fetched, arrival, left):
                break
    except BaseException as raised:
        error = raised
    _put(fetched, _End(error), left)


def _put(fetched: "queue.Queue[Arrival | _End]", item: Arrival | _End, left: threading.Event) -> bool:
    while not left.is_set():
        try:
            fetched.put(item, timeout=0.1)
        except queue.Full:
            continue
        return True
    return False


def _gather(fetched: "queue.Queue[Arrival | _End]", until: float) -> tuple[list[Arrival], _End | None]:
    """Wait for one arrival, and take those that follow until there are enough or `until` has come."""
    held: list[Arrival] = []
    posts = size = 0
    while not held or (posts < JOIN_POSTS and size < JOIN_BYTES):
        try:
            item = fetched.get(timeout=None if not held else max(0.0, until - time.monotonic()))
        except queue.Empty:
            break
        if isinstance(item, _End):
            return held, item
        held.append(item)
        posts += item.posts.num_rows
        size += item.posts.nbytes
    return held, None


def _join(arrivals: list[Arrival]) -> Arrival:
    if len(arrivals) == 1:
        return arrivals[0]
    posts = pa.concat_batches([arrival.posts for arrival in arrivals])
    return Arrival(posts, arrivals[-1].cursor, tuple(reject for arrival in arrivals for reject in arrival.rejects))
