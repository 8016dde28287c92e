"""`/openapi.json` describes every address; `/docs` shows it as a page."""

import re
from importlib.metadata import version as installed_version
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from goldstream.serving import predictions
from goldstream.serving.docs_page import page
from goldstream.serving.guard import OPEN
from goldstream.serving.schemas import STRING, ref, schemas
from goldstream.serving.service import Service

Operation = dict[str, Any]

_OWN, _STORE, _PROBES = "Goldstream's own", "Stored predictions", "Probes, numbers and documents"
_TFS, _OIP, _MLFLOW = "TensorFlow Serving and KServe V1", "Open Inference Protocol V2", "MLflow and SageMaker"
_TABLES = "text/csv", "application/vnd.apache.parquet"  #: that `/invocations` takes beside JSON


def document(service: Service) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of this service."""
    name, version = service.name, service.models.champion.version if service.models.ready else 1
    labels = service.models.champion.model.labels if service.models.ready else ()
    paths = {
        **_own(version), **(_stored() if service.predictions is not None else {}), **_tensorflow(f"/v1/models/{name}", version),
        **_open_inference(f"/v2/models/{name}", f"/v2/repository/models/{name}", version), **_mlflow(), **_others(service),
    }  # fmt: skip
    for path, operations in paths.items():
        for method, operation in operations.items():
            operation["operationId"] = re.sub(r"\W+", "_", f"{method}{path.replace(f'/{name}', '')}").strip("_")
            if path in OPEN:
                operation["security"] = []
    schemes = {"bearer": {"type": "http", "scheme": "bearer"}, "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"}}
    return {
        "openapi": "3.1.0",
        "info": {"title": f"{name}, served by goldstream", "version": installed_version("goldstream")},
        "paths": paths, "security": [{scheme: []} for scheme in schemes] if service.section.api_keys else [],
        "components": {"schemas": schemas(labels), "securitySchemes": schemes},
    }  # fmt: skip


def _own(version: int) -> dict[str, Any]:
    predict = "Judge one text, or several", ref("Ask"), {"oneOf": [ref("Prediction"), ref("Predictions")]}
    explain = "Judge a text, and weigh its tokens", ref("OneText"), ref("Explanation")
    which = [_parameter("version", {"type": "string"}, str(version))]
    paths = {"/predict": _post(_OWN, *predict), "/explain": _post(_OWN, *explain)}
    pinned = {f"/versions/{{version}}{path}": {**what, "parameters": which} for path, what in paths.items()}
    return {path: {"post": what} for path, what in (paths | pinned).items()}


def _stored() -> dict[str, Any]:
    listing = _get(_STORE, "What was answered, newest first", ref("Stored"), 503)
    listing["parameters"] = [
        {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": predictions.MOST_LISTED}},
        {"name": "after", "in": "query", "schema": {"type": "string", "format": "uuid"}},
    ]
    given = _post(_STORE, "Judge a text and keep the answer", ref("Labelled"), ref("Given"))
    return {
        "/predictions": {"post": given, "get": listing},
        "/feedback": {"post": _post(_STORE, "Say whether an answer was right", ref("Verdict"), {"type": "object"})},
        "/statistics": {"get": _get(_STORE, "How often answers were right", ref("Statistics"), 503)},
    }


def _tensorflow(model: str, version: int) -> dict[str, Any]:
    paths: dict[str, Any] = {"/v1/models": {"get": _get(_TFS, "The models (KServe)", ref("Models"))}}
    named = ("", None, ""), ("/versions/{version}", "version", str(version)), ("/labels/{label}", "label", "champion")
    for where, parameter, example in named:
        given = [_parameter(parameter, {"type": "string", "pattern": "^[0-9A-Za-z_-]+$"}, example)] if parameter else []
        found = {
            "": {"get": _get(_TFS, "State", ref("Status"), 404, 503)},
            "/metadata": {"get": _get(_TFS, "Signature", ref("Signature"), 404, 503)},
            ":predict": {"post": _post(_TFS, "Judge", ref("Rows"), ref("PredictedRows"))},
            ":classify": {"post": _post(_TFS, "All labels, the likeliest first", ref("Examples"), ref("Classified"))},
            ":regress": {"post": _post(_TFS, "The probability of the label that is kept", ref("Examples"), ref("Regressed"))},
            ":explain": {
                "post": _post(_TFS, "Judge, and weigh the tokens (KServe)", ref("RowsToExplain"), ref("ExplainedRows"))
            },
        }
        paths |= {f"{model}{where}{end}": _with(given, operations) for end, operations in found.items()}
    return paths


def _open_inference(model: str, repository: str, version: int) -> dict[str, Any]:
    paths: dict[str, Any] = {
        "/v2": {"get": _get(_OIP, "The server", ref("Server"))},
        "/v2/health/live": {"get": _get(_OIP, "Whether it lives", ref("Live"))},
        "/v2/health/ready": {"get": _get(_OIP, "Whether it is ready", ref("TensorsReady"), 503)},
        "/v2/models": {"get": _get(_OIP, "The models", ref("Models"))},
    }
    for where, given in ("", []), ("/versions/{version}", [_parameter("version", STRING, str(version))]):
        infer = _post(_OIP, "Judge", ref("Tensors"), ref("Inferred"))
        infer["description"] = "Binary tensors come and go as application/octet-stream, with Inference-Header-Content-Length."
        found = {
            "": {"get": _get(_OIP, "The model", ref("ModelFacts"), 404, 503)},
            "/ready": {"get": _get(_OIP, "Whether the model is ready", ref("ModelReady"), 404, 503)},
            "/infer": {"post": infer},
        }
        paths |= {f"{model}{where}{end}": _with(given, operations) for end, operations in found.items()}
    index = _post(_OIP, "The versions that are loaded", {}, ref("Index"), needed=False)
    load = _post(_OIP, "Load a version, or see that the champion is", ref("VersionToLoad"), None, needed=False)
    unload = _post(_OIP, "Let go of a version", ref("VersionToUnload"), None, 409)
    return {
        **paths, "/v2/repository/index": {"post": index},
        f"{repository}/load": {"post": load}, f"{repository}/unload": {"post": unload},
    }  # fmt: skip


def _mlflow() -> dict[str, Any]:
    invoke = _post(_MLFLOW, "Judge", ref("Table"), ref("Judgements"), 415, error="MlflowError")
    invoke["description"] = f"Tables also come as {' and '.join(_TABLES)}, with a column `text`."
    probes = {path: {"get": _get(_MLFLOW, "Whether there is a model", None, 404, 503)} for path in ("/ping", "/health")}
    version = _get(_MLFLOW, "The version of goldstream", STRING, media="text/plain")
    return {"/invocations": {"post": invoke}, **probes, "/version": {"get": version}}


def _others(service: Service) -> dict[str, Any]:
    paths: dict[str, Any] = {
        "/livez": {"get": _get(_PROBES, "Whether the process lives", ref("Live"))},
        "/readyz": {"get": _get(_PROBES, "Whether requests should come here", ref("Readiness"), 503)},
        "/openapi.json": {"get": _get(_PROBES, "This document", {"type": "object"})},
        "/docs": {"get": _get(_PROBES, "This document as a page", STRING, media="text/html")},
        "/": {"get": {**_get(_PROBES, "Leads to the page", None), "responses": {"302": {"description": "To /docs"}}}},
    }
    if service.metrics is not None:
        paths["/metrics"] = {"get": _get(_PROBES, "Numbers for Prometheus", STRING, media="text/plain")}
    if service.webhook is not None:
        signed = _post(_MLFLOW, "An alias has moved (MLflow's webhook, signed)", {"type": "object"}, ref("Announced"))
        paths["/webhooks/mlflow"] = {"post": signed}
    return paths


def _with(parameters: list[Any], operations: dict[str, Operation]) -> dict[str, Operation]:
    return {method: {**operation, "parameters": parameters} for method, operation in operations.items()}


def _parameter(name: str, schema: Any, example: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": schema, "example": example}


def _post(tag: str, about: str, body: Any, answer: Any, *more: int, error: str = "Error", needed: bool = True) -> Operation:
    return {
        "tags": [tag], "summary": about,
        "requestBody": {"required": needed, "content": {"application/json": {"schema": body}}},
        "responses": {
            "200": _said("The answer", answer),
            **{str(status): _said("Why not", ref(error)) for status in (400, 401, 403, 404, 408, 413, 429, 500, 503, *more)},
        },
    }  # fmt: skip


def _get(tag: str, about: str, answer: Any, *errors: int, media: str = "application/json") -> Operation:
    shown = {str(status): {"description": "Not now"} for status in (400, 401, 403, 429, *errors)}
    return {"tags": [tag], "summary": about, "responses": {"200": _said("The answer", answer, media), **shown}}


def _said(about: str, schema: Any, media: str = "application/json") -> dict[str, Any]:
    return {"description": about, **({"content": {media: {"schema": schema}}} if schema is not None else {})}


def routes(service: Service) -> list[BaseRoute]:
    """Return the addresses of the document and its page."""

    async def openapi(request: Request) -> Response:
        return Response(msgspec.json.encode(document(service)), media_type="application/json")

    async def docs(request: Request) -> Response:
        policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
        base = f"http://{request.headers.get('host', 'localhost')}"
        now = f"Version {service.models.champion.version} is champion." if service.models.ready else "There is no champion yet."
        return Response(
            page(document(service), base, now),
            headers={"content-security-policy": policy},
            media_type="text/html; charset=utf-8",
        )

    async def begin(request: Request) -> Response:
        return RedirectResponse("/docs", 302)

    return [
        Route("/openapi.json", openapi, methods=["GET"]),
        Route("/docs", docs, methods=["GET"]),
        Route("/", begin, methods=["GET"]),
    ]
