"""Our own protocol: `POST /predict` and `POST /explain`."""

import asyncio
import math
import re
import time
from collections.abc import Mapping
from weakref import WeakKeyDictionary

import msgspec
from msgspec import UNSET, UnsetType
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from goldstream.errors import ModelError
from goldstream.models.explain import explain as explain_exactly
from goldstream.serving.direct import Answer
from goldstream.serving.ids import new_ids
from goldstream.serving.judged import FEW, Judged, nothing
from goldstream.serving.prediction_store import Answered
from goldstream.serving.requests import Refused, decode, read_body
from goldstream.serving.service import Service
from goldstream.serving.writing import Form
from goldstream.stream.champion import Fixed

MOST_TOKENS = 256  #: that are explained
LONGEST_EXPLAINED = 20_000  #: characters; each token costs a scoring of the text without it
_TOKEN = re.compile(r"\S+")


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


class Token(msgspec.Struct):
    """A word of a text, and what it does for the label."""

    token: str
    start: int  #: in characters
    end: int
    weight: float  #: what it adds to the label's log-odds


class Explanation(msgspec.Struct):
    """Why a model decides as it does."""

    label: str
    probability: float
    model: str
    version: int
    tokens: list[Token]
    elapsed_seconds: float


_ask = msgspec.json.Decoder(Ask)
_encode = msgspec.json.Encoder().encode
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

    async def explain(request: Request) -> Response:
        started = time.perf_counter()
        ask = decode(_ask, await read_body(request.receive, service.largest_body))
        if ask.text is UNSET or ask.texts is not UNSET:
            raise Refused(400, 'send {"text": …}; texts are explained one by one')
        if len(ask.text) > LONGEST_EXPLAINED:
            raise Refused(400, f"texts of more than {LONGEST_EXPLAINED:,} characters are not explained")
        found = await explained(service, ask.text, request.path_params.get("version"))
        found.elapsed_seconds = round(time.perf_counter() - started, 6)
        return Response(_encode(found), media_type="application/json")

    return [
        Route("/predict", predict, methods=["POST"]),
        Route("/explain", explain, methods=["POST"]),
        Route("/versions/{version:int}/predict", predict, methods=["POST"]),
        Route("/versions/{version:int}/explain", explain, methods=["POST"]),
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


async def explained(service: Service, text: str, version: int | str | None = None) -> Explanation:
    """The label of `text`, and what each token does for it: exactly, where the model is a sum over tokens."""
    judged = await service.score([text], version)
    chosen, model = judged.chosen[0], judged.model
    label = model.model.labels[chosen]
    try:
        shares = await asyncio.to_thread(explain_exactly, model.model, text)
        tokens = [Token(*token) for token in sorted(shares.tokens[label], key=lambda token: token.start)]
    except ModelError:
        tokens = await _left_out(service, text, judged)
    probability = judged.probabilities[0][chosen]
    return Explanation(label, probability, service.name, model.version, tokens[:MOST_TOKENS], 0.0)


async def _left_out(service: Service, text: str, judged: Judged) -> list[Token]:
    """By how much the log-odds of the label fall when a token is left out; for models that are no sum over tokens."""
    chosen, found = judged.chosen[0], list(_TOKEN.finditer(text))[:MOST_TOKENS]
    without = [text[: token.start()] + text[token.end() :] for token in found]
    others = await service.batcher.score(judged.model, without) if without else nothing(judged.model)
    whole = _log_odds(judged.probabilities[0][chosen])
    return [
        Token(token.group(), token.start(), token.end(), round(whole - _log_odds(row[chosen]), 6))
        for token, row in zip(found, others.probabilities, strict=True)
    ]


def _log_odds(probability: float) -> float:
    return math.log(max(probability, 1e-9) / max(1 - probability, 1e-9))
