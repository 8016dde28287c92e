"""`/annotate`: one post per screen; people say what it is."""

from typing import Annotated, Any, Literal

from msgspec import Meta
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from goldstream.annotation import answers, questions
from goldstream.annotation.posts import words
from goldstream.web.asking import again, ask
from goldstream.web.bodies import Body, body, clean, said
from goldstream.web.database import Connection
from goldstream.web.guidelines import read
from goldstream.web.people import NAME_COOKIE, needs_person, person, proper_name, remember
from goldstream.web.rendering import respond

Id = Annotated[str, Meta(min_length=1, max_length=2_000)]
MOST_AHEAD = 20  #: questions that a page holds


class Name(Body, frozen=True, kw_only=True):
    """Who answers in this browser."""

    name: Annotated[str, Meta(max_length=200)]


class Ahead(Body, frozen=True, kw_only=True):
    """Which questions a page holds already, and how many more it wants."""

    have: Annotated[tuple[Id, ...], Meta(max_length=2 * MOST_AHEAD)] = ()
    limit: Annotated[int, Meta(ge=1, le=MOST_AHEAD)] = 5


class Answer(Body, frozen=True, kw_only=True):
    """What a person says of one post."""

    id: Id
    revision: int = 0
    act: Literal["answer", "skip", "adjudicate"] = "answer"
    label: Annotated[str, Meta(max_length=200)] | None = None
    note: Annotated[str, Meta(max_length=answers.LONGEST_NOTE)] = ""
    seconds: Annotated[float, Meta(ge=0)] | None = None
    suggested: bool = False  #: whether the suggestions were shown


async def annotate(request: Request) -> Response:
    """Answer with the page; its script asks for the questions."""
    state, me = request.app.state, person(request)

    def find(conn: Connection) -> dict[str, Any]:
        return {
            "counts": state.counters.now(conn), "me": me, "named": state.named, "labels": state.settings.project.labels,
            "blind": state.settings.annotation.blind, "overlap": state.settings.annotation.overlap,
            "answered": state.team.answered(conn, me), "team": state.team.get(conn),
            "conflicts": state.team.conflicts(conn), "guidelines": read(state.guidelines),
            "guidelines_file": state.settings.annotation.guidelines,
        }  # fmt: skip

    return respond(request, "annotate.html", await state.database.run(find))


async def name(request: Request) -> Response:
    """Let this browser answer under a name, or under none any more when that is empty."""
    if request.app.state.named:
        raise HTTPException(403, "Names come with a token here: enter yours at /enter.")
    given = (await body(request, Name)).name
    wanted = proper_name(given)
    if not given:
        forgotten = said({"name": None})
        forgotten.delete_cookie(NAME_COOKIE)
        return forgotten
    if wanted is None:
        raise HTTPException(422, "A name starts with a letter or digit and has up to 60 letters, digits, spaces, . - _ or @.")
    response = said({"name": wanted})
    remember(response, wanted)
    return response


async def ahead(request: Request) -> Response:
    """Answer with the next questions, and lend them to this person."""
    state, me, wanted = request.app.state, needs_person(request), await body(request, Ahead)
    section = state.settings.annotation

    def find(conn: Connection) -> dict[str, Any]:
        found = ask(conn, me, state.settings.project, overlap=section.overlap, limit=wanted.limit, have=list(wanted.have))
        left = questions.left_for(conn, me)
        data = {"questions": found, "left": left, "drawing": state.rounds.keep_up(left)}
        return data if found else {**data, **_nothing_left(state.counters.now(conn))}

    return said(await state.database.run(find))


async def answer(request: Request) -> Response:
    """Keep what the person says."""
    state, me, given = request.app.state, needs_person(request), await body(request, Answer)
    project, overlap = state.settings.project, state.settings.annotation.overlap
    if (given.label is None) != (given.act == "skip"):
        raise HTTPException(422, "An answer has a label, and a skip has none.")
    if given.label is not None and given.label not in project.labels:
        raise HTTPException(422, f"There is no label {given.label!r}; there are {', '.join(project.labels)}.")
    post_id = clean(given.id)

    def keep(conn: Connection) -> dict[str, Any] | None:
        if not words(conn, [post_id]):
            return None
        number = answers.answer(
            conn, post_id, me, given.label, act=given.act, revision=given.revision, note=clean(given.note),
            seconds=given.seconds, shown=_shown(conn, post_id) if given.suggested else None, overlap=overlap,
        )  # fmt: skip
        return {"annotation": number}

    kept = await state.database.run(keep)
    if kept is None:
        raise HTTPException(410, "That post is not here any more; nothing was kept.")
    return said(kept)


async def undo(request: Request) -> Response:
    """Take back the person's newest answer, and answer with its post, to be asked again."""
    state, me = request.app.state, needs_person(request)
    section = state.settings.annotation

    def take_back(conn: Connection) -> dict[str, Any]:
        posts = answers.undo(conn, me, overlap=section.overlap)
        return {"posts": posts, "questions": again(conn, posts[:MOST_AHEAD], state.settings.project)}

    return said(await state.database.run(take_back))


def _nothing_left(counts: dict[str, Any]) -> dict[str, str]:
    """What to tell somebody who has no question: there will be some, or all are answered."""
    step = counts["step"]
    if step["name"] in {"waiting", "collecting", "splitting"}:
        return {"title": step["title"], "detail": f"{step['detail']} You will be asked as soon as posts are here."}
    return {"title": "Nothing left to ask you", "detail": "New questions come by themselves when new posts are kept."}


def _shown(conn: Connection, post_id: str) -> dict[str, Any] | None:
    """What was suggested, as it was when the question was drawn."""
    asked = next(iter(questions.of(conn, [post_id])), None)
    return asked and {name: asked[name] for name in ("probability", "version", "soft_label")}
