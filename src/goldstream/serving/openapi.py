"""`/openapi.json` describes every address; `/docs` shows it as a page that needs nothing from elsewhere."""

import html
from importlib.metadata import version as installed_version
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from goldstream.serving import explaining, ours, predictions
from goldstream.serving.service import Service

_TEXTS = {"type": "array", "items": {"type": "string"}}
_ROWS = {"instances": {"type": "array", "items": {"anyOf": [{"type": "string"}, {"$ref": "#/components/schemas/Instance"}]}}}
_TENSOR = {
    "type": "object", "required": ["name", "shape", "datatype"],
    "properties": {
        "name": {"type": "string"}, "shape": {"type": "array", "items": {"type": "integer"}}, "datatype": {"type": "string"},
        "parameters": {"type": "object"}, "data": {"type": "array", "items": {}},
    },
}  # fmt: skip
_SCHEMAS: dict[str, Any] = {
    "Ask": {
        "description": "One text, or several.",
        "oneOf": [
            {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}, "texts": False}},
            {"type": "object", "required": ["texts"], "properties": {"texts": _TEXTS, "text": False}},
        ],
    },
    "Instance": {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}},
    "Instances": {"type": "object", "required": ["instances"], "properties": {**_ROWS, "inputs": False}},
    "Examples": {
        "type": "object", "required": ["examples"],
        "properties": {"examples": {"type": "array", "items": {"$ref": "#/components/schemas/Instance"}}},
    },
    "Tensors": {
        "type": "object", "required": ["inputs"],
        "properties": {"id": {"type": "string"}, "inputs": {"type": "array", "items": _TENSOR}},
    },
    "Table": {"type": "object", "required": ["dataframe_records"], "properties": {
        "dataframe_records": {"type": "array", "items": {"$ref": "#/components/schemas/Instance"}}, "instances": False, "inputs": False,
        "dataframe_split": False,
    }},
    "Error": {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}},
    "MlflowError": {
        "type": "object", "required": ["error_code", "message"],
        "properties": {"error_code": {"type": "string"}, "message": {"type": "string"}},
    },
    "Any": {"type": "object"},
}  # fmt: skip

_OURS = (
    ours.Prediction, ours.Predictions, explaining.Explanation, predictions.Given, predictions.Feedback, predictions.Ask,
)  # fmt: skip


