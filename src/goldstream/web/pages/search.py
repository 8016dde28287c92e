"""`/search`: posts by words, by rule, or by likeness to a post; many are labelled at once, with undo."""

import threading
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from goldstream.annotation import answers
from goldstream.annotation.posts import words
from goldstream.annotation.search import LONGEST_QUERY, by_words, unanswered
from goldstream.errors import DataError
from goldstream.web import votes
from goldstream.web.asking import again
from goldstream.web.bodies import Body, body, clean, said
from goldstream.web.database import Connection
from goldstream.web.pages.annotate import Id
from goldstream.web.pages.rules import Rules
from goldstream.web.people import needs_person, person
from goldstream.web.rendering import respond

if TYPE_CHECKING:
    import polars as pl

    from goldstream.models.likeness import Likeness

SHOWN = 100  #: posts at once
MOST = 1_000  #: labelled at once


class Many(Body, frozen=True, kw_only=True):
    """Posts that all get one label."""

    ids: Annotated[tuple[Id, ...], Meta(min_length=1, max_length=MOST)]
    label: Annotated[str, Meta(max_length=200)]


class Batch(Body, frozen=True, kw_only=True):
    """What was labelled at once."""

    batch: int


class Alike:
    """Posts hashed for comparison, for as long as the rules page's posts are remembered."""

    def __init__(self, rules: Rules) -> None:
        self._rules, self._lock = rules, threading.Lock()
        self._posts: pl.DataFrame | None = None
        self._likeness: Likeness | None = None

    def to(self, conn: Connection, text: str) -> list[tuple[str, float]]:
        """Return posts of the newest dataset by likeness to a text, the likest first; none before there is a dataset."""
        from goldstream.models.likeness import Likeness

        posts = self._rules.posts(conn)
        if posts is None:
            return []
        with self._lock:
            if self._likeness is None or self._posts is not posts:
                self._posts, self._likeness = posts, Likeness(posts["text"].to_arrow())
            likeness = self._likeness.to(text)
        best = (-likeness).argsort()[: 3 * SHOWN]
        return [(posts["id"][int(row)], float(likeness[row])) for row in best]


async def search(request: Request) -> Response:
    """Answer with posts: `q` for words, `rule` for a function that votes on them, `like` for a post they are like."""
    state, asked, me = request.app.state, request.query_params, person(request)
    query = clean(asked.get("q", "")[:LONGEST_QUERY]).strip()
    rule, like = (clean(asked.get(name, "")[:2_000]) for name in ("rule", "like"))
    every = asked.get("every") == "yes"

    def find(conn: Connection) -> dict[str, Any]:
        run = votes.newest(conn)
        who = None if every else me
        likeness: dict[str, float] = {}
        if like:
            origin = words(conn, [like]).get(like)
            likeness = dict(state.alike.to(conn, origin["text"])) if origin else {}
            found = unanswered(conn, list(likeness), who)
        elif rule and run:
            found = unanswered(conn, votes.voted_on(conn, run, rule, MOST), who)
        else:
            found = by_words(conn, query, unanswered_by=who, limit=SHOWN) if query else []
        posts = again(conn, found[:SHOWN], state.settings.project)
        return {
            "counts": state.counters.now(conn), "me": me, "labels": state.settings.project.labels, "query": query, "rule": rule,
            "like": like, "every": every, "asked": bool(query or rule or like), "rules": sorted(run["functions"]) if run else [],
            "posts": [{**post, "likeness": likeness.get(post["id"])} for post in posts], "more": len(found) > len(posts),
        }  # fmt: skip

    try:
        return respond(request, "search.html", await state.database.run(find))
    except DataError as error:
        raise HTTPException(404, str(error)) from None


async def label(request: Request) -> Response:
    """Give many posts one label; answer with the batch, by which it is taken back."""
    state, me, given = request.app.state, needs_person(request), await body(request, Many)
    if given.label not in state.settings.project.labels:
        raise HTTPException(422, f"There is no label {given.label!r}; there are {', '.join(state.settings.project.labels)}.")
    overlap = state.settings.annotation.overlap

    def keep(conn: Connection) -> dict[str, Any]:
        here = words(conn, [clean(post) for post in given.ids])
        revisions = {post: int(here[post]["revision"]) for post in here}
        if not revisions:
            return {"labelled": 0, "batch": None}
        batch = answers.label_many(conn, revisions, given.label, me, strategy="bulk", overlap=overlap)
        return {"labelled": len(revisions), "batch": batch}

    return said(await state.database.run(keep))


async def undo(request: Request) -> Response:
    """Take back what is left of a batch."""
    state, me, given = request.app.state, needs_person(request), await body(request, Batch)
    overlap = state.settings.annotation.overlap
    back = await state.database.run(lambda conn: answers.take_back(conn, me, given.batch, overlap=overlap))
    return said({"taken_back": len(back)})
