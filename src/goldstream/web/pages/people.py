"""`/people`: who answered how much, how fast, how far people agree, and everything that was said, in order."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from goldstream.annotation.people import compared, trail
from goldstream.web.counters import Costly, Refresher
from goldstream.web.database import Connection
from goldstream.web.pages.exchange import ENDINGS
from goldstream.web.pages.live import position
from goldstream.web.people import person
from goldstream.web.rendering import respond

SHOWN = 50
LONGEST_NAME = 200


class Agreement:
    """How far people agree; worked out again when that can be afforded."""

    def __init__(self, refresher: Refresher) -> None:
        self._found = Costly(_agreement, refresher)

    def get(self, conn: Connection) -> dict[str, Any]:
        """Return κ and α with their intervals, and κ for each two people."""
        found: dict[str, Any] = self._found.get(conn)
        return found


def _agreement(conn: Connection) -> dict[str, Any]:
    from goldstream.annotation.agreement import agreement, answers_table

    return agreement(answers_table(compared(conn)))


async def people(request: Request) -> Response:
    """Answer with people, agreement and the trail; `name` shows one person's, `before` older acts."""
    state = request.app.state
    name = request.query_params.get("name", "")[:LONGEST_NAME].replace("\x00", "") or None
    before = position(request.query_params.get("before"))

    def find(conn: Connection) -> dict[str, Any]:
        acts = trail(conn, name=name, before=before, limit=SHOWN)
        return {
            "counts": state.counters.now(conn), "people": state.team.get(conn), "agreement": state.agreement.get(conn),
            "conflicts": state.team.conflicts(conn), "acts": acts, "name": name,
            "me": person(request), "formats": list(ENDINGS),
            "next": acts[-1]["id"] if len(acts) == SHOWN else None,
        }  # fmt: skip

    return respond(request, "people.html", await state.database.run(find))
