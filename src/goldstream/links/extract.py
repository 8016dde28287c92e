"""The links of a batch of posts: those the network marked, and those that only stand in the text."""

import re
from functools import lru_cache

import polars as pl
import pyarrow as pa

from goldstream.links.canonical import canonicalise

MOST = 50  #: links kept of one post

_IN_TEXT = re.compile(r"""(?:https?://|www\.)[^\s<>"'`{}|\\^\x00-\x20]+""", re.IGNORECASE)
_CUT = ("...", "…")  # how networks show a link that they have shortened for display: it leads nowhere
_TRAILING = ".,;:!?…'\"*_~"
_canonicalise = lru_cache(maxsize=65_536)(canonicalise)


def extract(posts: pa.RecordBatch) -> pl.Series:
    """Return a list of canonical links for each post, in order of appearance and without repeats.

    Posts without a link cost nearly nothing: only the others are looked at one by one.
    """
    texts = pl.Series("text", posts["text"])
    marked = pl.Series("links", posts["links"])
    rows = (texts.str.contains(r"(?i)https?://|www\.") | (marked.list.len() > 0)).arg_true()
    found: list[list[str]] = [
        _of_one(text, links) for text, links in zip(texts.gather(rows), marked.gather(rows).to_list(), strict=True)
    ]
    lists = pl.DataFrame({"row": rows, "links": pl.Series(found, dtype=pl.List(pl.String))})
    every = pl.DataFrame({"row": pl.int_range(len(texts), dtype=pl.UInt32, eager=True)})
    joined = every.join(lists, on="row", how="left", maintain_order="left")
    return joined["links"].fill_null(pl.Series([[]], dtype=pl.List(pl.String)))


def in_text(text: str) -> list[str]:
    """Return what looks like a link in `text`, as written, without the punctuation that follows it.

    >>> in_text("see https://example.org/a_(b), or (www.example.com/x).")
    ['https://example.org/a_(b)', 'www.example.com/x']
    """
    found = (match.group() for match in _IN_TEXT.finditer(text))
    return [_trimmed(url) for url in found if not url.endswith(_CUT)]


def _trimmed(url: str) -> str:
    """Without the punctuation at its end; a closing bracket belongs to the link when it opens there too."""
    end, surplus, brackets = len(url), url.count(")") - url.count("("), "[" in url
    while end:
        last = url[end - 1]
        if last == ")" and surplus > 0:
            surplus -= 1
        elif last not in _TRAILING and (last != "]" or brackets):
            break
        end -= 1
    return url[:end]


def _of_one(text: str, marked: list[str]) -> list[str]:
    links: dict[str, None] = {}
    for url in [*marked, *in_text(text)]:
        link = _canonicalise(url if "://" in url else f"https://{url}")
        if link is not None:
            links[link] = None
    return list(links)[:MOST]
