"""A question as the pages show it: the post's words, its links, and what champion and rules suggest."""

from collections.abc import Sequence
from typing import Any

from goldstream.annotation import questions
from goldstream.annotation.posts import words
from goldstream.settings import Project
from goldstream.web.database import Connection
from goldstream.web.rendering import href, permalink, short, tongue

LONGEST_TEXT = 5_000  #: letters of a post that are shown
MOST_LINKS = 20


def ask(conn: Connection, me: str, project: Project, *, overlap: int, limit: int, have: list[str]) -> list[dict[str, Any]]:
    """Return the next questions for `me` with their words; a question whose post is gone is closed on the way."""
    for _ in range(3):
        found = questions.next_for(conn, me, overlap=overlap, limit=limit, have=have)
        shown = with_words(conn, found, project)
        gone = {question["post_id"] for question in found} - {question["id"] for question in shown}
        if gone:
            questions.close_gone(conn, sorted(gone))
        if shown or not gone:
            return shown
    return []


def again(conn: Connection, post_ids: Sequence[str], project: Project) -> list[dict[str, Any]]:
    """Return posts as questions, also those that nobody was asked about."""
    asked = {question["post_id"]: question for question in questions.of(conn, list(post_ids))}
    nobody = {"strategy": None, "probability": None, "version": None, "soft_label": None}
    return with_words(conn, [asked.get(post_id, {"post_id": post_id, **nobody}) for post_id in post_ids], project)


def with_words(conn: Connection, found: Sequence[dict[str, Any]], project: Project) -> list[dict[str, Any]]:
    """Return questions with the words of their posts; those whose post is not here are left out."""
    posts = words(conn, [question["post_id"] for question in found])
    return [_shown(question, posts[question["post_id"]], project) for question in found if question["post_id"] in posts]


def _shown(question: dict[str, Any], post: dict[str, Any], project: Project) -> dict[str, Any]:
    names = ("id", "revision", "source", "author", "lang", "created_at", "seen_at", "tags")
    links = [{"href": href(link), "text": short(link)} for link in post["links"][:MOST_LINKS]]
    return {
        **{name: post[name] for name in names}, "text": post["text"][:LONGEST_TEXT],
        "cut": len(post["text"]) > LONGEST_TEXT, "tongue": tongue(post["lang"]),
        "links": links, "page": permalink(post["id"]), "url": href(post["url"]),
        "strategy": question["strategy"], "version": question["version"],
        "suggestions": {
            "champion": suggestion(question["probability"], project), "rules": suggestion(question["soft_label"], project)
        },
    }  # fmt: skip


def suggestion(probability: float | None, project: Project) -> dict[str, Any] | None:
    """Return the likelier label and its probability, from that of the label that is kept; None where none is known.

    >>> suggestion(0.25, Project(labels=("ai", "other"), keep="ai"))
    {'label': 'other', 'probability': 0.75}
    """
    if probability is None:
        return None
    others = [label for label in project.labels if label != project.keep]
    if probability >= 0.5:
        return {"label": project.keep, "probability": probability}
    return {"label": others[0], "probability": 1 - probability} if len(others) == 1 else None
