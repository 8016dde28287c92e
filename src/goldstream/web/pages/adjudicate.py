"""`/adjudicate`: posts on whose label people disagree, or that model and rules doubt; the answer here is final."""

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
    """Answer with the posts that wait longest for a decision (`show=doubted`: the worst first); `/annotate/answer` takes it."""
    state, me = request.app.state, person(request)
    doubted = request.query_params.get("show") == "doubted"

    def find(conn: Connection) -> dict[str, Any]:
        shared = {
            "counts": state.counters.now(conn), "me": me, "labels": state.settings.project.labels, "doubted": doubted,
            "waiting": state.team.conflicts(conn),
        }  # fmt: skip
        return {**shared, "posts": (_doubted if doubted else _disputed)(conn, state)}

    return respond(request, "adjudicate.html", await state.database.run(find))


def _disputed(conn: Connection, state: Any) -> list[dict[str, Any]]:
    """Posts on whose label people disagree, with `said`: who says what."""
    found = {row["post_id"]: row for row in conflicts(conn, SHOWN)}
    posts = again(conn, list(found), state.settings.project)
    if gone := found.keys() - {post["id"] for post in posts}:
        forget(conn, sorted(gone))
    return [{**post, "said": found[post["id"]]["said"]} for post in posts]


def _doubted(conn: Connection, state: Any) -> list[dict[str, Any]]:
    """Posts whose gold label champion and rules contradict, with `said`: the label, and what speaks against it."""
    found = {post["id"]: post for post in state.doubts.get(conn)["posts"]}
    shown = []
    for post in again(conn, list(found), state.settings.project):
        doubt = found[post["id"]]
        said = [{"annotator": "gold", "label": doubt["gold"], "note": None}]
        if doubt["probability"] is not None:
            said.append({"annotator": "model", "label": doubt["instead"], "note": f"{doubt['probability']:.3f}"})
        said += [{"annotator": name, "label": vote, "note": None} for name, vote in doubt["votes"].items()]
        shown.append({**post, "said": said})
    return shown
