"""The Open Inference Protocol, version 2, as KServe, Triton and MLServer speak it: tensors in JSON or in binary.

Input `text` (BYTES [n] or [n, 1]); outputs `label` (BYTES [n]), `probability` (FP32 [n]) and `probabilities` (FP32 [n, labels]).
Sources: kserve/open-inference-protocol; triton-inference-server `protocol/` for the extensions.
"""

from collections.abc import Sequence
from importlib.metadata import version as installed_version
from typing import Annotated, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from goldstream.serving.ids import new_ids, written
from goldstream.serving.judged import Judged
from goldstream.serving.requests import Refused, decode, read_body, version_in
from goldstream.serving.service import Service
from goldstream.serving.tensors import binary_floats, binary_texts, text_of_bytes, texts_of_binary, texts_of_json
from goldstream.serving.texts import INPUT
from goldstream.stream.champion import Fixed

JSON_SIZE = "inference-header-content-length"  #: header that says how much of a binary body is JSON
OUTPUTS = ("label", "probability", "probabilities")
EXTENSIONS = ["binary_tensor_data", "classification", "model_repository"]

_encode = msgspec.json.Encoder().encode
Parameters = dict[str, str | float | int | bool]


class Input(msgspec.Struct):
    """One tensor of a request."""

    name: str
    shape: list[int]
    datatype: str
    parameters: Parameters = {}
    data: Any = None


class Output(msgspec.Struct):
    """One tensor that the request wants back."""

    name: str
    parameters: Parameters = {}


class Ask(msgspec.Struct):
    """An inference request."""

    inputs: list[Input]
    id: str = ""
    parameters: Parameters = {}
    outputs: list[Output] = []


class Which(msgspec.Struct):
    """A version, as its number."""

    version: Annotated[str, msgspec.Meta(pattern="^[0-9]{1,18}$")] | msgspec.UnsetType = msgspec.UNSET


class Load(msgspec.Struct):
    """What `load` and `unload` may say."""

    parameters: Which = msgspec.field(default_factory=Which)


_ask, _load = msgspec.json.Decoder(Ask), msgspec.json.Decoder(Load)


def routes(service: Service) -> list[BaseRoute]:
    """Return the addresses of this protocol."""

    async def server(request: Request) -> Response:
        return _json({"name": "goldstream", "version": installed_version("goldstream"), "extensions": EXTENSIONS})

    async def live(request: Request) -> Response:
        return _json({"live": True})

    async def ready(request: Request) -> Response:
        return _json({"ready": service.ready, "live": True}, 200 if service.ready else 503)

    async def models(request: Request) -> Response:
        return _json({"models": [service.name]})

    async def metadata(request: Request) -> Response:
        _check_name(service, request)
        return _json(_metadata(service, await service.model(version_in(request.path_params))))

    async def model_ready(request: Request) -> Response:
        _check_name(service, request)
        await service.model(version_in(request.path_params))
        return _json({"name": service.name, "ready": service.ready}, 200 if service.ready else 503)

    async def infer(request: Request) -> Response:
        _check_name(service, request)
        body = await read_body(request.receive, service.largest_body)
        ask, texts = _read(body, request.headers.get(JSON_SIZE))
        wanted = _check_outputs(ask)
        return _answer(service.name, ask, wanted, await service.score(texts, version_in(request.path_params)))

    async def index(request: Request) -> Response:
        loaded = service.models.loaded
        state = "READY" if service.ready else "UNAVAILABLE"
        return _json([{"name": service.name, "version": str(model.version), "state": state, "reason": ""} for model in loaded])

    async def load(request: Request) -> Response:
        _check_name(service, request)
        await service.model(await _version_said(service, request))
        return Response(b"")

    async def unload(request: Request) -> Response:
        _check_name(service, request)
        version = await _version_said(service, request)
        if version is None or version == service.models.champion.version:
            raise Refused(409, "the champion stays loaded; name another version in parameters.version")
        await service.models.unload(version)
        return Response(b"")

    named = [("", metadata, "GET"), ("/ready", model_ready, "GET"), ("/infer", infer, "POST")]
    return [
        *(Route(path, server, methods=["GET"]) for path in ("/v2", "/v2/")),
        Route("/v2/health/live", live, methods=["GET"]),
        Route("/v2/health/ready", ready, methods=["GET"]),
        *(Route(path, models, methods=["GET"]) for path in ("/v2/models", "/v2/models/")),
        *(Route(f"/v2/models/{{name}}{end}", what, methods=[method]) for end, what, method in named),
        *(Route(f"/v2/models/{{name}}/versions/{{version}}{end}", what, methods=[method]) for end, what, method in named),
        Route("/v2/repository/index", index, methods=["POST"]),
        Route("/v2/repository/models/{name}/load", load, methods=["POST"]),
        Route("/v2/repository/models/{name}/unload", unload, methods=["POST"]),
    ]


def _check_name(service: Service, request: Request) -> None:
    if request.path_params["name"] != service.name:
        raise Refused(404, f"there is no model {request.path_params['name']!r}; there is {service.name!r}")


async def _version_said(service: Service, request: Request) -> int | None:
    """The version that a load or unload names; None for the champion."""
    body = await read_body(request.receive, service.largest_body)
    which = decode(_load, body).parameters if body.strip() else Which()
    return None if which.version is msgspec.UNSET else int(which.version)


