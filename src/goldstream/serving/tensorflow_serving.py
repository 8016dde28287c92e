"""TensorFlow Serving's REST protocol, and KServe's first one, which shares its addresses.

Where the two differ on one address TensorFlow Serving's answer wins and carries KServe's keys too. Sources:
tensorflow/serving `g3doc/api_rest.md` and `http_rest_api_util.cc`; kserve `v1` data plane.
"""

import re
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType
from starlette.endpoints import HTTPEndpoint
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from goldstream.serving.explaining import weigh
from goldstream.serving.judged import Judged
from goldstream.serving.requests import Refused, decode, read_body
from goldstream.serving.service import Service
from goldstream.serving.texts import column, rows, text_of
from goldstream.stream.champion import Fixed

SIGNATURE = "serving_default"
MOST_EXPLAINED = 100  #: texts in one request

_PATH = re.compile(
    r"(?P<name>[^/:]+)(?:/versions/(?P<version>[0-9]+)|/labels/(?P<label>[^/:]+))?(?::(?P<verb>[a-z]+)|/(?P<what>metadata))?",
    re.IGNORECASE,
)
_encode = msgspec.json.Encoder().encode


class Ask(msgspec.Struct):
    """Instances row by row, or inputs column by column."""

    instances: Any = UNSET
    inputs: Any = UNSET
    signature_name: str | UnsetType = UNSET


class Examples(msgspec.Struct):
    """What `:classify` and `:regress` take."""

    examples: list[Any]
    context: dict[str, Any] | UnsetType = UNSET
    signature_name: str | UnsetType = UNSET


_ask, _examples = msgspec.json.Decoder(Ask), msgspec.json.Decoder(Examples)


def routes(service: Service) -> list[BaseRoute]:
    """Return the addresses of both protocols."""

    async def listed(request: Request) -> Response:
        return _json({"models": [service.name]})

    class Model(HTTPEndpoint):
        async def get(self, request: Request) -> Response:
            asked = _asked(service, request)
            if asked["verb"]:
                return await self.method_not_allowed(request)
            if asked["what"]:
                return _json(_metadata(service.name, await service.model(_wanted(asked))))
            return _json(await _status(service, asked))

        async def post(self, request: Request) -> Response:
            asked = _asked(service, request)
            if not asked["verb"]:
                return await self.method_not_allowed(request)
            if (verb := _VERBS.get(asked["verb"].lower())) is None:
                raise Refused(400, f"there is no :{asked['verb']}; there are {', '.join(':' + name for name in _VERBS)}")
            return _json(await verb(service, await read_body(request.receive, service.largest_body), _wanted(asked)))

        async def method_not_allowed(self, request: Request) -> Response:
            taken = "POST" if _asked(service, request)["verb"] else "GET, HEAD"
            raise Refused(405, f"this address takes {taken}", {"allow": taken})

    return [Route("/v1/models", listed, methods=["GET"]), Route("/v1/models/{rest:path}", Model)]


async def _predict(service: Service, body: bytes, version: int | str | None) -> dict[str, Any]:
    texts, by_column = _texts(body)
    judged = await service.score(texts, version)
    if not by_column:
        return {"predictions": _records(judged)}
    labels = judged.model.model.labels
    outputs = {
        "label": [labels[chosen] for chosen in judged.chosen],
        "probability": [row[chosen] for row, chosen in zip(judged.probabilities, judged.chosen, strict=True)],
        "probabilities": judged.probabilities,
    }
    return {"outputs": outputs, "predictions": _records(judged)}


async def _classify(service: Service, body: bytes, version: int | str | None) -> dict[str, Any]:
    judged = await service.score(_features(body), version)
    labels = judged.model.model.labels
    return {
        "results": [
            sorted(zip(labels, row, strict=True), key=lambda pair: pair[1], reverse=True) for row in judged.probabilities
        ]
    }


async def _regress(service: Service, body: bytes, version: int | str | None) -> dict[str, Any]:
    model = await service.model(version)
    if len(model.model.labels) != 2:
        raise Refused(400, f"this model knows {len(model.model.labels)} labels; :regress needs two")
    judged = await service.score(_features(body), version)
    positive = judged.model.model.labels.index(judged.model.model.facts.positive)
    return {"results": [row[positive] for row in judged.probabilities]}


