"""`POST /explain`: what `/predict` says of one text, and what each of its tokens does for the label."""

import math
import re
import time

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from goldstream.errors import ModelError
from goldstream.models.explain import explain
from goldstream.serving.ids import new_ids, written
from goldstream.serving.judged import Judged, nothing
from goldstream.serving.ours import Ask, Prediction
from goldstream.serving.prediction_store import Answered
from goldstream.serving.requests import Refused, decode, read_body, version_in
from goldstream.serving.service import Service

MOST_LEFT_OUT = 256  #: tokens; each costs a scoring of the text without it
LONGEST = 20_000  #: characters
_TOKEN = re.compile(r"\S+")


class Token(msgspec.Struct):
    """A word of a text, and what it does for the label."""

    token: str
    start: int  #: in characters
    end: int
    weight: float  #: what it adds to the label's log-odds


class Weights(msgspec.Struct):
    """Why a model decides as it does: `bias` and the weights of all tokens add up to the log-odds of the label.

    Of three labels and more they add up to its share before the softmax. Where the scores of a model are no such sums, `bias`
    is null, and a weight is what the log-odds lose when that token is left out.
    """

    label: str
    bias: float | None
    tokens: list[Token]


class Explanation(Prediction, kw_only=True):
    """What a model says of a text, and why; see `Weights`."""

    bias: float | None
    tokens: list[Token]


_ask = msgspec.json.Decoder(Ask)
_encode = msgspec.json.Encoder().encode


def routes(service: Service) -> list[BaseRoute]:
    """Return the addresses at which a text is explained."""

    async def answer(request: Request) -> Response:
        started = time.perf_counter()
        text = _text(decode(_ask, await read_body(request.receive, service.largest_body)))
        judged = await service.score([text], version_in(request.path_params))
        why, [said], ids = await weigh(service, text, judged), judged.answers(), new_ids(1)
        if service.predictions is not None:
            await service.predictions.add(Answered(time.time_ns() // 1_000, ids, [text], judged))
        found = Explanation(
            **said, model=service.name, version=judged.model.version, prediction_id=written(ids), bias=why.bias,
            tokens=why.tokens, elapsed_seconds=round(time.perf_counter() - started, 6),
        )  # fmt: skip
        return Response(_encode(found), media_type="application/json")

    return [Route("/explain", answer, methods=["POST"]), Route("/versions/{version}/explain", answer, methods=["POST"])]


async def weigh(service: Service, text: str, judged: Judged) -> Weights:
    """Return what each token of `text` does for the label, of which `judged` holds the scores; raises `Refused`."""
    if len(text) > LONGEST:
        raise Refused(400, f"texts of more than {LONGEST:,} characters are not explained")
    model = judged.model.model
    label = model.labels[judged.chosen[0]]
    try:
        found = await service.batcher.aside(lambda: explain(model, text))
    except ModelError:
        return Weights(label, None, await _left_out(service, text, judged))
    tokens = [Token(*token) for token in sorted(found.tokens[label], key=lambda token: token.start)]
    return Weights(label, found.bias[label], tokens)


async def _left_out(service: Service, text: str, judged: Judged) -> list[Token]:
    """By how much the log-odds of the label fall when a token is left out; for models that are no sum over tokens."""
    chosen, found = judged.chosen[0], list(_TOKEN.finditer(text))[:MOST_LEFT_OUT]
    without = [text[: token.start()] + text[token.end() :] for token in found]
    others = await service.batcher.score(judged.model, without) if without else nothing(judged.model)
    whole = _log_odds(judged.probabilities[0][chosen])
    return [
        Token(token.group(), token.start(), token.end(), round(whole - _log_odds(row[chosen]), 6))
        for token, row in zip(found, others.probabilities, strict=True)
    ]


def _text(ask: Ask) -> str:
    if not isinstance(ask.text, str) or ask.texts is not msgspec.UNSET:
        raise Refused(400, 'send {"text": …}; texts are explained one by one')
    return ask.text


def _log_odds(probability: float) -> float:
    return math.log(max(probability, 1e-9) / max(1 - probability, 1e-9))
