"""`/adjudicate`: posts on whose label people disagree, each with who said what; the answer here is final."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from goldstream.annotation.people import conflicts, forget
from goldstream.web.asking import again
from goldstream.web.database import Connection
from goldstream.web.people import person
from goldstream.web.rendering import respond

SHOWN = 20


async def adjudicate(request: Request) -> Response:
    """Answer with the posts that wait longest for a decision; `/annotate/answer` takes it."""
    state, me = request.app.state, person(request)

    def find(conn: Connection) -> dict[str, Any]:
        disputed = {row["post_id"]: row for row in conflicts(conn, SHOWN)}
        posts = again(conn, list(disputed), state.settings.project)
        if gone := disputed.keys() - {post["id"] for post in posts}:
            forget(conn, sorted(gone))
        return {
            "counts": state.counters.now(conn), "me": me, "labels": state.settings.project.labels,
            "waiting": state.team.conflicts(conn), "posts": [{**post, "said": disputed[post["id"]]["said"]} for post in posts],
        }  # fmt: skip

    return respond(request, "adjudicate.html", await state.database.run(find))
