"""`/try`: a text box that answers as you type, with the tokens that mattered and the rules that fired."""

import time
from typing import Annotated, Any

import anyio.to_thread
from msgspec import Meta
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from goldstream.annotation.posts import words
from goldstream.errors import GoldstreamError
from goldstream.store.feedback import add, rates
from goldstream.web.bodies import Body, body, clean, said
from goldstream.web.database import Connection
from goldstream.web.judging import LONGEST_TEXT
from goldstream.web.pages.annotate import Id
from goldstream.web.pages.model import champion
from goldstream.web.people import person
from goldstream.web.rendering import respond


class Tried(Body, frozen=True, kw_only=True):
    """A text, or the post whose text is meant."""

    text: Annotated[str, Meta(max_length=LONGEST_TEXT)] | None = None
    id: Id | None = None


class Feedback(Body, frozen=True, kw_only=True):
    """Whether an answer of the model was right, and what was shown."""

    correct: bool
    label: Annotated[str, Meta(max_length=200)]
    probability: Annotated[float, Meta(ge=0, le=1)]
    threshold: Annotated[float, Meta(ge=0, le=1)]
    version: Annotated[int, Meta(ge=0, lt=2**31)]
    id: Id | None = None
    text: Annotated[str, Meta(max_length=LONGEST_TEXT)] | None = None


async def trying(request: Request) -> Response:
    """Answer with the box, with `text` in it, and the rate of right answers per version."""
    state, text = request.app.state, clean(request.query_params.get("text", "")[:LONGEST_TEXT])

    def find(conn: Connection) -> dict[str, Any]:
        return {"counts": state.counters.now(conn), "champion": champion(conn), "rates": rates(conn), "text": text}

    return respond(request, "try.html", await state.database.run(find))


async def answer(request: Request) -> Response:
    """Answer with what champion and rules say of a text or a post."""
    state, wanted = request.app.state, await body(request, Tried)
    if (wanted.text is None) == (wanted.id is None):
        raise HTTPException(422, "Send a text or the id of a post.")

    def find(conn: Connection) -> dict[str, Any]:
        post = words(conn, [clean(wanted.id)]).get(clean(wanted.id)) if wanted.id is not None else None
        return {"champion": champion(conn), "post": post}

    found = await state.database.run(find)
    if wanted.id is not None and found["post"] is None:
        raise HTTPException(410, "That post is not here any more.")
    text = clean(wanted.text or "") if found["post"] is None else found["post"]["text"][:LONGEST_TEXT]
    links = None if found["post"] is None else found["post"]["links"]
    keep: str = state.settings.project.keep
    return said(await anyio.to_thread.run_sync(_judge, state.judge, found["champion"], text, links, keep))


def _judge(judge: Any, champion: dict[str, Any] | None, text: str, links: list[str] | None, keep: str) -> dict[str, Any]:
    import pyarrow as pa

    started = time.perf_counter()
    votes = judge.votes(text, links)
    silent = {"text": text, "version": None, "rules": votes, "problem": "There is no champion yet."}
    if champion is None:
        return silent
    try:
        model = judge.model(champion["version"])
    except GoldstreamError as error:
        return {**silent, "problem": f"The champion can't be loaded: {error}"}
    scored = model.predict(pa.array([text], pa.string()))
    scores = dict(zip(scored.labels, map(float, scored.scores[0]), strict=True))
    return {
        "text": text, "version": scored.version, "label": max(scores, key=scores.__getitem__), "scores": scores,
        "probability": scores.get(keep, 0.0), "threshold": champion["threshold"],
        "kept": scores.get(keep, 0.0) >= champion["threshold"], "tokens": judge.explain(model, text, keep), "rules": votes,
        "seconds": round(time.perf_counter() - started, 4),
    }  # fmt: skip


async def feedback(request: Request) -> Response:
    """Keep whether an answer was right, with what was shown; answer with the rates."""
    state, given = request.app.state, await body(request, Feedback)
    if (given.text is None) == (given.id is None):
        raise HTTPException(422, "Feedback is about a text or about a post.")
    who = person(request) or "somebody at the pages"
    shown = {
        "who": who, "correct": given.correct, "label": clean(given.label), "probability": given.probability,
        "threshold": given.threshold, "version": given.version,
        "post_id": None if given.id is None else clean(given.id), "text": None if given.text is None else clean(given.text),
    }  # fmt: skip

    def keep(conn: Connection) -> dict[str, Any]:
        if not add(conn, "try" if given.id is None else "live", shown):
            raise HTTPException(422, f"There is no version {given.version}.")
        return {"rates": rates(conn)}

    return said(await state.database.run(keep))
