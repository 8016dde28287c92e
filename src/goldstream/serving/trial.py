"""Shadow and canary: a version that is tried on a share of the live requests.

A canary answers its share, and where it fails the champion does. A shadow is scored after the champion has answered, and
only counted. Requests that name a version are never part of a trial. What both come to is written every few seconds, for
`goldstream models trial` and the pages.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from uuid import uuid4

import psycopg

from goldstream.errors import StoreError
from goldstream.serving.asking import asked
from goldstream.serving.batching import Batcher
from goldstream.serving.judged import Judged
from goldstream.serving.models import Models, Unavailable, UnknownVersion
from goldstream.store import Store, trial_counts, trials
from goldstream.store.trial_counts import Counts
from goldstream.store.trials import Trial
from goldstream.stream.champion import Fixed

LOOK_S = 2.0  #: how often the trial is looked up, and its counts are written
MOST_SHADOWS = 64  #: requests that may wait for their shadow; more are not shadowed

Say = Callable[[str], None]


class Trials:
    """Follows the trial that runs. Belongs to one event loop."""

    def __init__(self, store: Store, models: Models, batcher: Batcher, say: Say) -> None:
        self._store, self._models, self._batcher, self._say = store, models, batcher, say
        self._trial: Trial | None = None
        self._model: Fixed | None = None
        self._process, self._counts = uuid4(), dict[int, Counts]()  # by trial
        self._changed: set[int] = set()
        self._shadows: set[asyncio.Task[None]] = set()
        self._random = random.Random()

    @property
    def on(self) -> bool:
        """Whether a version is being tried."""
        return self._trial is not None

    async def score(self, champion: Fixed, texts: list[str]) -> Judged:
        """Return what `champion` says of the texts of a request, or the canary if the request is one of its share."""
        trial, tried = self._trial, self._model
        if trial is None or tried is None or not texts:
            return await self._batcher.score(champion, texts)
        chosen = self._random.random() < trial.share
        if trial.kind == "canary":
            if chosen and (judged := await self._tried(trial, tried, texts)) is not None:
                return judged
            return await self._timed(trial, champion, texts)
        started = time.perf_counter()
        judged = await self._batcher.score(champion, texts)
        if chosen and len(self._shadows) < MOST_SHADOWS:
            took_s = time.perf_counter() - started
            task = asyncio.get_running_loop().create_task(self._compare(trial, tried, texts, judged, took_s))
            self._shadows.add(task)
            task.add_done_callback(self._shadows.discard)
        return judged

    async def follow(self) -> None:
        """Look the trial up again and again, until cancelled; while the database is away it stays as it is."""
        while True:
            with suppress(StoreError, psycopg.Error):
                await self.look()
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Look the trial up once, load its model, and write what was counted."""
        found = await self.write()
        if found == self._trial:
            return
        self._trial = None
        if found is not None:
            counts = self._of(found)
            try:
                self._model = await self._models.version(found.version)
                self._trial, counts.refused = found, None
            except (UnknownVersion, Unavailable) as error:
                if counts.refused is None:
                    self._say(f"version {found.version} can't be tried, the champion answers: {error}")
                counts.refused = str(error)
            self._changed.add(found.id)

    async def write(self) -> Trial | None:
        """Write what was counted, and return the trial that runs by now."""
        changed, self._changed = self._changed, set()
        try:
            return await asked(lambda: self._exchange({trial: self._counts[trial] for trial in changed}))
        except BaseException:
            self._changed |= changed
            raise

    def _exchange(self, counted: dict[int, Counts]) -> Trial | None:
        with self._store.connect(name="serving trials") as conn, conn.transaction():
            for trial, counts in counted.items():
                trial_counts.write(conn, trial, self._process, counts)
            return trials.newest(conn)

    def _of(self, trial: Trial) -> Counts:
        self._changed.add(trial.id)
        return self._counts.setdefault(trial.id, Counts())

    async def _tried(self, trial: Trial, tried: Fixed, texts: list[str]) -> Judged | None:
        """What the canary says; None when it fails."""
        self._model = tried = self._models.in_force(tried)
        try:
            return await self._timed(trial, tried, texts)
        except UnicodeEncodeError:  # the text is to blame
            raise
        except Exception:
            self._of(trial).side(tried.version).failed += 1
            return None

    async def _timed(self, trial: Trial, model: Fixed, texts: list[str]) -> Judged:
        started = time.perf_counter()
        judged = await self._batcher.score(model, texts)
        self._answered(trial, judged, time.perf_counter() - started)
        return judged

    def _answered(self, trial: Trial, judged: Judged, took_s: float) -> None:
        labels = judged.model.model.labels
        said = Counter(labels[chosen] for chosen in judged.chosen)
        self._of(trial).side(judged.model.version).answered(said, took_s)

    async def _compare(self, trial: Trial, shadow: Fixed, texts: list[str], ours: Judged, took_s: float) -> None:
        self._answered(trial, ours, took_s)
        pair = self._of(trial).pair(ours.model.version)
        pair.texts += len(texts)
        try:
            theirs = await self._timed(trial, shadow, texts)
        except Exception:  # a shadow that fails harms nobody; it agrees on nothing
            self._of(trial).side(shadow.version).failed += 1
            return
        agreed, moved = _beside(ours, theirs)
        pair.agreed, pair.moved = pair.agreed + agreed, pair.moved + moved


def _beside(ours: Judged, theirs: Judged) -> tuple[int, float]:
    """On how many texts both decide for the same label, and how far the probability of ours moves, summed up."""
    agreed, moved = 0, 0.0
    for before, after in zip(ours.answers(), theirs.answers(), strict=True):  # by name: the order of labels may differ
        agreed += before["label"] == after["label"]
        moved += abs(after["probabilities"][before["label"]] - before["probability"])
    return agreed, moved
