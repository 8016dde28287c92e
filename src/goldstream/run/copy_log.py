"""Moves a project from one log to another, with every reader's position and every source's cursor.

The posts go over in stages: up to where the slowest reader stands, then the next one, and so on. At the end of a stage the
new log ends exactly where these readers stand in the old one. Readers of several partitions need not stand in such an
order; then a reader is set back to the latest stage that holds nothing it has not read, and reads a few posts again,
which changes nothing that people see.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from goldstream import plugins
from goldstream.errors import SettingsError
from goldstream.log.base import UNREADABLE, Log
from goldstream.records import empty
from goldstream.run.project import Project
from goldstream.run.supervisor import only_one
from goldstream.store import Store, dead_letters, positions

BATCH = 16_384
WRITER = "log copy"  #: the source that the new log names for these appends

Places = dict[int, int]  #: partition → position


class Stage(NamedTuple):
    """How far to copy, and who stands there."""

    until: Places
    readers: list[str]


def copy_log(project: Project, to: str, say: Callable[[str], None]) -> dict[str, Any]:
    """Copy the log of the settings to the one of type `to`; return what was copied. The project must not be running.

    The settings are left for the user to change. Started again after an interruption, it copies once more.
    """
    old_type = project.settings.log.type
    if to == old_type:
        raise SettingsError(f"the log is of type {to!r} already (log.type)")
    section = msgspec.structs.replace(project.settings, log=msgspec.structs.replace(project.settings.log, type=to))
    with only_one(project.data_folder):
        old, new = project.log(), plugins.find("logs", to).open(project.store, section)
        try:
            copied = copy(old, new, project.store)
        finally:
            old.close()
            new.close()
    say(f'now set type = "{to}" under [log]')
    return copied


def copy(old: Log, new: Log, store: Store) -> dict[str, Any]:
    """Copy posts, cursors and positions from `old` to `new`."""
    extents = old.extents()
    at: Places = {partition: extent.start for partition, extent in extents.items()}
    ends: Places = {partition: extent.end for partition, extent in extents.items()}
    moved: dict[str, Mapping[int, int]] = {}
    posts = 0
    for stage in [*stages(_positions(old, store, at, ends)), Stage(ends, [])]:
        for partition, until in stage.until.items():
            posts += _copy_partition(old, new, store, partition, at[partition], until)
        at = stage.until
        here = {partition: extent.end for partition, extent in new.extents().items()}
        moved.update(dict.fromkeys(stage.readers, here))
    cursors = old.cursors()
    for source, cursor in cursors.items():
        new.append(empty(), source, cursor)
    with store.connect(name="log copy") as conn, conn.transaction():
        for reader, places in moved.items():
            for partition, position in places.items():
                positions.rewind(conn, reader, new.identity, partition, position)
    return {"posts": posts, "readers": len(moved), "cursors": len(cursors)}


def stages(readers: Mapping[str, Places]) -> list[Stage]:
    """Return the stages in order; each reaches at least as far as the one before, in every partition.

    >>> [(stage.until, stage.readers) for stage in stages({"a": {0: 5, 1: 2}, "b": {0: 9, 1: 1}})]
    [({0: 5, 1: 1}, ['a']), ({0: 9, 1: 1}, ['b'])]
    """
    found: list[Stage] = []
    ahead: Places | None = None
    for reader, places in sorted(readers.items(), key=lambda item: -sum(item[1].values())):
        ahead = places if ahead is None else {partition: min(place, ahead[partition]) for partition, place in places.items()}
        found.append(Stage(ahead, [reader]))
    return found[::-1]


def _positions(old: Log, store: Store, starts: Places, ends: Places) -> dict[str, Places]:
    """Where every reader of `old` stands, in every partition."""
    with store.connect(name="log copy") as conn:
        query = "SELECT reader, partition, position FROM positions WHERE log = %s"
        rows = conn.execute(query, (old.identity,)).fetchall()
    found: dict[str, Places] = {reader: dict(starts) for reader, _, _ in rows}
    for reader, partition, position in rows:
        if partition in starts:
            found[reader][partition] = min(max(position, starts[partition]), ends[partition])
    return found


def _copy_partition(old: Log, new: Log, store: Store, partition: int, after: int, until: int) -> int:
    """Copy what stands in `[after, until)`; return how many posts that were."""
    posts = 0
    if after >= until:
        return 0
    for part in old.read(partition, after, BATCH):
        rows = int(np.searchsorted(part.positions, until))
        batch = part.posts.slice(0, rows)
        readable = batch.filter(pc.not_equal(batch["kind"], pa.scalar(UNREADABLE)))
        if part.letters:
            with store.connect(name="log copy") as conn:
                dead_letters.add(conn, part.letters)
        if readable.num_rows:
            new.append(readable, WRITER, None)
        posts += readable.num_rows
        if part.end >= until:
            break
    return posts
