"""Which posts can't go on the log, and why: what is no short text, and what no table could hold."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

LONGEST_NAME = 1_000  #: bytes of an id, a source or an author: they stand in indexes
MOST_ITEMS = 500  #: links, tags or media of one post
_EARLIEST_US, _LATEST_US = -62_135_596_800_000_000, 253_402_300_799_999_999  # the years 1 to 9999
_KINDS = pa.array(["create", "update", "delete", "forget"])


def refusals(posts: pa.RecordBatch, max_text_bytes: int) -> dict[int, str]:
    """Return the reason for each row (by number) that is refused; nearly always there is none.

    >>> from goldstream.records import Post, to_columns
    >>> refusals(to_columns([Post(id="a:1", source="a", text="ok"), Post(id="", source="a")]), 100)
    {1: 'the post has no id'}
    """
    reasons: dict[int, str] = {}
    for wrong, reason in _rules(posts, max_text_bytes):
        for row in np.flatnonzero(wrong):
            reasons.setdefault(int(row), reason)
    return reasons


def _rules(posts: pa.RecordBatch, max_text_bytes: int) -> Iterator[tuple[np.ndarray, str]]:
    """Each rule as a mask over all rows and its reason."""
    yield _bytes(posts["id"]) == 0, "the post has no id"
    for name in ("id", "source", "author", "reply_to", "repost_of", "cid", "lang"):
        yield _bytes(posts[name]) > LONGEST_NAME, f"its {name} is longer than {LONGEST_NAME} bytes"
    yield ~_array(pc.is_in(posts["kind"], _KINDS)), "its kind is none of create, update, delete, forget"
    for name in ("text", "url", "extra"):
        yield _bytes(posts[name]) > max_text_bytes, f"its {name} is longer than stream.max-text-bytes, {max_text_bytes}"
    for name in ("links", "tags", "media"):
        yield _array(pc.list_value_length(posts[name])) > MOST_ITEMS, f"it has more than {MOST_ITEMS} {name}"
        yield _list_bytes(posts[name]) > max_text_bytes, f"its {name} are longer than stream.max-text-bytes, {max_text_bytes}"
    created = _array(pc.fill_null(posts["created_at"].cast(pa.int64()), 0))
    yield (created < _EARLIEST_US) | (created > _LATEST_US), "its created_at lies outside the years 1 to 9999"


def _array(values: pa.Array) -> np.ndarray:
    return values.to_numpy(zero_copy_only=False)


def _bytes(texts: pa.StringArray) -> np.ndarray:
    return _array(pc.fill_null(pc.binary_length(texts), 0))


def _list_bytes(lists: pa.ListArray) -> np.ndarray:
    ends = np.concatenate(([0], np.cumsum(_bytes(lists.flatten()), dtype=np.int64)))
    places = np.concatenate(([0], np.cumsum(_array(pc.fill_null(pc.list_value_length(lists), 0)))))
    return np.diff(ends[places])
