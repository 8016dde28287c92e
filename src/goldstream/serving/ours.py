"""Our own protocol: `POST /predict`."""

import time
from collections.abc import Mapping
from weakref import WeakKeyDictionary

import msgspec
from msgspec import UNSET, UnsetType
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from goldstream.serving.direct import Answer
from goldstream.serving.ids import new_ids
from goldstream.serving.judged import FEW
from goldstream.serving.prediction_store import Answered
from goldstream.serving.requests import Refused, decode, read_body
from goldstream.serving.service import Service
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


def answers(service: Service) -> Mapping[str, Answer]:
    """Return what is answered without a detour."""

    async def predict(body: bytes | bytearray) -> bytes:
        return await predicted(service, body)

    return {"/predict": predict}


def routes(service: Service) -> list[BaseRoute]:
    """Return the addresses of this protocol; `/predict` itself is answered before they are looked at."""

    async def predict(request: Request) -> Response:
        body = await read_body(request.receive, service.largest_body)
        return Response(await predicted(service, body, request.path_params.get("version")), media_type="application/json")

    return [
        Route("/predict", predict, methods=["POST"]),
        Route("/versions/{version:int}/predict", predict, methods=["POST"]),
    ]


async def predicted(service: Service, body: bytes | bytearray, version: int | None = None) -> bytes:
    """Return the answer to `POST /predict`; raises `Refused`."""
    started = time.perf_counter()
    ask = decode(_ask, body)
    texts = _texts(ask)
    judged = await service.score(texts, version)
    ids, form = new_ids(len(texts)), _form(service.name, judged.model)
    said = form.write(judged, ids) if len(texts) <= FEW else await service.batcher.aside(lambda: form.write(judged, ids))
    if service.predictions is not None and texts:
        await service.predictions.add(Answered(time.time_ns() // 1_000, ids, texts, judged))
    end = b',"elapsed_seconds":%.6f}' % (time.perf_counter() - started)
    return b"".join((said[:-2], end) if ask.text is not UNSET else (b'{"predictions":[', said[:-1], b"]", end))


def _form(name: str, model: Fixed) -> Form:
    form = _forms.get(model)
    if form is None:
        form = _forms[model] = Form(name, model.version, model.model.labels)
    return form


def _texts(ask: Ask) -> list[str]:
    if (ask.text is UNSET) == (ask.texts is UNSET):
        raise Refused(400, 'send {"text": …} for one text or {"texts": […]} for several, and not both')
    return [ask.text] if ask.text is not UNSET else ask.texts  # type: ignore[return-value]