def document(service: Service) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of this service."""
    schemas, described = msgspec.json.schema_components(_OURS, ref_template="#/components/schemas/{name}")
    prediction, several, explanation, given, feedback, _ = schemas
    own = {name: schema for name, schema in described.items() if name != "Ask"}
    name = service.name
    answer = {"oneOf": [prediction, several]}
    paths: dict[str, Any] = {
        "/predict": {"post": _post("Judge one text, or several", _ref("Ask"), answer)},
        "/explain": {"post": _post("Judge a text, and weigh its tokens", _ref("Instance"), explanation)},
        "/livez": {"get": _get("Whether the process lives", {})},
        "/readyz": {"get": _get("Whether requests should come here", {}, 503)},
        "/v1/models": {"get": _get("The models (KServe)", {})},
        f"/v1/models/{name}": {"get": _get("State (TensorFlow Serving, KServe)", {}, 503)},
        f"/v1/models/{name}/metadata": {"get": _get("Signature (TensorFlow Serving)", {}, 503)},
        f"/v1/models/{name}:predict": {"post": _post("Judge (TensorFlow Serving, KServe)", _ref("Instances"))},
        f"/v1/models/{name}:explain": {"post": _post("Explain (KServe)", _ref("Instances"))},
        f"/v1/models/{name}:classify": {"post": _post("Classify (TensorFlow Serving)", _ref("Examples"))},
        f"/v1/models/{name}:regress": {"post": _post("Regress (TensorFlow Serving)", _ref("Examples"))},
        "/v2": {"get": _get("The server (Open Inference)", {})},
        "/v2/health/live": {"get": _get("Whether it lives (Open Inference)", {})},
        "/v2/health/ready": {"get": _get("Whether it is ready (Open Inference)", {}, 503)},
        f"/v2/models/{name}": {"get": _get("The model (Open Inference)", {}, 503)},
        f"/v2/models/{name}/ready": {"get": _get("Whether the model is ready (Open Inference)", {}, 503)},
        f"/v2/models/{name}/infer": {"post": _post("Judge (Open Inference)", _ref("Tensors"))},
        "/ping": {"get": _get("Whether there is a model (MLflow, SageMaker)", None, 404)},
        "/invocations": {"post": _post("Judge (MLflow, SageMaker)", _ref("Table"), error="MlflowError", more=(415,))},
    }
    if service.predictions is not None:
        paths |= _stored(given, feedback)
    if service.metrics is not None:
        paths["/metrics"] = {"get": _get("Numbers for Prometheus", None)}
    if service.webhook is not None:
        signed = _post("An alias has moved (MLflow's webhook, signed)", _ref("Any"))
        paths["/webhooks/mlflow"] = {"post": {**signed, "security": []}}
    if service.section.api_keys:
        security: list[Any] = [{"bearer": []}]
    else:
        security = []
    return {
        "openapi": "3.1.0",
        "info": {"title": f"{name}, served by goldstream", "version": installed_version("goldstream")},
        "paths": paths, "security": security,
        "components": {"schemas": {**_SCHEMAS, **own}, "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
    }  # fmt: skip


def _stored(given: Any, feedback: Any) -> dict[str, Any]:
    text = {
        "type": "object",
        "required": ["text"],
        "properties": {"text": {"type": "string"}, "user_label": {"type": ["string", "null"]}},
    }
    listing = _get("What was answered, newest first", {}, 400, 503)
    listing["parameters"] = [
        {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": predictions.MOST_LISTED}},
        {"name": "after", "in": "query", "schema": {"type": "string", "format": "uuid"}},
    ]
    return {
        "/predictions": {"post": _post("Judge a text and keep the answer", text, given), "get": listing},
        "/feedback": {"post": _post("Say whether an answer was right", feedback, more=(404,))},
        "/statistics": {"get": _get("How often answers were right", {}, 503)},
    }


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _post(about: str, body: Any, answer: Any = None, error: str = "Error", more: tuple[int, ...] = ()) -> dict[str, Any]:
    return {
        "summary": about,
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {
            "200": _json("The answer", answer or _ref("Any")),
            **_errors((400, 401, 403, 408, 413, 429, 500, 503, *more), error),
        },
    }


def _get(about: str, answer: Any, *errors: int) -> dict[str, Any]:
    said = {"description": "The answer"} if answer is None else _json("The answer", answer or _ref("Any"))
    shown = {str(status): {"description": "Not now"} for status in (400, 401, 403, 429, *errors)}
    return {"summary": about, "responses": {"200": said, **shown}}


def _errors(statuses: tuple[int, ...], schema: str) -> dict[str, Any]:
    return {str(status): _json("Why not", _ref(schema)) for status in statuses}


def _json(about: str, schema: Any) -> dict[str, Any]:
    return {"description": about, "content": {"application/json": {"schema": schema}}}


#: What a request to an address may look like, by the schema of its body.
_TEXT = "the river is over its banks"
_EXAMPLES: dict[str, Any] = {
    "Ask": {"text": _TEXT},
    "Instance": {"text": _TEXT},
    "Instances": {"instances": [_TEXT]},
    "Examples": {"examples": [{"text": _TEXT}]},
    "Tensors": {"inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "data": [_TEXT]}]},
    "Table": {"dataframe_records": [{"text": _TEXT}]},
    "Feedback": {"prediction_id": "01890a5d-ac96-774b-bcce-b302099a8057", "correct": True},
}  # fmt: skip

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><style>{style}</style><h1>{title}</h1>
<p>{now} The same as a document for machines: <a href="/openapi.json">/openapi.json</a>.</p>{paths}</html>"""
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b;background:#fff}"
    "pre{background:#f2f2f2;padding:.7rem;white-space:pre-wrap;overflow-wrap:anywhere}"
    "code{font-weight:600}summary{cursor:pointer;padding:.3rem 0}"
    "@media(prefers-color-scheme:dark){body{color:#eee;background:#151515}pre{background:#222}a{color:#9cf}}"
)


