"""Micro-batching: the texts of requests that arrive together are scored in one call, and answered in one go.

Whatever the event loop finds on its sockets in one round is one batch; `wait_s` makes it wait for more. A batch that is
expected to take long, by what the model took before, is scored in a thread, and what arrives meanwhile is the next one.
"""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, Protocol, TypeVar

from goldstream.serving.counting import Metrics
from goldstream.serving.judged import Judged, judge
from goldstream.stream.champion import Fixed

Result = TypeVar("Result")

AT_ONCE_S = 0.0005  #: batches that take longer than this are scored in a thread
SMALL = 2_000  #: characters

_log = logging.getLogger("goldstream.serving")


class Asker(Protocol):
    """Whoever waits for what a model says of some texts."""

    @property
    def texts(self) -> list[str]: ...  # noqa: D102


class Answerer(Protocol):
    """Answers those who ask, all of a batch at once."""

    def work(self, askers: Sequence[Any], texts: list[str], judged: Judged) -> Any:
        """Return what `answer` needs, wherever the texts were scored: in the event loop, or in a thread."""
        ...

    def answer(self, askers: Sequence[Any], done: Any) -> None:
        """Answer all of them."""
        ...

    def fail(self, asker: Any, error: BaseException) -> None:
        """Tell one that is not answered yet what went wrong with its texts."""
        ...


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
    """Those who ask one model for texts, and get their answers in one way."""

    __slots__ = ("answerer", "askers", "begun", "model", "pace", "texts", "waited_s")

    def __init__(self, model: Fixed, answerer: Answerer, asker: Asker, pace: _Pace) -> None:
        self.model, self.answerer, self.askers, self.pace = model, answerer, [asker], pace
        self.begun, self.waited_s = time.perf_counter(), 0.0
        self.texts = asker.texts

    def add(self, asker: Asker) -> None:
        if len(self.askers) == 1:
            self.texts = self.texts[:]
        self.askers.append(asker)
        self.texts += asker.texts

    def answer(self, done: Any) -> None:
        try:
            self.answerer.answer(self.askers, done)
        except Exception as error:
            _log.error("answers of version %s failed", self.model.version, exc_info=error)
            for asker in self.askers:
                self.answerer.fail(asker, error)


class Batcher:
    """Scores texts for the event loop; close it when nobody asks any more."""

    def __init__(self, *, together: bool, wait_s: float, metrics: Metrics | None = None, threads: int = 2) -> None:
        self._together, self._wait_s, self._metrics = together, wait_s, metrics
        self._waiting: dict[tuple[Fixed, Answerer], _Batch] = {}
        self._paces: defaultdict[str, _Pace] = defaultdict(_Pace)  # by kind of model
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="score")

    def put(self, model: Fixed, asker: Asker, answerer: Answerer) -> None:
        """Have the texts of `asker` scored, with those of others; `answerer` answers, or says what the model raised for them."""
        if self._together and (batch := self._waiting.get((model, answerer))) is not None:
            batch.add(asker)
            return
        batch = _Batch(model, answerer, asker, self._paces[model.model.facts.type])
        if not self._together:
            self._run(batch)
            return
        self._waiting[model, answerer] = batch
        loop = asyncio.get_running_loop()
        if self._wait_s:
            loop.call_later(self._wait_s, self._run_waiting, model, answerer)
        else:
            loop.call_soon(self._run_waiting, model, answerer)

    async def score(self, model: Fixed, texts: list[str]) -> Judged:
        """Return what `model` says of `texts`; raises whatever the model raises for these texts."""
        asker = _Waiting(texts, asyncio.get_running_loop().create_future())
        self.put(model, asker, _FUTURES)
        return await asker.future

    async def aside(self, work: Callable[[], Result]) -> Result:
        """Return what `work` returns, which takes long and is done in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def close(self) -> None:
        """Let go of the threads."""
        self._threads.shutdown(wait=True)

    def _run_waiting(self, model: Fixed, answerer: Answerer) -> None:
        self._run(self._waiting.pop((model, answerer)))

    def _run(self, batch: _Batch) -> None:
        characters = sum(map(len, batch.texts))
        if batch.pace.expected_s(characters) > AT_ONCE_S:
            self._in_threads(batch, characters)
            return
        try:
            done = self._done(batch, characters)
        except Exception as error:
            self._failed(batch, error)
        else:
            self._answer(batch, done)

    def _in_threads(self, batch: _Batch, characters: int) -> None:
        running = asyncio.get_running_loop().run_in_executor(self._threads, self._done, batch, characters)

        def finished(future: "asyncio.Future[Any]") -> None:
            if not future.cancelled() and (error := future.exception()) is not None:
                self._failed(batch, error)
            elif not future.cancelled():
                self._answer(batch, future.result())

        running.add_done_callback(finished)

    def _done(self, batch: _Batch, characters: int) -> Any:
        started = time.perf_counter()
        batch.waited_s = started - batch.begun
        judged = judge(batch.model, batch.texts)
        batch.pace.took(time.perf_counter() - started, characters)
        return batch.answerer.work(batch.askers, batch.texts, judged)

    def _failed(self, batch: _Batch, error: BaseException) -> None:
        """Tell the one who asked; of several, one may be to blame, so each is tried alone."""
        if len(batch.askers) == 1:
            batch.answerer.fail(batch.askers[0], error)
            return
        for asker in batch.askers:
            self._in_threads(_Batch(batch.model, batch.answerer, asker, batch.pace), sum(map(len, asker.texts)))

    def _answer(self, batch: _Batch, done: Any) -> None:
        if self._metrics is not None:
            self._metrics.scored(len(batch.texts), batch.waited_s)
        batch.answer(done)


class _Waiting(NamedTuple):
    """A coroutine that waits."""

    texts: list[str]
    future: "asyncio.Future[Judged]"


class _Futures:
    """Answers coroutines."""

    def work(self, askers: Sequence[_Waiting], texts: list[str], judged: Judged) -> Judged:
        return judged

    def answer(self, askers: Sequence[_Waiting], done: Judged) -> None:
        end = 0
        for asker in askers:
            start, end = end, end + len(asker.texts)
            if not asker.future.done():  # its client may have gone
                asker.future.set_result(done.part(start, end))

    def fail(self, asker: _Waiting, error: BaseException) -> None:
        if not asker.future.done():
            asker.future.set_exception(error)


_FUTURES = _Futures()
