"""`/status`: readers and their lag, dead letters, disk, and which parts run."""

import shutil
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from goldstream.web.counters import Costly
from goldstream.web.database import Connection, one, rows
from goldstream.web.rendering import respond

_LOGS = "SELECT log, start_position, next_position, last_batch_at FROM logs ORDER BY log"
_SOURCES = "SELECT source, left(cursor, 200) AS cursor, updated_at FROM cursors ORDER BY source"
_DEAD = """
    SELECT stage, source, left(reason, 160) AS reason, count(*) AS letters, max(at) AS newest
    FROM dead_letters WHERE replayed_at IS NULL GROUP BY 1, 2, 3 ORDER BY letters DESC, newest DESC LIMIT 50
"""
_DATASETS = "SELECT prefix, version, state, created_at, counts FROM datasets ORDER BY created_at DESC LIMIT 20"


class DeadLetters:
    """The dead letters by reason, counted again when that can be afforded."""

    def __init__(self) -> None:
        self._found = Costly(lambda conn: rows(conn, _DEAD))

    def get(self, conn: Connection) -> list[dict[str, Any]]:
        """Return a row for each stage, source and reason, most letters first."""
        found: list[dict[str, Any]] = self._found.get(conn)
        return found


async def status(request: Request) -> Response:
    """Answer with the state of everything."""
    state = request.app.state

    def ask(conn: Connection) -> dict[str, Any]:
        return {
            "counts": state.counters.now(conn), "logs": rows(conn, _LOGS), "sources": rows(conn, _SOURCES),
            "dead_letters": state.dead_letters.get(conn), "datasets": rows(conn, _DATASETS),
            "disk": disk(conn, state.embedded), "parts": dict(state.parts()) if state.parts else {},
        }  # fmt: skip

    return respond(request, "status.html", await state.database.run(ask))


def disk(conn: Connection, embedded: bool) -> dict[str, int | None]:
    """Return the bytes that the project's database takes, and those that are free where an embedded one lives."""
    used = one(conn, "SELECT pg_database_size(current_database())")
    folder = one(conn, "SELECT current_setting('data_directory')") if embedded else None
    try:
        free = shutil.disk_usage(folder).free if folder else None
    except OSError:
        free = None
    return {"used": used, "free": free}
