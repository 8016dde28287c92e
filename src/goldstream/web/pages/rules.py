"""`/rules`: the labelling functions as they stand, the posts behind each number, and a box to try a new rule in."""

import threading
import time
from typing import TYPE_CHECKING, Annotated, Any, Literal

from msgspec import Meta
from psycopg import sql
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from goldstream.errors import DataError, LabelingError
from goldstream.names import raw_table
from goldstream.web import votes
from goldstream.web.bodies import Body, body, clean, said
from goldstream.web.counters import Costly, Refresher
from goldstream.web.database import Connection, rows
from goldstream.web.rendering import respond

if TYPE_CHECKING:
    import polars as pl

SHOWN = 30
TRIED_ON = 20_000  #: posts of the newest dataset
COMPARED = 5_000  #: matched posts that are compared with gold and with other rules
REMEMBERED_S = 120.0

_POSTS = "SELECT id, text FROM {} WHERE split IS NOT NULL AND kind <> 'delete' ORDER BY id LIMIT %s"
_NEWEST = "SELECT prefix, version FROM datasets WHERE state = 'split' ORDER BY created_at DESC LIMIT 1"
_GOLD = "SELECT post_id, label FROM gold WHERE post_id = ANY(%s)"


class Scratch(Body, frozen=True, kw_only=True):
    """A rule to try."""

    kind: Literal["keyword", "regex"]
    label: Annotated[str, Meta(min_length=1, max_length=200)]
    text: Annotated[str, Meta(min_length=1, max_length=4_000)]
    name: Annotated[str, Meta(pattern="^[a-z_][a-z0-9_]{0,59}$")] = "my_rule"


class Rules:
    """The table, and the posts on which a rule is tried; both made again when that can be afforded."""

    def __init__(self, refresher: Refresher) -> None:
        self._refresher = refresher
        self._run: dict[str, Any] | None = None
        self._table = Costly(lambda conn: None)
        self._lock = threading.Lock()
        self._posts: tuple[float, str, pl.DataFrame] | None = None

    def table(self, run: dict[str, Any]) -> votes.Table | None:
        """Return the table of `run`; None while it is counted for the first time and that takes long."""
        with self._lock:
            if self._run is None or self._run["at"] != run["at"]:
                self._run, self._table = run, Costly(lambda conn: votes.table(conn, run), self._refresher)
        found: votes.Table | None = self._table.soon()
        return found

    def posts(self, conn: Connection) -> "pl.DataFrame | None":
        """Return ids and texts of the newest dataset, a part of it where it is large; None before there is one."""
        import polars as pl

        newest = conn.execute(_NEWEST).fetchone()
        if newest is None:
            return None
        table = raw_table(*newest)
        with self._lock:
            if self._posts is None or self._posts[1] != table or time.monotonic() > self._posts[0]:
                query = sql.SQL(_POSTS).format(sql.Identifier(table))
                found = conn.execute(query, (TRIED_ON,)).fetchall()
                frame = pl.DataFrame(found, schema={"id": pl.String, "text": pl.String}, orient="row")
                self._posts = (time.monotonic() + REMEMBERED_S, table, frame)
            return self._posts[2]


async def rules(request: Request) -> Response:
    """Answer with the table, or with the posts behind one of its numbers: `function`, `show` and `after` name them."""
    state, asked = request.app.state, request.query_params
    function, after = (asked.get(name, "")[:2_000].replace("\x00", "") for name in ("function", "after"))
    show: votes.Kind = next((kind for kind in votes.KINDS if kind == asked.get("show")), "votes")

    def find(conn: Connection) -> dict[str, Any]:
        run = votes.newest(conn)
        data: dict[str, Any] = {
            "counts": state.counters.now(conn), "labels": state.settings.project.labels, "function": function, "show": show,
            "file": state.settings.labeling.functions, "run": run, "table": [], "counting": False, "posts": [], "next": None,
        }  # fmt: skip
        if run is None:
            return {**data, "function": ""}
        counted = state.rules.table(run)
        if counted is None and (not function or show != "votes"):
            return {**data, "counting": True}
        if not function:
            return {**data, "table": counted.rows if counted else []}
        behind = counted.behind.get((function, show)) if counted else None
        found, following = votes.posts(conn, run, function, show, after=after, limit=SHOWN, behind=behind)
        return {**data, "posts": found, "next": following}

    try:
        data = await state.database.run(find)
        return respond(request, "rules.html", data, headers={"refresh": "3"} if data["counting"] else None)
    except DataError as error:
        raise HTTPException(404, str(error)) from None


async def scratch(request: Request) -> Response:
    """Answer with what a rule would match, whether that is right, and the code to paste; nothing is written or run."""
    state, given = request.app.state, await body(request, Scratch)
    if given.label not in state.settings.project.labels:
        raise HTTPException(422, f"There is no label {given.label!r}; there are {', '.join(state.settings.project.labels)}.")
    try:
        return said(await state.database.run(lambda conn: _tried(conn, state.rules, given)))
    except LabelingError as error:
        raise HTTPException(422, str(error)) from None


def _tried(conn: Connection, rules: Rules, given: Scratch) -> dict[str, Any]:
    from goldstream.labeling.scratch import EXAMPLES, judged, made, matches

    rule, code = made(given.kind, given.label, clean(given.text), given.name)
    posts = rules.posts(conn)
    if posts is None:
        return {"posts": 0, "matched": 0, "code": code, "examples": [], "wrong": []}
    matched = matches(rule, posts)
    compared = matched[:COMPARED]
    gold = {row["post_id"]: row["label"] for row in rows(conn, _GOLD, (compared,))}
    run = votes.newest(conn)
    others = votes.votes_on(conn, run, compared) if run else {}
    wrong = [post for post in compared if gold.get(post, given.label) != given.label][:EXAMPLES]
    step = max(1, len(matched) // EXAMPLES)
    words = dict(posts.filter(posts["id"].is_in([*wrong, *matched[::step]])).iter_rows())
    shown = [{"id": post, "text": words[post][:300], "gold": gold.get(post)} for post in matched[::step][:EXAMPLES]]
    return {
        "posts": len(posts), "matched": len(matched), "coverage": len(matched) / max(len(posts), 1), "compared": len(compared),
        **judged(given.label, compared, gold, others), "examples": shown,
        "wrong": [{"id": post, "text": words[post][:300], "gold": gold[post]} for post in wrong], "code": code,
    }  # fmt: skip