def _read(body: bytes, json_size: str | None) -> tuple[Ask, list[str]]:
    """The request and its texts."""
    if json_size is None:
        ask = decode(_ask, body)
        return ask, _texts(ask, b"")
    if not json_size.isascii() or not json_size.isdigit() or int(json_size[:20]) > len(body):
        raise Refused(400, f"{JSON_SIZE} is not the size of the JSON at the beginning of the body")
    size = int(json_size)
    if size == 0:  # no JSON at all: the body is the one element of the one input
        return Ask([Input(INPUT, [1], "BYTES")]), [text_of_bytes(body)]
    ask = decode(_ask, body[:size])
    return ask, _texts(ask, body[size:])


def _texts(ask: Ask, binary: bytes) -> list[str]:
    if len(ask.inputs) != 1 or ask.inputs[0].name != INPUT:
        raise Refused(
            400, f"the model has one input, {INPUT!r}, and not {', '.join(repr(each.name) for each in ask.inputs) or 'none'}"
        )
    tensor = ask.inputs[0]
    if tensor.datatype != "BYTES":
        raise Refused(400, f"the input {INPUT!r} is BYTES, not {tensor.datatype}")
    size = tensor.parameters.get("binary_data_size")
    if size is None:
        if binary:
            raise Refused(400, "there is binary data, and no binary_data_size says whose it is")
        coded = (tensor.parameters.get("content_type") or ask.parameters.get("content_type")) == "base64"
        return texts_of_json(tensor.data, tensor.shape, base64_coded=coded)
    if tensor.data is not None or size != len(binary):
        raise Refused(400, f"binary_data_size is {size}, and {len(binary)} bytes of binary data are there")
    return texts_of_binary(binary, tensor.shape)


def _check_outputs(ask: Ask) -> Sequence[Output]:
    """The outputs that are wanted: all, if none is named."""
    if not ask.outputs:
        return [Output(name) for name in OUTPUTS]
    for output in ask.outputs:
        if output.name not in OUTPUTS:
            raise Refused(400, f"there is no output {output.name!r}; there are {', '.join(OUTPUTS)}")
        classes = output.parameters.get("classification", 0)
        if not isinstance(classes, int) or classes < 0 or (classes and output.name != "probabilities"):
            raise Refused(400, "classification is a number of labels, of the output 'probabilities'")
    return ask.outputs


def _answer(name: str, ask: Ask, wanted: Sequence[Output], judged: Judged) -> Response:
    head: dict[str, Any] = {"model_name": name, "model_version": str(judged.model.version), "id": ask.id or written(new_ids(1))}
    always = bool(ask.parameters.get("binary_data_output", False))
    tensors, parts = [], []
    for output in wanted:
        tensor, values = _tensor(output, judged)
        if output.parameters.get("binary_data", always):
            coded = binary_texts(values) if tensor["datatype"] == "BYTES" else binary_floats(values)
            tensor["parameters"] = {"binary_data_size": len(coded)}
            parts.append(coded)
        else:
            tensor["data"] = values
            if tensor["datatype"] == "BYTES" and "content_type" in ask.parameters:
                tensor["parameters"] = {"content_type": "str"}
        tensors.append(tensor)
    said = _encode({**head, "outputs": tensors})
    if not parts:
        return Response(said, media_type="application/json")
    return Response(b"".join((said, *parts)), headers={JSON_SIZE: str(len(said))}, media_type="application/octet-stream")


def _tensor(output: Output, judged: Judged) -> tuple[dict[str, Any], list[Any]]:
    """One output without its data, and the data, flat."""
    labels, rows = judged.model.model.labels, judged.probabilities
    if output.name == "label":
        return _described("label", "BYTES", [len(rows)]), [labels[chosen] for chosen in judged.chosen]
    if output.name == "probability":
        values = [row[chosen] for row, chosen in zip(rows, judged.chosen, strict=True)]
        return _described("probability", "FP32", [len(rows)]), values
    if classes := min(int(output.parameters.get("classification", 0)), len(labels)):
        return _described("probabilities", "BYTES", [len(rows), classes]), [
            f"{row[number]:f}:{number}:{labels[number]}"
            for row in rows
            for number in sorted(range(len(labels)), key=lambda number: -row[number])[:classes]
        ]
    return _described("probabilities", "FP32", [len(rows), len(labels)]), [value for row in rows for value in row]


def _described(name: str, datatype: str, shape: list[int]) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": shape}


def _metadata(service: Service, model: Fixed) -> dict[str, Any]:
    return {
        "name": service.name,
        "versions": [str(each.version) for each in service.models.loaded],
        "platform": "goldstream_text",
        "inputs": [_described(INPUT, "BYTES", [-1])],
        "outputs": [
            _described("label", "BYTES", [-1]),
            _described("probability", "FP32", [-1]),
            _described("probabilities", "FP32", [-1, len(model.model.labels)]),
        ],
        "parameters": {"labels": list(model.model.labels), "threshold": model.model.threshold, "version": str(model.version)},
    }


def _json(data: Any, status: int = 200) -> Response:
    return Response(_encode(data), status, media_type="application/json")
