"""Sends dead letters round again: what can be read as a post now, and is not too large, goes on the log."""

from collections.abc import Sequence
from typing import Any

import msgspec

from goldstream.clock import now
from goldstream.records import Post, from_json, to_columns
from goldstream.run.project import Project
from goldstream.store import dead_letters


def replay(project: Project, numbers: Sequence[int] | None) -> dict[str, Any]:
    """Replay these letters (None: all that wait); return how many went on the log and how many stay, with reasons."""
    log = project.log()
    limit = project.settings.stream.max_text_bytes
    stay: dict[int, str] = {}
    replayed = []
    with project.store.connect(name="replay") as conn:
        for number, _, payload in dead_letters.waiting(conn, numbers):
            try:
                post = from_json(payload)
            except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
                stay[number] = f"still not a post: {error}"
                continue
            if len(post.text.encode()) > limit:
                stay[number] = f"still longer than stream.max-text-bytes, {limit}"
                continue
            log.append(to_columns([_stamped(post)]), f"dead-letters:{post.source}", None)
            dead_letters.mark_replayed(conn, [number])
            replayed.append(number)
    log.close()
    return {"replayed": len(replayed), "stay": stay}


def _stamped(post: Post) -> Post:
    return msgspec.structs.replace(post, seen_at=now())
