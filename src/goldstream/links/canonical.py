"""One spelling for one link, so that two people who share a page share the same one.

Follows the normalisation of RFC 3986 §6.2 (case, percent-encoding, dot segments, default ports) and takes off what only
says who clicked where: fragments, user names, tracking parameters. Scheme and path stay as they are, and so do
shorteners: only the network knows where they lead.
"""

import re
from urllib.parse import quote, unquote, urlsplit

LONGEST = 2_000  #: bytes; longer links are not stored

#: Query parameters that track people: exact names and prefixes.
TRACKING = frozenset(
    [
        "fbclid",
        "gclid",
        "gclsrc",
        "dclid",
        "gbraid",
        "wbraid",
        "msclkid",
        "yclid",
        "twclid",
        "ttclid",
        "li_fat_id",
        "igshid",
        "igsh",
        "mc_cid",
        "mc_eid",
        "mkt_tok",
        "oly_anon_id",
        "oly_enc_id",
        "vero_id",
        "wickedid",
        "_hsenc",
        "_hsmi",
        "__hssc",
        "__hstc",
        "__hsfp",
        "hsctatracking",
        "s_cid",
        "ref_src",
        "ref_url",
        "rb_clickid",
        "cmpid",
        "ncid",
        "sr_share",
        "spm",
        "scm",
        "share_id",
    ]
)
TRACKING_PREFIXES = ("utm_", "pk_", "piwik_", "mtm_", "hsa_", "stm_")
#: Parameters that track on one site only.
TRACKING_ON = {
    "youtube.com": {"si", "feature"}, "youtu.be": {"si", "feature"}, "open.spotify.com": {"si"},
    "x.com": {"s", "t"}, "twitter.com": {"s", "t"}, "medium.com": {"source", "sk"}, "amazon.com": {"tag", "ref"},
}  # fmt: skip

_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)+|\[[0-9a-f:.]+\]")
_PATH_SAFE = "/:@!$&'()*+,;=~-._"


def canonicalise(url: str) -> str | None:
    """Return the one spelling of `url`, or None for what is not a web link (or is longer than `LONGEST` bytes).

    Never raises, and changes nothing when called on its own result.

    >>> canonicalise("HTTPS://Example.ORG:443/a/../p%61per?utm_source=x&id=7#intro")
    'https://example.org/paper?id=7'
    >>> canonicalise("javascript:alert(1)") is None
    True
    """
    try:
        return _canonical(url.strip())
    except (ValueError, UnicodeError):
        return None


def domain(url: str) -> str:
    """Return the host of a canonical link without `www.` and port.

    >>> domain("https://www.example.org:8080/x")
    'example.org'
    """
    host = urlsplit(url).hostname or ""
    return host.removeprefix("www.")


def _canonical(url: str) -> str | None:
    if len(url) > LONGEST or any(ord(letter) < 0x21 for letter in url):
        return None
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    if scheme not in _PORTS or not parts.hostname:
        return None
    host = _host(parts.hostname)
    if host is None:
        return None
    port = "" if parts.port in (None, _PORTS[scheme]) else f":{parts.port}"
    path = _without_dots(_encoded(parts.path, _PATH_SAFE)) or "/"
    query = _query(parts.query, host)
    whole = f"{scheme}://{host}{port}{path}{'?' + query if query else ''}"
    return whole if len(whole) <= LONGEST else None


def _host(name: str) -> str | None:
    host = name.rstrip(".").lower()
    if ":" in host:
        host = f"[{host}]"
    elif not host.isascii():
        host = host.encode("idna").decode()
    return host if _HOST.fullmatch(host) else None


def _encoded(text: str, safe: str) -> str:
    """Percent-encode what must be, and nothing else, with capital hexadecimal digits."""
    pieces = re.split(r"(%[0-9A-Fa-f]{2})", text)
    return "".join(_escape(piece, safe) if index % 2 else quote(piece, safe) for index, piece in enumerate(pieces))


def _escape(triplet: str, safe: str) -> str:
    letter = unquote(triplet, "latin-1")
    return letter if letter.isascii() and (letter.isalnum() or letter in "-._~") else triplet.upper()


def _without_dots(path: str) -> str:
    kept: list[str] = []
    segments = path.split("/")
    for segment in segments[1:]:
        if segment == "..":
            kept = kept[:-1]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept) if len(segments) > 1 else path


def _query(query: str, host: str) -> str:
    local = TRACKING_ON.get(host.removeprefix("www.").removeprefix("m."), set())
    pairs = [pair for pair in query.split("&") if pair]
    return "&".join(_encoded(pair, _PATH_SAFE + "?") for pair in pairs if not _tracks(pair.partition("=")[0], local))


def _tracks(name: str, local: set[str]) -> bool:
    name = name.lower()
    return name in TRACKING or name in local or name.startswith(TRACKING_PREFIXES)
