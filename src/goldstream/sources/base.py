"""What a source is: one network's protocol, spoken, and batches of posts out of it.

The cursor travels with the batch, so there is no second call to get out of step with. A source never sees our log or
our store: whoever reads it appends the batch together with the cursor, and resumes it from there.
"""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import pyarrow as pa


class Reject(NamedTuple):
    """Something that came in and could not become a post."""

    reason: str  #: what was wrong, with the field or byte
    payload: bytes  #: as it came, cut to 64 KiB
    where: str  #: file and line, or offset, or sequence number


class Arrival(NamedTuple):
    """A batch of posts and where to resume once they are safe."""

    posts: pa.RecordBatch  #: schema `POSTS`; may be empty: "nothing yet", or only rejects
    cursor: str | None  #: resume here; None before the first thing came
    rejects: tuple[Reject, ...] = ()


class Source(Protocol):
    """One network, feed or file. Made from its own settings section: `Files(settings)`."""

    @property
    def name(self) -> str:
        """What this source is called in the store: unique within a project."""
        ...

    def read(self, cursor: str | None) -> Iterator[Arrival]:
        """Yield what came after `cursor` (None: from the beginning, or from now on, as the network has it).

        Ends when the source is through; a live source goes on for ever and yields empty batches when idle, at least
        once a second, so that whoever reads it can stop.
        """
        ...

    def close(self) -> None:
        """Let go of connections and files; a second call does nothing."""
        ...
