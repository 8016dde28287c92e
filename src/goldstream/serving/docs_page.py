"""The page at `/docs`: every address, how to ask it and what it answers. Needs nothing from elsewhere."""

import html
from itertools import groupby
from typing import Any

import msgspec

#: What a request to an address may look like, by the schema of its body.
_TEXT = "the river is over its banks"
_EXAMPLES: dict[str, Any] = {
    "Ask": {"text": _TEXT},
    "OneText": {"text": _TEXT},
    "Labelled": {"text": _TEXT},
    "Rows": {"instances": [_TEXT]},
    "RowsToExplain": {"instances": [_TEXT]},
    "Examples": {"examples": [{"text": _TEXT}]},
    "Tensors": {"inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "data": [_TEXT]}]},
    "Table": {"dataframe_records": [{"text": _TEXT}]},
    "VersionToLoad": {},
    "VersionToUnload": {"parameters": {"version": "2"}},
    "Verdict": {"prediction_id": "01890a5d-ac96-774b-bcce-b302099a8057", "correct": True},
}  # fmt: skip

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><style>{style}</style><h1>{title}</h1>
<p>{now} The same as a document for machines: <a href="/openapi.json">/openapi.json</a>.</p>{paths}</html>"""
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b;background:#fff}"
    "pre{background:#f2f2f2;padding:.7rem;white-space:pre-wrap;overflow-wrap:anywhere}"
    "h2{font-size:1.1rem;margin:1.5rem 0 .3rem}code{font-weight:600;overflow-wrap:anywhere}summary{cursor:pointer;padding:.3rem 0}"
    "@media(prefers-color-scheme:dark){body{color:#eee;background:#151515}pre{background:#222}a{color:#9cf}}"
)


def page(said: dict[str, Any], base: str, now: str) -> str:
    """Return the document `said` as a page, for who calls us `base`; `now` stands at its beginning."""
    ask = "curl -s" + (" -H 'authorization: Bearer KEY'" if said["security"] else "")
    found = [
        (what["tags"][0], _entry(ask, base, path, method.upper(), what, said["components"]["schemas"]))
        for path, methods in said["paths"].items()
        for method, what in methods.items()
    ]
    parts = [
        f"<h2>{html.escape(tag)}</h2>" + "".join(entry for _, entry in entries)
        for tag, entries in groupby(found, key=lambda each: each[0])
    ]
    return _PAGE.format(style=_STYLE, title=html.escape(said["info"]["title"]), now=now, paths="".join(parts))


def _entry(ask: str, base: str, path: str, method: str, what: dict[str, Any], schemas: dict[str, Any]) -> str:
    """One address: how to ask it, what it takes and what it answers."""
    address, lines = path, []
    for parameter in what.get("parameters", []):
        address = address.replace(f"{{{parameter['name']}}}", parameter.get("example", ""))
    command = f"{ask} {base}{address}"
    if "requestBody" in what:
        body = what["requestBody"]["content"]["application/json"]["schema"]
        example = msgspec.json.encode(_EXAMPLES.get(body.get("$ref", "").rpartition("/")[2], {})).decode()
        command += f" -H 'content-type: application/json' -d '{example}'"
        lines.append(f"takes    {shape(body, schemas)}")
    answer = what["responses"].get("200", {}).get("content", {}).get("application/json", {}).get("schema")
    if answer:
        lines.append(f"answers  {shape(answer, schemas)}")
    head = f"<code>{method} {html.escape(path)}</code> {html.escape(what['summary'])}"
    text = html.escape("\n".join([command, *lines]), quote=False)
    return f"<details{' open' * (path == '/predict')}><summary>{head}</summary><pre>{text}</pre></details>"


def shape(schema: dict[str, Any], schemas: dict[str, Any]) -> str:
    """Return what fits a schema as a person reads it; `?` stands behind what may be left out.

    >>> text = {"type": "string"}
    >>> row = {"type": "object", "required": ["a"], "properties": {"a": text, "b": {"$ref": "#/B"}}}
    >>> shape(row, {"B": {"type": "array", "items": text}})
    '{"a": string, "b"?: [string, …]}'
    """
    if "$ref" in schema:
        return shape(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if either := schema.get("oneOf") or schema.get("anyOf"):
        return " or ".join(shape(each, schemas) for each in either)
    if known := schema.get("enum", [schema["const"]] if "const" in schema else []):
        return " or ".join(msgspec.json.encode(each).decode() for each in known)
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
