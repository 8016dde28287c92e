"""From data to an answer: a page for people, the same data as JSON for programs."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit

import jinja2
import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

_TONGUE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
_encoder = msgspec.json.Encoder(enc_hook=str, order="deterministic")


def wants_json(request: Request) -> bool:
    """Return whether JSON was asked for, and no page; what is sent as JSON is answered so too."""
    if request.headers.get("content-type", "").startswith("application/json"):
        return True
    accepts = request.headers.get("accept", "")
    return "application/json" in accepts and "text/html" not in accepts


def respond(
    request: Request,
    template: str,
    data: Mapping[str, Any],
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return `data` as a page or as JSON, whichever was asked for."""
    vary = {**(headers or {}), "vary": "accept"}
    if wants_json(request):
        return Response(as_json(data), status, vary, "application/json")
    environment: jinja2.Environment = request.app.state.templates
    page = environment.get_template(template).render(data, path=request.url.path)
    return HTMLResponse(page, status, vary)


def as_json(data: Any) -> bytes:
    """Return `data` as JSON; what JSON has no word for becomes text."""
    return _encoder.encode(data)


def environment(project: str, keep: str) -> jinja2.Environment:
    """Return the templates, with autoescape on for all of them."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("goldstream.web"), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.globals.update(project=project, keep=keep)
    made.filters.update(
        number=number,
        share=share,
        seconds=seconds,
        size=size,
        clock=clock,
        stamp=stamp,
        href=href,
        short=short,
        permalink=permalink,
        tongue=tongue,
    )
    return made


def number(value: float | None) -> str:
    """Return a count with separators.

    >>> number(1234567), number(None)
    ('1,234,567', '–')
    """
    return "–" if value is None else f"{value:,.0f}"


def share(value: float | None, digits: int = 3) -> str:
    """Return a number between 0 and 1 with fixed digits.

    >>> share(0.8251), share(None)
    ('0.825', '–')
    """
    return "–" if value is None else f"{value:.{digits}f}"


def seconds(value: float | None) -> str:
    """Return a duration in words that fit a small box.

    >>> seconds(0.04), seconds(3.21), seconds(200), seconds(9000)
    ('0 s', '3.2 s', '3 min', '2.5 h')
    """
    if value is None:
        return "–"
    if value < 0.1:
        return "0 s"
    if value < 120:
        return f"{value:.1f} s"
    return f"{value / 60:.0f} min" if value < 7_200 else f"{value / 3_600:.1f} h"


def size(value: float | None) -> str:
    """Return bytes in the unit that suits them.

    >>> size(900), size(5_300_000)
    ('900 B', '5.3 MB')
    """
    if value is None:
        return "–"
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1_000:
            return f"{value:.0f} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1_000
    return f"{value:.1f} TB"


def clock(value: datetime | None) -> str:
    """Return the time of day in UTC, with the date when it is another day than today."""
    if value is None:
        return "no time"
    today = datetime.now(UTC).date() == value.date()
    return value.strftime("%H:%M:%S") if today else f"{value.year:04d}-{value:%m-%d %H:%M}"


def stamp(value: datetime | None) -> str:
    """Return a moment as ISO 8601, for `<time datetime>`."""
    return "" if value is None else value.isoformat()


def href(url: str | None) -> str | None:
    """Return `url` if a browser may be sent there: http or https, with a host; else None.

    >>> href("https://example.org/a"), href("javascript:alert(1)"), href("https://[")
    ('https://example.org/a', None, None)
    """
    try:
        parts = urlsplit((url or "").strip())
        known = parts.scheme.lower() in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return None
    return (url or "").strip() if known else None


def short(url: str, letters: int = 60) -> str:
    """Return a link as people read it: no scheme, not too long.

    >>> short("https://www.example.org/paper/", 30)
    'example.org/paper'
    """
    shown = url.split("://", 1)[-1].removeprefix("www.").rstrip("/")
    return shown if len(shown) <= letters else shown[: letters - 1] + "…"


def tongue(lang: str | None) -> str | None:
    """Return a language as a browser knows it (BCP 47); None for what is not one.

    >>> tongue("pt-BR"), tongue("English"), tongue(None)
    ('pt-BR', None, None)
    """
    return lang if lang and _TONGUE.fullmatch(lang) else None


def permalink(post_id: str) -> str:
    """Return where a post's own page is.

    >>> permalink("bluesky:did:plc:x/3k?")
    '/post/bluesky:did:plc:x/3k%3F'
    """
    return "/post/" + quote(post_id, safe=":/")
