"""What is broken on purpose, at which post: every network sends such things sooner or later."""

from collections.abc import Callable
from datetime import UTC, datetime

from msgspec.structs import replace

from goldstream.records import Post


def _nul(post: Post) -> Post:
    return replace(post, text=f"{post.text[:10]}\x00{post.text[10:]}")


def _surrogate(post: Post) -> Post:
    return replace(post, text=f"{post.text} \ud83e")


def _long(post: Post) -> Post:
    return replace(post, text=("I have a lot to say about my neighbour's hedge. " * 3_200)[:150_000])


def _future(post: Post) -> Post:
    return replace(post, created_at=datetime(2999, 12, 31, 23, 59, 59, tzinfo=UTC))


def _script(post: Post) -> Post:
    return replace(post, text=f"<script>alert('soup')</script> {post.text} <b>&amp; bread</b>")


def _sql(post: Post) -> Post:
    return replace(post, text=f"'; DROP TABLE posts; -- {post.text}")


def _hashtags(post: Post) -> Post:
    tags = [f"soup{number}" for number in range(400)]
    return replace(post, text=" ".join(f"#{tag}" for tag in tags), tags=tags)


def _far_away(post: Post) -> Post:
    return replace(post, links=["javascript:alert(1)", "http://"], text=f"{post.text} javascript:alert(1)")


_BREAK: list[Callable[[Post], Post]] = [_nul, _surrogate, _long, _future, _script, _sql, _hashtags, _far_away]

#: By the post's number: each thing a few times; where the post is a judged one, a repost or spam, it stays as it is.
ODDITIES = {300 + 397 * place: _BREAK[place % len(_BREAK)] for place in range(64)}
