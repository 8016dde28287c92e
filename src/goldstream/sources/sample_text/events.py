"""The stream: who posts what when, who repeats it, and what is edited, deleted or broken later."""

import heapq
from bisect import bisect
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from random import Random
from typing import NamedTuple

import msgspec

from goldstream.records import Post
from goldstream.sources.sample_text.authors import Author, Cohort, Draw, pick
from goldstream.sources.sample_text.compose import Draft, Skeleton, Voice, render
from goldstream.sources.sample_text.oddities import ODDITIES
from goldstream.sources.sample_text.topics import SHARES, Topic, topic

_START = datetime(2026, 3, 2, 6, tzinfo=UTC)
_STEP_S = 20.0  #: between two posts, on average: about six days for 26,000 posts
#: How busy each hour of the day is, UTC; the average is 10.
_RHYTHM = [6, 4, 3, 3, 3, 4, 6, 9, 11, 12, 12, 12, 13, 12, 12, 13, 13, 13, 14, 14, 15, 14, 12, 10]
_JUDGED_SHARE = 0.22
#: Judged posts come from two groups of authors, one after the other, so that a test set (the newest) and a dev set can
#: be cut between them without an author on both sides.
_COHORTS_CHANGE = 0.22
_SPAM = 0.14  #: of the posts while a campaign runs
_CAMPAIGN_WINDOWS = 16  #: stretches of the stream; in every other one a campaign runs
_ACCOUNT_DELETIONS = 7

_TOPICS = {name: topic(name) for name in SHARES}


class Event(NamedTuple):
    """One event with what we know of it and the stream doesn't say."""

    post: Post
    skeleton: str  #: the sentence it was made from; empty for deletions
    topic: Topic | None
    judged: bool


class _Mix:
    """Topics by their shares, in one half of the stream."""

    def __init__(self, *, late: bool) -> None:
        absent = "ai.news_early" if late else "ai.news_late"
        self._names = [name for name in SHARES if name != absent]
        self._sums = list(accumulate(SHARES[name] for name in self._names))

    def draw(self, draw: Draw) -> Topic:
        return _TOPICS[self._names[bisect(self._sums, draw() * self._sums[-1])]]


class _Group:
    """A cohort with its voices and what it said lately."""

    def __init__(self, cohort: Cohort, voices: dict[bool, Voice], *, judged: bool) -> None:
        self.cohort = cohort
        self.voices = voices
        self.judged = judged
        self.recent: deque[Event] = deque(maxlen=150)


