"""From a skeleton to a post as someone would write it: words in the slots, habits, hashtags, links, small mistakes."""

import re
from typing import NamedTuple, TypeAlias

from goldstream.sources.sample_text import judged_ai, judged_other, learnt_ai, learnt_other
from goldstream.sources.sample_text.authors import Author, Draw, pick
from goldstream.sources.sample_text.topics import SHORTENERS, Topic
from goldstream.sources.sample_text.words import WORDS, choices

_TOKEN = re.compile(r"\{([a-z_]+)\d?\}|\[([^\]]*)\]")
_SHORTENERS = SHORTENERS.split("|")
_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
_TRACKING = [
    "utm_source=feed&utm_medium=social",
    "utm_source=newsletter&utm_campaign=spring",
    "utm_campaign=launch&fbclid=Iw{}",
    "ref=share&utm_source=app",
    "gclid=C{}",
]


class Slot(NamedTuple):
    """Where one of some words stands."""

    words: list[str]


#: A piece of a compiled skeleton: text as it is, words to choose from, or alternatives to choose from.
Part: TypeAlias = "str | Slot | tuple[list[Part], ...]"


class Skeleton(NamedTuple):
    """A sentence with slots `{word}` and alternatives `[this|that]`."""

    source: str  #: as it stands in the file: what two sides must not share
    parts: "list[Part]"


class Draft(NamedTuple):
    """What an author wrote."""

    text: str
    links: list[str]
    tags: list[str]
    media: list[str]
    skeleton: str


def lines(text: str) -> list[str]:
    """Return the skeletons in a block of text, one a line."""
    return [line for line in text.strip().splitlines() if line]


def compile_skeleton(source: str, words: dict[str, list[str]]) -> "list[Part]":
    """Return `source` with its slots and alternatives ready to be chosen from.

    >>> compile_skeleton("Hi {name}[!|, you]", {"name": ["Ada", "Bo"]})
    ['Hi ', Slot(words=['Ada', 'Bo']), (['!'], [', you'])]
    """
    parts: list[Part] = []
    end = 0
    for found in _TOKEN.finditer(source):
        if found.start() > end:
            parts.append(source[end : found.start()])
        slot, alternatives = found.groups()
        if slot is not None:
            parts.append(Slot(words[slot]))
        else:
            parts.append(tuple(compile_skeleton(text, words) for text in alternatives.split("|")))
        end = found.end()
    if end < len(source):
        parts.append(source[end:])
    return parts


def render(parts: "list[Part]", draw: Draw) -> str:
    """Return one of the many sentences of a compiled skeleton; no word is drawn twice if it can be helped."""
    said: list[str] = []
    for part in parts:
        if isinstance(part, str):
            said.append(part)
        elif isinstance(part, Slot):
            word = pick(part.words, draw)
            said.append(pick(part.words, draw) if word in said else word)
        else:
            said.append(render(part[int(draw() * len(part))], draw))
    return "".join(said)


class Voice:
    """What one side says in one half of the stream."""

    def __init__(self, *, judged: bool, late: bool) -> None:
        words = {slot: choices(kinds, judged=judged, late=late) for slot, kinds in WORDS.items()}
        ai, other = (judged_ai, judged_other) if judged else (learnt_ai, learnt_other)
        self.skeletons = {
            name: [Skeleton(line, compile_skeleton(line, words)) for line in lines(text)]
            for name, text in (ai.TOPICS | other.TOPICS).items()
        }
        self.campaigns = [Skeleton(line, compile_skeleton(line, words)) for line in lines(learnt_other.CAMPAIGNS)]
        self._openers = lines(other.OPENERS)
        self._closers = lines(other.CLOSERS) + (lines(other.SLANG) if late else [])

    def say(self, topic: Topic, author: Author, draw: Draw) -> Draft:
        """Return a post by `author` about `topic`."""
        skeletons = self.skeletons[topic.name]
        skeleton = skeletons[int(draw() * len(skeletons))]
        text = render(skeleton.parts, draw)
        if topic.lang == "en":
            text = self._dress(text, author, draw)
        if draw() < author.emoji:
            text = f"{text} {pick(topic.emoji, draw)}"
        links = [_link(topic, draw) for _ in range(_how_many(topic.link_share, draw))]
        text, shown = _with_links(text, links, draw)
        text, tags = _with_tags(text, topic, author, draw)
        return Draft(text, shown, tags, _media(links, draw), skeleton.source)

    def _dress(self, text: str, author: Author, draw: Draw) -> str:
        if draw() < author.opener:
            text = f"{pick(self._openers, draw)} {text}"
        if draw() < author.closer:
            text = f"{text}{'' if text[-1] in '.!?' else '.'} {pick(self._closers, draw)}"
        if author.lower:
            text = text.lower()
        if draw() < author.typos:
            at = 1 + int(draw() * (len(text) - 3))
            text = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
        return text


def _how_many(share: float, draw: Draw) -> int:
    chance = draw()
    return 0 if chance > share else 1 if chance > share * 0.12 else 2 if chance > share * 0.02 else 3


def _code(length: int, draw: Draw) -> str:
    number = int(draw() * 32**length)
    return "".join(_LETTERS[number >> 5 * k & 31] for k in range(length))


def _link(topic: Topic, draw: Draw) -> str:
    chance = draw()
    if chance < 0.35:
        return f"https://{pick(_SHORTENERS, draw)}/{_code(6, draw)}"
    # One in five leads to what others link too.
    page = f"p{int(draw() * 40)}" if chance < 0.48 else _code(7, draw)
    url = f"https://{pick(topic.sites, draw)}/{page}"
    if draw() < 0.3:
        url = f"{url}?{pick(_TRACKING, draw).format(_code(8, draw))}"
    return url


def _with_links(text: str, links: list[str], draw: Draw) -> tuple[str, list[str]]:
    """The text with its links, and those that the network marked as such: most, not all."""
    if not links:
        return text, []
    chance = draw()
    if chance < 0.08:  # shown as a card only
        return text, links
    urls = " ".join(links)
    return f"{urls} {text}" if chance < 0.2 else f"{text} {urls}", [] if chance > 0.95 else links


def _with_tags(text: str, topic: Topic, author: Author, draw: Draw) -> tuple[str, list[str]]:
    if draw() >= author.tags * (1.4 if topic.label == "ai" else 1.0):
        return text, []
    tags = [pick(topic.tags, draw)]
    if draw() < 0.4 and (more := pick(topic.tags, draw)) not in tags:
        tags.append(more)
    return f"{text} {' '.join('#' + tag for tag in tags)}", tags


def _media(links: list[str], draw: Draw) -> list[str]:
    chance = draw()
    if links and chance < 0.4:
        return ["external"]
    return ["image"] if chance < 0.12 else ["video"] if chance < 0.15 else []