async def _explain(service: Service, body: bytes, version: int | str | None) -> dict[str, Any]:
    texts, _ = _texts(body)
    if len(texts) > MOST_EXPLAINED:
        raise Refused(400, f"at most {MOST_EXPLAINED} texts are explained in one request")
    judged = await service.score(texts, version)
    explanations = [await weigh(service, text, judged.part(row, row + 1)) for row, text in enumerate(texts)]
    return {"predictions": _records(judged), "explanations": explanations}


_VERBS = {"predict": _predict, "classify": _classify, "regress": _regress, "explain": _explain}


def _asked(service: Service, request: Request) -> dict[str, str | None]:
    """What the path asks for; raises `Refused` for what is no path of this protocol, or not our model."""
    found = _PATH.fullmatch(request.path_params["rest"])
    if found is None:
        raise Refused(404, "Malformed request: see /docs for the addresses")
    if found["name"] != service.name:
        wanted = f"Specific({found['name']}, {found['version']})" if found["version"] else f"Latest({found['name']})"
        raise Refused(404, f"Servable not found for request: {wanted}")
    return found.groupdict()


def _wanted(asked: dict[str, str | None]) -> int | str | None:
    return int(asked["version"][:20]) if asked["version"] else asked["label"]


def _texts(body: bytes) -> tuple[list[str], bool]:
    """The texts of a request, and whether it asks column by column."""
    ask = decode(_ask, body)
    _check_signature(ask.signature_name)
    if (ask.instances is UNSET) == (ask.inputs is UNSET):
        raise Refused(400, 'send "instances", row by row, or "inputs", column by column, and not both')
    return (rows(ask.instances, "instances"), False) if ask.inputs is UNSET else (column(ask.inputs, "inputs"), True)


def _check_signature(name: str | UnsetType) -> None:
    if name not in (UNSET, "", SIGNATURE):
        raise Refused(400, f'Serving signature name: "{name}" not found in signature def')


def _features(body: bytes) -> list[str]:
    ask = decode(_examples, body)
    _check_signature(ask.signature_name)
    context = {} if ask.context is UNSET else ask.context
    return [
        text_of({**context, **example} if isinstance(example, dict) else example, f"examples[{number}]")
        for number, example in enumerate(ask.examples)
    ]


def _records(judged: Judged) -> list[dict[str, Any]]:
    labels = judged.model.model.labels
    return [
        {"label": labels[chosen], "probability": row[chosen], "probabilities": row}
        for row, chosen in zip(judged.probabilities, judged.chosen, strict=True)
    ]


async def _status(service: Service, asked: dict[str, str | None]) -> dict[str, Any]:
    """The state of one version, or of every one that is loaded, and KServe's `name` and `ready`."""
    wanted = _wanted(asked)
    models = service.models.loaded if wanted is None else [await service.model(wanted)]
    if not models:
        raise Refused(404, f"Could not find any versions of model {service.name}")
    state = "UNLOADING" if service.draining else "AVAILABLE"
    return {
        "model_version_status": [
            {"version": str(model.version), "state": state, "status": {"error_code": "OK", "error_message": ""}}
            for model in sorted(models, key=lambda model: -model.version)
        ],
        "name": service.name,
        "ready": service.ready,
    }


def _metadata(name: str, model: Fixed) -> dict[str, Any]:
    outputs = {
        "label": _tensor("label", "DT_STRING"),
        "probability": _tensor("probability", "DT_FLOAT"),
        "probabilities": _tensor("probabilities", "DT_FLOAT", len(model.model.labels)),
    }
    signature = {
        "inputs": {"text": _tensor("text", "DT_STRING")},
        "outputs": outputs,
        "method_name": "tensorflow/serving/predict",
    }
    return {
        "model_spec": {"name": name, "signature_name": "", "version": str(model.version)},
        "metadata": {"signature_def": {"signature_def": {SIGNATURE: signature}}},
    }


def _tensor(name: str, kind: str, *more: int) -> dict[str, Any]:
    dimensions = [{"size": str(size), "name": ""} for size in (-1, *more)]
    return {"dtype": kind, "tensor_shape": {"dim": dimensions, "unknown_rank": False}, "name": f"{name}:0"}


def _json(data: Any) -> Response:
    return Response(_encode(data), media_type="application/json")
