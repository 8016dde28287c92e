"""Jetstream events as posts: both wire formats, and everything that real events do.

Facts: the Jetstream documentation (v1 `/subscribe`, v2 `network.bsky.jetstream.subscribeEvents`) and the lexicons
`app.bsky.feed.post` and `app.bsky.richtext.facet`, whose byte offsets count UTF-8.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from goldstream.mapping import moment
from goldstream.records import Post, decode

COLLECTION = "app.bsky.feed.post"
GONE = frozenset({"deleted", "takendown", "suspended", "deactivated"})  #: account states that take all posts back

_TID = {letter: value for value, letter in enumerate("234567abcdefghijklmnopqrstuvwxyz")}
_CLOCK_BITS = 10
_LATEST_US = 1 << 52  #: of a network's clock, in the year 2112; a later one would not fit a revision


class Event(msgspec.Struct, frozen=True):
    """One event, read: its place in the stream and what it means, if anything."""

    place: int  #: v1: microseconds, v2: sequence number
    post: Post | None = None
    time_us: int = 0  #: when the network passed it on; 0 when it does not say


class Terminal(Exception):
    """The server has closed the stream and says why."""


def read_event(data: bytes | str) -> Event:
    """Return the event in one frame of either version; raises `ValueError` when it can't be one, `Terminal` at the end."""
    event = decode(data.encode() if isinstance(data, str) else data)
    if not isinstance(event, dict):
        raise ValueError(f"an event is an object, not {type(event).__name__}")
    if event.get("$type") == "error":
        raise Terminal(f"{event.get('error')}: {event.get('message', '')}")
    if "$type" in event:
        return _v2(event.get("payload"))
    place, did = event.get("time_us"), event.get("did")
    if not isinstance(place, int) or not 0 <= place < _LATEST_US or not isinstance(did, str):
        raise ValueError("an event needs `time_us`, a time in microseconds, and `did`")
    if event.get("kind") == "commit":
        return Event(place, _commit(did, event.get("commit"), place), place)
    if event.get("kind") == "account":
        return Event(place, _account(did, event.get("account"), place), place)
    return Event(place, None, place)


def _v2(payload: Any) -> Event:
    if not isinstance(payload, dict):
        raise ValueError("a message needs a `payload`")
    kind, place, did = str(payload.get("$type")).rpartition("#")[2], payload.get("seq"), payload.get("did")
    if kind == "info":
        return Event(-1)
    if not isinstance(place, int) or not 0 <= place < 1 << 63 or not isinstance(did, str):
        raise ValueError("a message needs `seq` and `did`")
    when = moment(payload.get("time"))
    time_us = min(max(int(when.timestamp() * 1_000_000), 0), _LATEST_US) if when else 0
    if kind == "commit":
        return Event(place, _commit(did, payload, time_us), time_us)
    if kind == "account":
        return Event(place, _account(did, payload.get("account"), time_us), time_us)
    return Event(place, None, time_us)


def _commit(did: str, commit: Any, time_us: int) -> Post | None:
    if not isinstance(commit, dict):
        raise ValueError("a commit event needs `commit`")
    if commit.get("collection") != COLLECTION:
        return None
    rkey, operation = commit.get("rkey"), commit.get("operation")
    if not isinstance(rkey, str) or operation not in ("create", "update", "delete"):
        raise ValueError(f"a commit needs `rkey`, and `operation` to be create, update or delete, not {operation!r}")
    own: dict[str, Any] = {
        "id": f"bluesky:{did}/{rkey}",
        "source": "bluesky",
        "author": did,
        "revision": _revision(commit.get("rev"), time_us),
    }
    if operation == "delete":
        return Post(kind="delete", **own)
    record = commit.get("record")
    if not isinstance(record, dict) or not isinstance(record.get("text"), str):
        raise ValueError("a post needs a `record` with `text`")
    text = record["text"]
    links, tags = _facets(text, record.get("facets"))
    embedded, media = _embed(record.get("embed"))
    languages = [each for each in _list(record.get("langs")) if isinstance(each, str)]
    reply = record.get("reply")
    parent = reply.get("parent") if isinstance(reply, dict) else None
    cid, quoted = commit.get("cid"), _quoted(record.get("embed"))
    return Post(
        kind=operation, text=text, created_at=moment(record.get("createdAt")), lang=languages[0] if languages else None,
        url=f"https://bsky.app/profile/{did}/post/{rkey}", links=list(dict.fromkeys(links + embedded)),
        tags=list(dict.fromkeys(tags + [each for each in _list(record.get("tags")) if isinstance(each, str)])),
        media=media, reply_to=_id(parent), cid=cid if isinstance(cid, str) else None,
        extra={} if quoted is None else {"quote": quoted}, **own,
    )  # fmt: skip