class Stream:
    """All events of one seed, in order. Iterate once."""

    def __init__(self, seed: int, posts: int) -> None:
        self._draw = Random(f"goldstream sample {seed}").random
        self._seed = seed
        self._posts = posts
        self._now = _START
        self._waiting: list[tuple[int, int, Event]] = []  #: due at which post, tie-breaker, what
        self._waits = 0
        self._gone: set[str] = set()
        self._mixes = {late: _Mix(late=late) for late in (False, True)}
        voices = {judged: {late: Voice(judged=judged, late=late) for late in (False, True)} for judged in (False, True)}
        self._learnt = _Group(Cohort(0, 700, self._draw), voices[False], judged=False)
        sizes = ((700, 26), (726, 51))
        self._judged = [_Group(Cohort(first, size, self._draw), voices[True], judged=True) for first, size in sizes]
        self._spammers = Cohort(777, 180, self._draw).authors

    def __iter__(self) -> Iterator[Event]:
        for number in range(self._posts):
            self._tick()
            yield from self._due(number)
            if number * _ACCOUNT_DELETIONS % self._posts < _ACCOUNT_DELETIONS and self._learnt.recent:
                yield self._account_deletion()
            yield from self._post(number)
        yield from self._due(None)

    def _tick(self) -> None:
        pace = 10 / _RHYTHM[self._now.hour]
        self._now += timedelta(microseconds=int(_STEP_S * 1e6 * pace * (0.5 + self._draw())))

    def _due(self, number: int | None) -> Iterator[Event]:
        while self._waiting and (number is None or self._waiting[0][0] <= number):
            event = heapq.heappop(self._waiting)[2]
            if event.post.kind == "create" or event.post.author not in self._gone:
                yield event

    def _wait(self, until: int, event: Event) -> None:
        self._waits += 1
        heapq.heappush(self._waiting, (until, self._waits, event))

    def _post(self, number: int) -> Iterator[Event]:
        event = self._new(number)
        chance = self._draw()
        later = number + 5 + int(self._draw() * 400)  # and as many seconds: fewer than will have passed
        if chance < 0.002:  # the deletion overtakes its post
            yield self._deletion(event, 3_600)
            self._wait(number + 1 + later % 40, event)
            return
        yield event
        if chance < 0.017:
            self._wait(later, self._deletion(event, later - number))
        elif chance < 0.037:
            self._wait(later, self._edit(event, later - number))

    def _group(self, number: int) -> _Group:
        if self._draw() >= _JUDGED_SHARE:
            return self._learnt
        return self._judged[number >= self._posts * _COHORTS_CHANGE]

    def _new(self, number: int) -> Event:
        draw = self._draw
        late = number >= self._posts * 0.5
        if self._spam_season(number) and draw() < _SPAM:
            return self._spam(number, late)
        group = self._group(number)
        chance = draw()
        if group.recent and chance < 0.075:
            known = group.recent[int(draw() * len(group.recent))]
            if known.post.author not in self._gone:
                return self._again(number, known, group, repost=chance < 0.04)
        event = self._fresh(number, late, group, reply=chance > 0.92)
        group.recent.append(event)
        return event

    def _fresh(self, number: int, late: bool, group: _Group, *, reply: bool) -> Event:
        about = self._mixes[late].draw(self._draw)
        author = self._author(group, about)
        draft = group.voices[late].say(about, author, self._draw)
        answered = None
        if reply and group.recent:
            answered = group.recent[-1 - int(self._draw() * 20) % len(group.recent)].post
            draft = draft._replace(text=f"@{answered.author} {draft.text}")
        post = self._write(number, author, draft, reply_to=answered.id if answered else None)
        if number in ODDITIES and not group.judged:
            post = ODDITIES[number](post)
        return Event(post, draft.skeleton, about, group.judged)

    def _author(self, group: _Group, about: Topic) -> Author:
        while (author := group.cohort.writer(about.name, self._now.hour, self._draw)).handle in self._gone:
            pass
        return author

    def _write(
        self, number: int, author: Author, draft: Draft, *, reply_to: str | None = None, repost_of: str | None = None
    ) -> Post:
        draw = self._draw
        delay = draw()
        lag_s = delay * 90 if delay < 0.97 else delay * 3_600  # some clocks are wrong
        return Post(
            id=f"sample:{self._seed}-{number:06}",
            source="sample",
            revision=_microseconds(self._now),
            text=draft.text,
            created_at=self._now - timedelta(seconds=int(lag_s)),
            author=author.handle,
            lang=author.lang if draw() < 0.92 else None,
            url=f"https://posts.example/{author.handle}/{number}",
            links=draft.links,
            tags=draft.tags,
            media=draft.media,
            reply_to=reply_to,
            repost_of=repost_of,
        )

    def _again(self, number: int, known: Event, group: _Group, *, repost: bool) -> Event:
        """A repost of `known`, or nearly the same text once more."""
        draw = self._draw
        about = known.topic or _TOPICS["life.work"]
        author = self._author(group, about)
        old = known.post
        if repost:
            text = old.text if draw() < 0.5 else f"RT @{old.author}: {old.text}"
        else:
            endings = [" 👇", " 🔁", " !!", f" (via @{old.author})", " …", " (again)"]
            text = old.text + pick(endings, draw)
        draft = Draft(text, old.links, old.tags, old.media, known.skeleton)
        post = self._write(number, author, draft, repost_of=old.id if repost else None)
        return known._replace(post=post)

    def _spam_season(self, number: int) -> bool:
        return number * _CAMPAIGN_WINDOWS // self._posts % 2 == 1

    def _spam(self, number: int, late: bool) -> Event:
        campaigns = self._learnt.voices[late].campaigns
        skeleton: Skeleton = campaigns[number * _CAMPAIGN_WINDOWS // self._posts // 2 % len(campaigns)]
        author = self._spammers[int(self._draw() * len(self._spammers))]
        text = render(skeleton.parts, self._draw)
        links = [f"https://win.example.com/?ref={int(self._draw() * 900)}"] if self._draw() < 0.7 else []
        draft = Draft(" ".join([text, *links]), links, [], [], skeleton.source)
        return Event(self._write(number, author, draft), skeleton.source, _TOPICS["name.adverts"], False)

    def _edit(self, event: Event, seconds: int) -> Event:
        post = event.post
        text = post.text + pick([" (edit: typo)", " EDIT: thank you all!", " [edited]", "."], self._draw)
        revision = post.revision + 1_000_000 * seconds
        return event._replace(post=msgspec.structs.replace(post, kind="update", revision=revision, text=text))

    def _deletion(self, event: Event, seconds: int) -> Event:
        post = event.post
        revision = post.revision + 1_000_000 * seconds
        gone = Post(id=post.id, source="sample", kind="delete", revision=revision, author=post.author)
        return Event(gone, "", None, event.judged)

    def _account_deletion(self) -> Event:
        author = self._learnt.recent[0].post.author or ""
        self._gone.add(author)
        revision = _microseconds(self._now)
        gone = Post(id=f"sample:account-{author}", source="sample", kind="forget", revision=revision, author=author)
        return Event(gone, "", None, False)


def _microseconds(time: datetime) -> int:
    return (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
