"""How far every reader is behind a log that is not in the store, such as Kafka's."""

from contextlib import closing
from typing import TYPE_CHECKING, Any

from goldstream.clock import now
from goldstream.errors import LogError
from goldstream.run.project import Project

if TYPE_CHECKING:
    import psycopg

    from goldstream.log.base import Extent, Log

_READERS = """
    SELECT p.reader, l.topic || '/' || l.partition, p.partition, p.position
    FROM positions p LEFT JOIN log_partitions l ON l.number = p.partition
    WHERE p.log = %s ORDER BY p.reader, p.partition
"""


def look(project: Project, conn: "psycopg.Connection[Any]") -> dict[str, Any]:
    """Return how far the log reaches, its readers with their lag, and the sources' cursors; or why it can't be asked."""
    try:
        with closing(project.log()) as log:
            extents = log.extents()
            readers = [
                {
                    "reader": reader,
                    "topic": topic,
                    "position": position,
                    **_behind(log, extents.get(partition), partition, position),
                }
                for reader, topic, partition, position in conn.execute(_READERS, (log.identity,))
            ]
            reach = [{"log": log.identity, "partition": number, **extent._asdict()} for number, extent in extents.items()]
            sources = [{"source": source, "cursor": cursor} for source, cursor in log.cursors().items()]
            return {"log": reach, "readers": readers, "sources": sources}
    except LogError as error:
        return {"log": [{"error": str(error)}]}


def _behind(log: "Log", extent: "Extent | None", partition: int, position: int) -> dict[str, Any]:
    """Posts that are not read yet, and the age of the oldest of them in seconds."""
    if extent is None:  # its topic is gone
        return {"posts": None, "seconds": None}
    posts = max(0, extent.end - max(position, extent.start))
    part = next(log.read(partition, position, 1), None) if posts else None
    seen_at = part.posts["seen_at"][0].as_py() if part is not None else None
    return {"posts": posts, "seconds": (now() - seen_at).total_seconds() if seen_at is not None else 0.0}
