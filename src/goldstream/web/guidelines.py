"""The guidelines beside the post: Markdown of the project's own, as HTML that can't do anything but be read."""

from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

LARGEST = 200_000  #: bytes
HEADINGS_START = 3  #: the page has headings of its own above


def read(file: Path) -> str | None:
    """Return the guidelines in `file` as HTML; None when there are none."""
    try:
        text = file.read_bytes()[:LARGEST].decode("utf-8", "replace")
    except OSError:
        return None
    return html(text)


def html(text: str) -> str:
    """Return Markdown as HTML: tags in it are shown as text, links are http, https or mailto, images become links.

    >>> html("# When in doubt\\n<b>skip</b>")
    '<h3>When in doubt</h3>\\n<p>&lt;b&gt;skip&lt;/b&gt;</p>\\n'
    """
    rendered: str = _reader().render(text)
    return rendered


def _reader() -> MarkdownIt:
    reader = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    reader.add_render_rule("link_open", _link)
    reader.add_render_rule("heading_open", _heading)
    reader.add_render_rule("heading_close", _heading)
    return reader


def _link(self: RendererHTML, tokens: list[Token], at: int, options: Any, env: Any) -> str:
    tokens[at].attrSet("rel", "noopener nofollow noreferrer")
    tokens[at].attrSet("target", "_blank")
    return self.renderToken(tokens, at, options, env)


def _heading(self: RendererHTML, tokens: list[Token], at: int, options: Any, env: Any) -> str:
    level = min(6, int(tokens[at].tag[1]) - 1 + HEADINGS_START)
    tokens[at].tag = f"h{level}"
    return self.renderToken(tokens, at, options, env)
