"""`/model`: who decides what is kept, how good it is, and what it learnt from."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from goldstream.web.database import Connection, one, rows
from goldstream.web.rendering import respond

_CHAMPION = """
    SELECT version, name, created_at, labels, threshold, evidence FROM models
    WHERE version = (SELECT after FROM alias_moves WHERE alias = 'champion' ORDER BY id DESC LIMIT 1)
"""
_VERSIONS = """
    SELECT version, name, created_at, threshold, evidence->'metrics' AS metrics,
           evidence->>'evaluated_on' AS evaluated_on
    FROM models ORDER BY version DESC LIMIT 50
"""
_MOVES = "SELECT at, alias, before, after, who, why FROM alias_moves ORDER BY id DESC LIMIT 50"
_RUN = "SELECT at, label_model, report FROM label_runs ORDER BY id DESC LIMIT 1"
_MOVED_THRESHOLD = "SELECT threshold FROM threshold_moves ORDER BY id DESC LIMIT 1"


async def model(request: Request) -> Response:
    """Answer with the champion's evidence, all versions, alias moves, and the table of labelling functions."""
    state = request.app.state

    def ask(conn: Connection) -> dict[str, Any]:
        return {
            "counts": state.counters.now(conn), "champion": champion(conn), "versions": rows(conn, _VERSIONS),
            "moves": rows(conn, _MOVES), "labels": next(iter(rows(conn, _RUN)), None),
        }  # fmt: skip

    return respond(request, "model.html", await state.database.run(ask))


def champion(conn: Connection) -> dict[str, Any] | None:
    """Return the champion with its metrics and the threshold in force; None while there is none."""
    found = next(iter(rows(conn, _CHAMPION)), None)
    if found is None:
        return None
    evidence = found.pop("evidence")
    moved = one(conn, _MOVED_THRESHOLD)
    shown = ("trained_on", "dataset", "evaluated_on", "label_model", "seed", "code", "seconds")
    return {
        **found, "chosen_threshold": found["threshold"], "threshold": found["threshold"] if moved is None else moved,
        "metrics": evidence.get("metrics") or {}, **{name: evidence.get(name) for name in shown},
    }  # fmt: skip
