"""`/status`: readers and their lag, dead letters, disk, and which parts run."""

import shutil
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from goldstream.errors import DataError
from goldstream.store.threshold import move
from goldstream.web.bodies import Body, body, clean, said
from goldstream.web.counters import Costly, Refresher
from goldstream.web.database import Connection, one, rows
from goldstream.web.pages.model import Why, acting, champion
from goldstream.web.rendering import respond

_LOGS = "SELECT log, start_position, next_position, last_batch_at FROM logs ORDER BY log"
_SOURCES = "SELECT source, left(cursor, 200) AS cursor, updated_at FROM cursors ORDER BY source"
_DEAD = """
    SELECT stage, source, left(reason, 160) AS reason, count(*) AS letters, max(at) AS newest
    FROM dead_letters WHERE replayed_at IS NULL GROUP BY 1, 2, 3 ORDER BY letters DESC, newest DESC LIMIT 50
"""
_DATASETS = "SELECT prefix, version, state, created_at, counts FROM datasets ORDER BY created_at DESC LIMIT 20"


#: Posts that came in by the minute, the last hour; batches are few, and their payload is not read.
_ARRIVALS = """
    SELECT extract(epoch FROM date_trunc('minute', appended_at))::bigint AS minute, sum(posts)::bigint AS posts
    FROM log_batches WHERE appended_at > now() - interval '1 hour' GROUP BY 1 ORDER BY 1
"""
_CONNECTED = """
    SELECT DISTINCT substr(application_name, 12) AS part FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'goldstream %%' ORDER BY part
"""
_OTHERS = {"web", "draw questions"}  # our own


class Threshold(Body, frozen=True, kw_only=True):
    """From which probability on a post is kept (null: what each model chose), and why."""

    threshold: Annotated[float, Meta(ge=0, le=1)] | None
    why: Why


class DeadLetters:
    """The dead letters by reason, counted again when that can be afforded."""

    def __init__(self, refresher: Refresher) -> None:
        self._found = Costly(lambda conn: rows(conn, _DEAD), refresher)

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
            "disk": disk(conn, state.embedded), "parts": [msgspec.structs.asdict(part) for part in (state.parts or tuple)()],
            "connected": [row["part"] for row in rows(conn, _CONNECTED) if row["part"] not in _OTHERS],
            "champion": champion(conn), "floor": state.settings.stream.keep_floor,
            "expected": state.expected.get(conn), "arrivals": state.arrivals.get(conn),
        }  # fmt: skip

    return respond(request, "status.html", await state.database.run(ask))


async def threshold(request: Request) -> Response:
    """Move the threshold for every model at once; 409 below what is stored."""
    state, given, who = request.app.state, await body(request, Threshold), acting(request)

    def moved(conn: Connection) -> dict[str, Any]:
        floor = state.settings.stream.keep_floor
        try:
            return {"kept": move(conn, given.threshold, floor=floor, who=who, why=clean(given.why))}
        except DataError as error:
            raise HTTPException(409, str(error)) from None

    return said(await state.database.run(moved))


def arrivals(refresher: Refresher) -> Costly:
    """Return what knows how many posts came in, by the minute."""
    return Costly(lambda conn: rows(conn, _ARRIVALS), refresher)


def disk(conn: Connection, embedded: bool) -> dict[str, int | None]:
    """Return the bytes that the project's database takes, and those that are free where an embedded one lives."""
    used = one(conn, "SELECT pg_database_size(current_database())")
    folder = one(conn, "SELECT current_setting('data_directory')") if embedded else None
    try:
        free = shutil.disk_usage(folder).free if folder else None
    except OSError:
        free = None
    return {"used": used, "free": free}
