"""`/model`: who decides what is kept, how good it is, and what it learnt from."""

from collections.abc import Callable
from typing import Annotated, Any

import anyio.to_thread
from msgspec import Meta
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from goldstream.errors import GoldstreamError
from goldstream.store import trial_results
from goldstream.web.bodies import Body, body, clean, said
from goldstream.web.database import Connection, one, rows
from goldstream.web.people import person
from goldstream.web.rendering import respond

Why = Annotated[str, Meta(min_length=3, max_length=1_000)]

_CHAMPION = """
    SELECT version, name, created_at, labels, threshold, evidence FROM models
    WHERE version = (SELECT after FROM alias_moves WHERE alias = 'champion' ORDER BY id DESC LIMIT 1)
"""
_VERSIONS = """
    SELECT version, name, created_at, threshold, evidence->'metrics' AS metrics,
           evidence->>'evaluated_on' AS evaluated_on, said.answers, said.right
    FROM models LEFT JOIN (SELECT version, count(*) AS answers, count(*) FILTER (WHERE correct) AS right
                           FROM latest_feedback GROUP BY version) said USING (version)
    ORDER BY version DESC LIMIT 50
"""
_MOVES = """
    SELECT at, alias, before, after, who, why FROM alias_moves
    UNION ALL SELECT at, alias, stays, version, who, 'refused: ' || why FROM alias_refusals
    ORDER BY at DESC LIMIT 50
"""
_RUN = "SELECT at, label_model, report FROM label_runs ORDER BY id DESC LIMIT 1"
_THRESHOLD = "SELECT threshold FROM thresholds WHERE version = %s"


class Promotion(Body, frozen=True, kw_only=True):
    """Which version is to decide, and why."""

    version: Annotated[int, Meta(ge=0, lt=2**31)]
    why: Why


class Rollback(Body, frozen=True, kw_only=True):
    """Why the last move is taken back."""

    why: Why


async def promote(request: Request) -> Response:
    """Make a version champion, once it has loaded and passed its checks; 409 when it does not."""
    state, given = request.app.state, await body(request, Promotion)
    who, project = acting(request), state.settings.project

    def move() -> int:
        from goldstream.training.promotion import promote as promoted

        with state.judge.registry() as registry:
            promoted(registry, given.version, state.judge.cache, project, who=who, why=clean(given.why))
        return given.version

    return said({"champion": await _moved(move)})


async def rollback(request: Request) -> Response:
    """Take the champion's last move back; 409 when there is none."""
    state, given, who = request.app.state, await body(request, Rollback), acting(request)

    def move() -> int:
        with state.judge.registry() as registry:
            version: int = registry.rollback("champion", who=who, why=clean(given.why))
        return version

    return said({"champion": await _moved(move)})


async def _moved(move: Callable[[], int]) -> int:
    try:
        return await anyio.to_thread.run_sync(move)
    except GoldstreamError as error:
        raise HTTPException(409, str(error)) from None


def acting(request: Request) -> str:
    """Return who moves something, for the history; refuses with 403 a stranger where people have tokens."""
    found = person(request)
    if found is None and request.app.state.named:
        raise HTTPException(403, "Say who you are first, with your own token at /enter.")
    return found or "somebody at the pages"


async def model(request: Request) -> Response:
    """Answer with the champion's evidence, all versions, the trial that runs, alias moves, and the table of labelling functions."""
    state = request.app.state

    def ask(conn: Connection) -> dict[str, Any]:
        return {
            "counts": state.counters.now(conn), "champion": champion(conn), "versions": rows(conn, _VERSIONS),
            "trial": trial_results.on_requests(conn), "moves": rows(conn, _MOVES), "labels": next(iter(rows(conn, _RUN)), None),
        }  # fmt: skip

    return respond(request, "model.html", await state.database.run(ask))


def champion(conn: Connection) -> dict[str, Any] | None:
    """Return the champion with its metrics and the threshold in force; None while there is none."""
    found = next(iter(rows(conn, _CHAMPION)), None)
    if found is None:
        return None
    evidence = found.pop("evidence")
    shown = ("trained_on", "dataset", "evaluated_on", "label_model", "seed", "code", "seconds")
    return {
        **found, "chosen_threshold": found["threshold"], "threshold": one(conn, _THRESHOLD, (found["version"],)),
        "metrics": evidence.get("metrics") or {}, **{name: evidence.get(name) for name in shown},
    }  # fmt: skip
