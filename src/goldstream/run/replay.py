"""Sends dead letters round again: what is a post now, and no longer refused, goes on the log."""

from collections.abc import Sequence
from typing import Any

import msgspec

from goldstream.clock import now
from goldstream.log.refusals import refusals
from goldstream.records import Post, from_json, mend, to_columns
from goldstream.run.project import Project
from goldstream.store import dead_letters


def replay(project: Project, numbers: Sequence[int] | None) -> dict[str, Any]:
    """Replay these letters (None: all that wait); return how many went on the log and how many stay, with reasons."""
    log = project.log()
    stay: dict[int, str] = {}
    replayed = []
    with project.store.connect(name="replay") as conn:
        for number, _, payload in dead_letters.waiting(conn, numbers):
            post = _post(payload, project.settings.stream.max_text_bytes)
            if isinstance(post, str):
                stay[number] = post
                continue
            log.append(to_columns([_stamped(post)]), f"dead-letters:{post.source}", None)
            dead_letters.mark_replayed(conn, [number])
            replayed.append(number)
    log.close()
    return {"replayed": len(replayed), "stay": stay}


def _post(payload: bytes, max_text_bytes: int) -> Post | str:
    """The post in a letter, or why it is still refused."""
    try:
        post = from_json(mend(payload))
    except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
        return f"still not a post: {error}"
    reasons = refusals(to_columns([post]), max_text_bytes)
    return f"still refused: {reasons[0]}" if reasons else post


def _stamped(post: Post) -> Post:
    return msgspec.structs.replace(post, seen_at=now())
