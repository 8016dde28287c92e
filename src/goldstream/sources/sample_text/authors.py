"""Authors: a name, a language, the circle whose topics they like, the hours they keep, and the way they write."""

from collections.abc import Callable
from typing import NamedTuple

from goldstream.sources.sample_text.topics import CIRCLES, SHARES, topic

Draw = Callable[[], float]

_FIRST = """ada bo cleo dag eli fay gil hedy ida joss kit lou mika nell ozzy pia quin roz sol tam una vik wren yael zed
arlo bea cyd dot emil flo gus hal ivy jo kaz lux moss noor odd pip rafa sia ted ulla vera wim xan yoko zia""".split()  # noqa: SIM905
_SECOND = """kettle harbour pickle maple badger button copper thimble lantern turnip gravel paper velvet anchor
cricket barley pepper marble willow teacup biscuit rocket meadow saddle pebble violin acorn tunnel cactus wagon
mitten ladder walnut parsnip""".split()  # noqa: SIM905


class Author(NamedTuple):
    """Someone with habits. Shares are of their own posts."""

    handle: str
    lang: str
    topics: frozenset[str]  #: only asked for membership: a set has no order to rely on
    wakes: int  #: hour, UTC
    awake: int  #: hours
    lower: bool  #: writes without capitals
    opener: float
    closer: float
    tags: float
    emoji: float
    typos: float


def pick(items: list[str], draw: Draw) -> str:
    """Return one of `items`, each as likely as the others; the same draw gives the same item everywhere."""
    return items[int(draw() * len(items))]


def _author(number: int, circle: str, draw: Draw) -> Author:
    lang = topic(CIRCLES[circle].split()[0]).lang
    strays = [pick(sorted(SHARES), draw) for _ in range(3)]
    return Author(
        handle=f"{pick(_FIRST, draw)}-{pick(_SECOND, draw)}-{number}",
        lang=lang,
        topics=frozenset(CIRCLES[circle].split()) | frozenset(name for name in strays if topic(name).lang == lang),
        wakes=int(draw() * 24),
        awake=8 + int(draw() * 9),
        lower=draw() < 0.15,
        opener=0.25 * draw() ** 2,
        closer=0.35 * draw(),
        tags=0.6 * draw() ** 2,
        emoji=0.7 * draw() ** 2,
        typos=0.08 * draw() ** 2,
    )


class Cohort:
    """Authors who may meet: they answer and repeat one another, and nobody else."""

    def __init__(self, first: int, size: int, draw: Draw) -> None:
        circles = list(CIRCLES)
        self.authors = [_author(first + k, circles[k % len(circles)], draw) for k in range(size)]
        self._by_topic = {name: self._who_writes(name) for name in SHARES}

    def _who_writes(self, name: str) -> list[Author]:
        lang = topic(name).lang
        keen = [author for author in self.authors if name in author.topics]
        # The third that joined first counts twice: some people are louder than others.
        loud = keen[: len(keen) // 3]
        speakers = [author for author in self.authors if author.lang == lang]
        strangers = speakers[len(name) % 5 :: 5][: max(2, len(keen) // 8)]
        return keen + loud + strangers or self.authors

    def writer(self, name: str, hour: int, draw: Draw) -> Author:
        """Return someone who writes about the topic `name` and is probably awake at `hour`."""
        authors = self._by_topic[name]
        for _ in range(3):
            author = authors[int(draw() * len(authors))]
            if (hour - author.wakes) % 24 < author.awake:
                break
        return author
