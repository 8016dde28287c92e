"""`/post/<id>`: everything that is known of one post."""

from typing import Any

from psycopg import sql
from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response

from goldstream.names import raw_table
from goldstream.web.database import Connection, one, rows
from goldstream.web.people import person
from goldstream.web.rendering import respond

_POST = """
    SELECT post_id AS id, revision, source, text, candidates.created_at, seen_at, author, lang, url, links, tags, media,
           reply_to, repost_of, cid, extra, label, probability, candidates.version, position, stored_at,
           thresholds.threshold
    FROM candidates JOIN thresholds USING (version) WHERE post_id = %s
"""
_COLLECTED = """
    SELECT id, revision, source, text, created_at, seen_at, author, lang, url, links, tags, media, reply_to, repost_of,
           cid, extra, kind, stratum, split, representative, position
    FROM {} WHERE id = %s
"""
_SOFT = "SELECT probabilities, covered FROM soft_labels WHERE prefix = %s AND dataset = %s AND post_id = %s"
#: A score without words: the rows around a position are few, and found by it.
_PREDICTED = """
    SELECT label, probability, version, position FROM predictions
    WHERE position = %s AND post_id = %s AND probability IS NOT NULL ORDER BY version DESC LIMIT 1
"""
_VOTES = """
    SELECT function, vote
    FROM (SELECT key AS function, value AS version FROM jsonb_each_text(
              (SELECT functions FROM label_runs ORDER BY id DESC LIMIT 1))) functions
    JOIN votes USING (function, version) WHERE post_id = %s AND revision = %s ORDER BY function
"""
_FEEDBACK = "SELECT who, at, correct, probability, version FROM feedback WHERE post_id = %s ORDER BY id DESC LIMIT 100"
_ASKED = "SELECT strategy, chance, round FROM questions WHERE post_id = %s"
_ANSWERS = "SELECT annotator, act, label, note, strategy, at FROM annotations WHERE post_id = %s ORDER BY id DESC LIMIT 100"


class _Id(Convertor[str]):
    """An id may hold anything, slashes and line breaks too."""

    regex = "(?s:.+)"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("post_id", _Id())


async def post(request: Request) -> Response:
    """Answer with the post, its score, its votes and where it is part of a dataset; 404 or 410 when it is not here."""
    state, wanted = request.app.state, request.path_params["id"].replace("\x00", "")

    def ask(conn: Connection) -> dict[str, Any]:
        shared = {"counts": state.counters.now(conn), "id": wanted, "me": person(request)}
        return {**shared, "labels": state.settings.project.labels, **story(conn, wanted)}

    data = await state.database.run(ask)
    status = 200 if data["post"] else 410 if data["deleted"] else 404
    return respond(request, "post.html", data, status=status)


def story(conn: Connection, post_id: str) -> dict[str, Any]:
    """Return what is known of a post: `post` (None when it is not here), `scored`, `datasets`, `votes`, `answers`."""
    scored = next(iter(rows(conn, _POST, (post_id,))), None)
    datasets = _datasets(conn, post_id)
    collected = next((found.pop("post") for found in datasets if found["post"]), None)
    shown = scored or (collected if collected and collected["kind"] != "delete" else None)
    said = scored or (rows(conn, _PREDICTED, (shown["position"], post_id)) if shown else None)
    return {
        "post": shown, "scored": scored is not None, "predicted": said[0] if isinstance(said, list) and said else None,
        "kept": bool(scored and scored["probability"] >= scored["threshold"]),
        "deleted": shown is None and bool(one(conn, "SELECT true FROM tombstones WHERE post_id = %s", (post_id,))),
        "datasets": [{name: value for name, value in found.items() if name != "post"} for found in datasets],
        "votes": rows(conn, _VOTES, (post_id, shown["revision"])) if shown else [],
        "answers": rows(conn, _ANSWERS, (post_id,)) if shown else [],
        "feedback": rows(conn, _FEEDBACK, (post_id,)) if shown else [],
        "asked": next(iter(rows(conn, _ASKED, (post_id,))), None),
        "gold": one(conn, "SELECT label FROM gold WHERE post_id = %s", (post_id,)),
    }  # fmt: skip


def _datasets(conn: Connection, post_id: str) -> list[dict[str, Any]]:
    """The datasets that hold the post, newest first, with its stratum, split and soft label there."""
    found = []
    made = conn.execute("SELECT prefix, version FROM datasets ORDER BY created_at DESC LIMIT 10").fetchall()
    for prefix, version in made:
        table = raw_table(prefix, version)
        query = sql.SQL(_COLLECTED).format(sql.Identifier(table)).as_string(conn)
        for row in rows(conn, query, (post_id,)):
            repeats = None if row["representative"] == post_id else row["representative"]
            soft = next(iter(rows(conn, _SOFT, (prefix, version, post_id))), None)
            place = {"table": table, "stratum": row["stratum"], "split": row["split"]}
            found.append({**place, "repeats": repeats, "soft_label": soft, "post": row})
    return found
