"""Shadow and canary: a version that is tried on a share of the live requests.

A canary answers its share, and feedback and `/statistics` say how well, by version. A shadow is scored after the champion
has answered, and only counted: how often both agree. Requests that name a version are never part of a trial.
"""

import asyncio
import random
from contextlib import suppress

import psycopg

from goldstream.errors import StoreError
from goldstream.serving.batching import Batcher
from goldstream.serving.judged import Judged
from goldstream.serving.models import Models, Unavailable, UnknownVersion
from goldstream.store import Store, trials
from goldstream.store.trials import Count, Trial
from goldstream.stream.champion import Fixed

LOOK_S = 2.0  #: how often the trial is looked up, and its counts are written
MOST_SHADOWS = 64  #: requests that may wait for their shadow; more are not shadowed


class Trials:
    """Follows the trial that runs. Belongs to one event loop."""

    def __init__(self, store: Store, models: Models, batcher: Batcher) -> None:
        self._store, self._models, self._batcher = store, models, batcher
        self._trial: Trial | None = None
        self._model: Fixed | None = None
        self._counts: dict[tuple[int, int], Count] = {}
        self._shadows: set[asyncio.Task[None]] = set()
        self._random = random.Random()

    def canary(self) -> Fixed | None:
        """Return the model that answers this request in the champion's place, if it is one of the canary's share."""
        trial, model = self._trial, self._model
        if trial is None or model is None or trial.kind != "canary" or self._random.random() >= trial.share:
            return None
        self._model = self._models.in_force(model)
        return self._model

    def shadow(self, texts: list[str], judged: Judged) -> None:
        """Score the same texts with the shadow, later, if this request is one of its share."""
        trial, model = self._trial, self._model
        if trial is None or model is None or trial.kind != "shadow" or len(self._shadows) >= MOST_SHADOWS:
            return
        if self._random.random() < trial.share:
            task = asyncio.get_running_loop().create_task(self._compare(trial, model, texts, judged))
            self._shadows.add(task)
            task.add_done_callback(self._shadows.discard)

    async def follow(self) -> None:
        """Look the trial up again and again, until cancelled; while the database is away it stays as it is."""
        while True:
            with suppress(StoreError, psycopg.Error):
                await self.look()
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Look the trial up once, load its model, and write what was counted."""
        counted, self._counts = self._counts, {}
        try:
            found = await asyncio.to_thread(self._exchange, list(counted.values()))
        except (StoreError, psycopg.Error):
            for key, count in counted.items():
                self._counts[key] = _sum(self._counts.get(key), count)
            raise
        if found != self._trial:
            self._model = None
            with suppress(UnknownVersion, Unavailable):
                self._model = None if found is None else await self._models.version(found.version)
            self._trial = found if self._model is not None else None

    def _exchange(self, counted: list[Count]) -> Trial | None:
        with self._store.connect(name="serving trials") as conn, conn.transaction():
            for count in counted:
                trials.add(conn, count)
            return trials.newest(conn)

    async def _compare(self, trial: Trial, model: Fixed, texts: list[str], judged: Judged) -> None:
        key = trial.id, judged.model.version
        try:
            agreed, moved = _beside(judged, await self._batcher.score(model, texts))
        except Exception:  # a shadow that fails harms nobody; it agrees on nothing
            agreed, moved = 0, 0.0
        self._counts[key] = _sum(self._counts.get(key), Count(*key, len(texts), agreed, moved))


def _beside(ours: Judged, theirs: Judged) -> tuple[int, float]:
    """On how many texts both decide for the same label, and how far the probability of ours moves, summed up."""
    agreed, moved = 0, 0.0
    for before, after in zip(ours.answers(), theirs.answers(), strict=True):  # by name: the order of labels may differ
        agreed += before["label"] == after["label"]
        moved += abs(after["probabilities"][before["label"]] - before["probability"])
    return agreed, moved


def _sum(first: Count | None, second: Count) -> Count:
    if first is None:
        return second
    return Count(*first[:2], first.texts + second.texts, first.agreed + second.agreed, first.moved + second.moved)