def _account(did: str, account: Any, time_us: int) -> Post | None:
    if not isinstance(account, Mapping) or account.get("active") is not False or account.get("status") not in GONE:
        return None
    revision = (time_us << _CLOCK_BITS) | ((1 << _CLOCK_BITS) - 1)
    return Post(kind="forget", id=f"bluesky:{did}", source="bluesky", author=did, revision=revision)


def _revision(rev: Any, time_us: int) -> int:
    """A TID as the number it stands for (microseconds and a clock's bits), so that revisions and times compare."""
    if isinstance(rev, str) and len(rev) == 13 and all(letter in _TID for letter in rev):
        number = 0
        for letter in rev:
            number = number << 5 | _TID[letter]
        if number < 1 << 63:
            return number
    return time_us << _CLOCK_BITS


def _facets(text: str, facets: Any) -> tuple[list[str], list[str]]:
    links, tags = [], []
    encoded = text.encode("utf-8", "replace")
    for facet in _list(facets):
        if not _marks(facet, encoded):
            continue
        for feature in _list(facet.get("features") if isinstance(facet, dict) else None):
            kind = feature.get("$type") if isinstance(feature, dict) else None
            if kind == "app.bsky.richtext.facet#link" and isinstance(feature.get("uri"), str):
                links.append(feature["uri"])
            elif kind == "app.bsky.richtext.facet#tag" and isinstance(feature.get("tag"), str):
                tags.append(feature["tag"])
    return links, tags


def _marks(facet: Any, text: bytes) -> bool:
    """Whether a facet stands on a piece of the text: it counts bytes, and may not cut a character."""
    index = facet.get("index") if isinstance(facet, dict) else None
    start, end = (index.get("byteStart"), index.get("byteEnd")) if isinstance(index, dict) else (None, None)
    if not isinstance(start, int) or not isinstance(end, int) or not 0 <= start < end <= len(text):
        return False
    return all(place == len(text) or text[place] & 0xC0 != 0x80 for place in (start, end))


def _quoted(embed: Any) -> str | None:
    """The id of the post that is quoted."""
    record = embed.get("record") if isinstance(embed, dict) else None
    if isinstance(record, dict) and isinstance(record.get("record"), dict):
        record = record["record"]
    return _id(record)


def _embed(embed: Any) -> tuple[list[str], list[str]]:
    """The links of what is attached, and what sort of thing it is."""
    if not isinstance(embed, dict):
        return [], []
    kind = str(embed.get("$type")).removeprefix("app.bsky.embed.")
    if kind == "recordWithMedia":
        links, media = _embed(embed.get("media"))
        return links, ["record", *media]
    external = embed.get("external")
    uri = external.get("uri") if kind == "external" and isinstance(external, dict) else None
    return ([uri] if isinstance(uri, str) else []), [kind]


def _id(reference: Any) -> str | None:
    uri = reference.get("uri") if isinstance(reference, dict) else None
    parts = uri.removeprefix("at://").split("/") if isinstance(uri, str) else []
    return f"bluesky:{parts[0]}/{parts[2]}" if len(parts) == 3 and parts[1] == COLLECTION else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