def page(service: Service, base: str) -> str:
    """Return the document as a page: every address, what it takes and what it answers."""
    said = document(service)
    ask = "curl -s" + (" -H 'authorization: Bearer KEY'" if service.section.api_keys else "")
    parts = [
        _entry(f"{ask} {base}{path}", f"{method.upper()} {path}", what, said["components"]["schemas"])
        for path, methods in said["paths"].items()
        for method, what in methods.items()
    ]
    champion = (
        f"Version {service.models.champion.version} is champion." if service.models.ready else "There is no champion yet."
    )
    return _PAGE.format(style=_STYLE, title=html.escape(said["info"]["title"]), now=champion, paths="".join(parts))


def _entry(command: str, address: str, what: dict[str, Any], schemas: dict[str, Any]) -> str:
    """One address: how to ask it, what it takes and what it answers."""
    lines = []
    if "requestBody" in what:
        body = what["requestBody"]["content"]["application/json"]["schema"]
        example = msgspec.json.encode(_EXAMPLES.get(body.get("$ref", "/Ask").rpartition("/")[2], {})).decode()
        command += f" -H 'content-type: application/json' -d '{example}'"
        lines.append(f"takes    {shape(body, schemas)}")
    answer = what["responses"]["200"].get("content", {}).get("application/json", {}).get("schema", {})
    if answer not in ({}, _ref("Any")):
        lines.append(f"answers  {shape(answer, schemas)}")
    head = f"<code>{html.escape(address)}</code> {html.escape(what['summary'])}"
    text = html.escape("\n".join([command, *lines]), quote=False)
    return f"<details{' open' * (address == 'POST /predict')}><summary>{head}</summary><pre>{text}</pre></details>"


def shape(schema: dict[str, Any], schemas: dict[str, Any]) -> str:
    """Return what fits a schema as a person reads it; `?` stands behind what may be left out.

    >>> shape({"type": "object", "required": ["a"], "properties": {"a": {"type": "number"}, "b": {"$ref": "#/B"}}}, {"B": _TEXTS})
    '{"a": number, "b"?: [string, …]}'
    """
    if "$ref" in schema:
        return shape(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if either := schema.get("oneOf") or schema.get("anyOf"):
        return " or ".join(shape(each, schemas) for each in either)
    kinds = schema.get("type", "anything")
    if kinds == "array":
        return f"[{shape(schema.get('items', {}), schemas)}, …]"
    if kinds == "object":
        needed = schema.get("required", ())
        named = [
            f'"{name}"{"" if name in needed else "?"}: {shape(each, schemas)}'
            for name, each in schema.get("properties", {}).items()
            if each is not False
        ]
        others = schema.get("additionalProperties")
        rest = f'"…": {shape(others, schemas)}' if others else "…"
        return "{" + (", ".join(named) or rest) + "}"
    return " or ".join(kinds) if isinstance(kinds, list) else str(kinds)


def routes(service: Service) -> list[BaseRoute]:
    """Return the addresses of the document and its page."""

    async def openapi(request: Request) -> Response:
        return Response(msgspec.json.encode(document(service)), media_type="application/json")

    async def docs(request: Request) -> Response:
        policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
        base = f"http://{request.headers.get('host', 'localhost')}"
        return Response(page(service, base), headers={"content-security-policy": policy}, media_type="text/html; charset=utf-8")

    async def begin(request: Request) -> Response:
        return RedirectResponse("/docs", 302)

    return [
        Route("/openapi.json", openapi, methods=["GET"]),
        Route("/docs", docs, methods=["GET"]),
        Route("/", begin, methods=["GET"]),
    ]
