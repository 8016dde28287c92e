"""Micro-batching: the texts of requests that arrive together are scored in one call.

Whatever the event loop finds on its sockets in one round is one batch; `wait_s` makes it wait for more. A batch that is
expected to take long, by what the model took before, is scored in a thread, and what arrives meanwhile is the next one.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from goldstream.serving.counting import Metrics
from goldstream.serving.judged import Judged, judge
from goldstream.stream.champion import Fixed

Result = TypeVar("Result")

AT_ONCE_S = 0.0005  #: batches that take longer than this are scored in a thread
SMALL = 2_000  #: characters


class _Pace:
    """How long a model takes: for a call, learnt from small ones, and per character, learnt from large ones.

    A call may have waited for the interpreter or a processor: what is fast is believed sooner than what is slow.
    """

    def __init__(self) -> None:
        self._call, self._per_character = 0.0, 1e-7

    def expected_s(self, characters: int) -> float:
        return self._call + self._per_character * characters

    def took(self, seconds: float, characters: int) -> None:
        if characters < SMALL:
            self._call = _nearer(self._call, seconds)
        else:
            self._per_character = _nearer(self._per_character, max(0.0, seconds - self._call) / characters)


def _nearer(value: float, seen: float) -> float:
    return value + (0.5 if seen < value else 0.05) * (seen - value)


class _Batch:
    def __init__(self) -> None:
        self.texts: list[str] = []
        self.askers: list[tuple[asyncio.Future[Judged], int]] = []  # and where the texts of each end
        self.begun, self.waited_s = time.perf_counter(), 0.0


class Batcher:
    """Scores texts for the event loop; close it when nobody asks any more."""

    def __init__(self, *, together: bool, wait_s: float, metrics: Metrics | None = None, threads: int = 2) -> None:
        self._together, self._wait_s, self._metrics = together, wait_s, metrics
        self._waiting: dict[Fixed, _Batch] = {}
        self._paces: defaultdict[str, _Pace] = defaultdict(_Pace)  # by kind of model
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="score")

    async def score(self, model: Fixed, texts: list[str]) -> Judged:
        """Return what `model` says of `texts`; raises whatever the model raises for these texts."""
        if not self._together:
            return await self._alone(model, texts)
        loop = asyncio.get_running_loop()
        batch = self._waiting.get(model)
        if batch is None:
            batch = self._waiting[model] = _Batch()
            if self._wait_s:
                loop.call_later(self._wait_s, self._run, model)
            else:
                loop.call_soon(self._run, model)
        future: asyncio.Future[Judged] = loop.create_future()
        batch.texts += texts
        batch.askers.append((future, len(batch.texts)))
        return await future

    async def aside(self, work: Callable[[], Result]) -> Result:
        """Return what `work` returns, which takes long and is done in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def close(self) -> None:
        """Let go of the threads."""
        self._threads.shutdown(wait=True)

    async def _alone(self, model: Fixed, texts: list[str]) -> Judged:
        batch = _Batch()
        batch.texts = texts
        if self._is_quick(model, texts):
            judged = self._judged(model, batch)
        else:
            judged = await self.aside(lambda: self._judged(model, batch))
        self._count(batch)
        return judged

    def _run(self, model: Fixed) -> None:
        batch = self._waiting.pop(model)
        if self._is_quick(model, batch.texts):
            try:
                self._give(batch, self._judged(model, batch))
                return
            except Exception:  # one text of many may be to blame
                pass
        self._in_threads(model, batch)

    def _in_threads(self, model: Fixed, batch: _Batch) -> None:
        loop = asyncio.get_running_loop()
        running = loop.run_in_executor(self._threads, self._judged, model, batch)

        def done(finished: "asyncio.Future[Judged]") -> None:
            if finished.cancelled() or (error := finished.exception()) is None:
                self._give(batch, finished.result())
            elif len(batch.askers) == 1:
                _fail(batch.askers[0][0], error)
            else:
                for alone in _apart(batch):
                    self._in_threads(model, alone)

        running.add_done_callback(done)

    def _give(self, batch: _Batch, judged: Judged) -> None:
        self._count(batch)
        start = 0
        for future, end in batch.askers:
            if not future.done():  # the client may have gone
                future.set_result(judged.part(start, end))
            start = end

    def _count(self, batch: _Batch) -> None:
        if self._metrics is not None:
            self._metrics.scored(len(batch.texts), batch.waited_s)

    def _is_quick(self, model: Fixed, texts: list[str]) -> bool:
        return self._pace(model).expected_s(_size(texts)) < AT_ONCE_S

    def _pace(self, model: Fixed) -> _Pace:
        return self._paces[model.model.facts.type]

    def _judged(self, model: Fixed, batch: _Batch) -> Judged:
        started = time.perf_counter()
        found = judge(model, batch.texts)
        batch.waited_s = started - batch.begun
        self._pace(model).took(time.perf_counter() - started, _size(batch.texts))
        return found


def _apart(batch: _Batch) -> list[_Batch]:
    """The same requests, each in a batch of its own."""
    apart, start = [], 0
    for future, end in batch.askers:
        alone = _Batch()
        alone.texts, alone.askers = batch.texts[start:end], [(future, end - start)]
        apart.append(alone)
        start = end
    return apart


def _fail(future: "asyncio.Future[Judged]", error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)


def _size(texts: list[str]) -> int:
    return sum(map(len, texts))
