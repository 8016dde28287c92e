"""Our own protocol: `POST /predict`."""

import asyncio
import time
from collections.abc import Coroutine, Sequence
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import msgspec
from msgspec import UNSET, UnsetType
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from goldstream.serving.direct import Listener
from goldstream.serving.ids import new_ids
from goldstream.serving.judged import Judged, nothing
from goldstream.serving.prediction_store import Answered, PredictionStore
from goldstream.serving.requests import Refused, decode, read_body, version_in
from goldstream.serving.service import Service, refusal
from goldstream.serving.writing import Form
from goldstream.stream.champion import Fixed


class Ask(msgspec.Struct):
    """One text, or several."""

    text: str | UnsetType = UNSET
    texts: list[str] | UnsetType = UNSET


class Prediction(msgspec.Struct):
    """What a model says of one text."""

    label: str
    probability: float  #: of `label`
    probabilities: dict[str, float]
    model: str
    version: int
    prediction_id: str
    elapsed_seconds: float | UnsetType = UNSET


class Predictions(msgspec.Struct):
    """What a model says of several texts, in their order."""

    predictions: list[Prediction]
    elapsed_seconds: float


_ask = msgspec.json.Decoder(Ask)
_forms: WeakKeyDictionary[Fixed, Form] = WeakKeyDictionary()


class _Asked(NamedTuple):
    """One request for predictions."""

    texts: list[str]
    model: Fixed
    alone: bool  #: one text, answered with one object
    started: float
    listener: Listener


class _Said(NamedTuple):
    """What a model says of all texts of a batch, and the same as JSON."""

    judged: Judged
    ids: bytearray
    texts: list[str]
    written: memoryview
    ends: list[int]  #: where each prediction ends in `written`


class Predicting:
    """Answers `POST /predict`; the `Answerer` of its batches."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._tasks: set[asyncio.Task[None]] = set()

    def ask(self, body: bytes | bytearray, listener: Listener, model: Fixed | None = None) -> None:
        """Have the texts of a request judged, by `model` or whichever answers now; raises `Refused`."""
        started = time.perf_counter()
        ask = decode(_ask, body)
        texts = _texts(ask)
        self._service.check(texts)
        tried = model is None and self._service.trials is not None and self._service.trials.on
        model = model or self._service.champion
        asked = _Asked(texts, model, ask.text is not UNSET, started, listener)
        if not texts:
            self._answer([asked], self.work([asked], texts, nothing(model)))
        elif tried:
            self._later(self._try(asked))
        else:
            self._service.batcher.put(model, asked, self)

    def work(self, askers: Sequence[_Asked], texts: list[str], judged: Judged) -> _Said:
        """Return the predictions of all, with their identifiers."""
        ids = new_ids(len(texts))
        return _Said(judged, ids, texts, *_form(self._service.name, judged.model).write(judged, ids))

    def answer(self, askers: Sequence[_Asked], done: _Said) -> None:
        """Keep the answers and give them; waits only while a living database can't keep up."""
        if self._service.metrics is not None:
            self._service.metrics.judged(done.judged)
        kept = self._service.predictions
        if kept is None:
            self._answer(askers, done)
            return
        answered = Answered(time.time_ns() // 1_000, done.ids, done.texts, done.judged)
        if kept.has_room:
            kept.put(answered)
            self._answer(askers, done)
        else:
            self._later(self._keep_first(kept, answered, askers, done))

    def fail(self, asker: _Asked, error: BaseException) -> None:
        """Say to one of them what went wrong."""
        asker.listener.hear_error(refusal(error, asker.model))

    def _answer(self, askers: Sequence[_Asked], done: _Said) -> None:
        place = row = 0
        now = time.perf_counter()
        for asker in askers:
            row += len(asker.texts)
            start, place = place, done.ends[row]
            took = b',"elapsed_seconds":%.6f}' % (now - asker.started)
            if asker.alone:  # its last brace and the comma make way for that
                said = b"".join((done.written[start : place - 2], took))
            else:
                said = b"".join((b'{"predictions":[', done.written[start : place - 1], b"]", took))
            try:
                asker.listener.hear(said)
            except Exception as error:  # a connection that broke is nothing to the others
                asker.listener.hear_error(error)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _keep_first(self, kept: PredictionStore, answered: Answered, askers: Sequence[_Asked], done: _Said) -> None:
        await kept.add(answered)
        self._answer(askers, done)

    async def _try(self, asked: _Asked) -> None:
        """Answer with the version that is being tried, or beside it."""
        assert self._service.trials is not None
        try:
            judged = await self._service.trials.score(asked.model, asked.texts)
            self.answer([asked], self.work([asked], asked.texts, judged))
        except Exception as error:
            self.fail(asked, error)


class _Heard:
    """Lets a coroutine hear an answer."""

    def __init__(self) -> None:
        self.said: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def hear(self, said: bytes) -> None:
        if not self.said.done():  # the client may have gone
            self.said.set_result(said)

    def hear_error(self, error: BaseException) -> None:
        if not self.said.done():
            self.said.set_exception(error)


def routes(service: Service) -> list[BaseRoute]:
    """Return the addresses of this protocol; what is plain of `/predict` does not come here (see `direct`)."""
    predicting = Predicting(service)

    async def predict(request: Request) -> Response:
        heard, version = _Heard(), version_in(request.path_params)
        body = await read_body(request.receive, service.largest_body)
        predicting.ask(body, heard, None if version is None else await service.model(version))
        return Response(await heard.said, media_type="application/json")

    return [
        Route("/predict", predict, methods=["POST"]),
        Route("/versions/{version}/predict", predict, methods=["POST"]),
    ]


def _form(name: str, model: Fixed) -> Form:
    form = _forms.get(model)
    if form is None:
        form = _forms[model] = Form(name, model.version, model.model.labels)
    return form


def _texts(ask: Ask) -> list[str]:
    if (ask.text is UNSET) == (ask.texts is UNSET):
        raise Refused(400, 'send {"text": …} for one text or {"texts": […]} for several, and not both')
    return [ask.text] if ask.text is not UNSET else ask.texts  # type: ignore[return-value]
