"""What goes in and out of every address, as JSON Schema, for `/openapi.json`.

A schema takes what the address takes, and no more, as far as a schema can say that: binary texts (`{"b64": …}`), further columns and
the relation of a tensor's shape to its data are in the descriptions.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from goldstream.serving import explaining, ours, predictions
from goldstream.serving.open_inference import OUTPUTS
from goldstream.serving.tensorflow_serving import MOST_EXPLAINED, SIGNATURE

Schema = dict[str, Any]

STRING, NUMBER, INTEGER, FLAG = ({"type": kind} for kind in ("string", "number", "integer", "boolean"))
OBJECT: Schema = {"type": "object"}


def record(needed: Schema, more: Schema | None = None) -> Schema:
    """Return the schema of an object with these properties; those in `more` may be left out."""
    return {"type": "object", "required": list(needed), "properties": needed | (more or {})}


def several(items: Schema, **limits: int) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "items": items, **limits}


def ref(name: str) -> dict[str, str]:
    """Return a reference to one of `schemas`."""
    return {"$ref": f"#/components/schemas/{name}"}


_ONE = several(STRING, minItems=1, maxItems=1)
_TEXT = {"anyOf": [STRING, _ONE]}
_ROWS = several(ref("Row"))
_COLUMN = {"anyOf": [ref("Row"), _ROWS, record({"text": _ROWS})]}
_SIGNED = {"signature_name": {"enum": [SIGNATURE, ""]}}
_ANYWHERE = {"parameters": {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}}
_VERSION = {**STRING, "pattern": "^[0-9]{1,18}$"}
_SHAPE = several(INTEGER, minItems=1, maxItems=2)
_JUDGED = record({"label": STRING, "probability": NUMBER, "probabilities": several(NUMBER)})
_PREDICTED = several(_JUDGED)
_RATE = {
    "correctness_rate": {"type": ["number", "null"]}, "n": INTEGER,
    "interval": {"anyOf": [several(NUMBER, minItems=2, maxItems=2), {"type": "null"}]},
}  # fmt: skip
_STATUS = record({"version": STRING, "state": STRING, "status": record({"error_code": STRING, "error_message": STRING})})
_TENSOR_FACTS = {"name": STRING, "datatype": STRING, "shape": several(INTEGER)}


def _only(keys: dict[str, Schema], one: str, more: Schema | None = None) -> Schema:
    """An object with one of these keys, and none of the others."""
    return record({one: keys[one]}, {**{key: False for key in keys if key != one}, **(more or {})})


def _asked(labels: Sequence[str]) -> dict[str, Schema]:
    label = {"enum": list(labels)} if labels else STRING
    rows, text = {"instances": _ROWS, "inputs": _COLUMN}, {"text": STRING, "texts": several(STRING)}
    why = {"instances": {**_ROWS, "maxItems": MOST_EXPLAINED}, "inputs": _COLUMN}
    verdict = {"label": label, "correct": FLAG}
    table = {
        "dataframe_split": {**record({"columns": _ONE, "data": several(_ONE)}), "description": "or more columns, one of them `text`"},
        "dataframe_records": _ROWS, **rows,
    }  # fmt: skip
    tensor = record(
        {"name": {"const": "text"}, "shape": _SHAPE, "datatype": {"const": "BYTES"}, "data": several(STRING)}, _ANYWHERE
    )
    return {
        "Ask": {"description": "One text, or several.", "oneOf": [_only(text, key) for key in text]},
        "OneText": record({"text": {**STRING, "maxLength": explaining.LONGEST}}, {"texts": False}),
        "Row": {"description": 'A text; a binary one is `{"b64": …}`.', "anyOf": [*_TEXT["anyOf"], record({"text": _TEXT})]},
        "Rows": {"oneOf": [_only(rows, key, _SIGNED) for key in rows]},
        "RowsToExplain": {"oneOf": [_only(why, key, _SIGNED) for key in why]},
        "Examples": record({"examples": _ROWS}, {"context": OBJECT, **_SIGNED}),
        "Tensors": {
            "description": "`shape` is [n] or [n, 1], and there are n elements of `data`, flat or nested.",
            **record(
                {"inputs": several(tensor, minItems=1, maxItems=1)},
                {"id": STRING, **_ANYWHERE, "outputs": several(record({"name": {"enum": list(OUTPUTS)}}))},
            ),
        },
        "VersionToLoad": record({}, {"parameters": record({}, {"version": _VERSION})}),
        "VersionToUnload": record({"parameters": record({"version": _VERSION})}),
        "Table": {"oneOf": [_only(table, key, {"params": {"type": ["object", "null"]}}) for key in table]},
        "Labelled": record({"text": STRING}, {"user_label": {"anyOf": [label, {"type": "null"}]}}),
        "Verdict": {"oneOf": [
            record({"prediction_id": {**STRING, "format": "uuid"}, key: verdict[key]}, {other: False})
            for key, other in (("label", "correct"), ("correct", "label"))
        ]},
    }  # fmt: skip


_ANSWERED: dict[str, Schema] = {
    "Live": record({"live": FLAG}),
    "Readiness": record({"ready": FLAG, "reason": STRING, "version": {"type": ["integer", "null"]}}),
    "Models": record({"models": several(STRING)}),
    "Status": record({"model_version_status": several(_STATUS), "name": STRING, "ready": FLAG}),
    "Signature": record({
        "model_spec": record({"name": STRING, "signature_name": STRING, "version": STRING}),
        "metadata": record({"signature_def": record({"signature_def": OBJECT})}),
    }),
    "PredictedRows": record({"predictions": _PREDICTED}, {
        "outputs": record({"label": several(STRING), "probability": several(NUMBER), "probabilities": several(several(NUMBER))}),
    }),
    "Classified": record({"results": several(several(several({"type": ["string", "number"]}, minItems=2, maxItems=2)))}),
    "Regressed": record({"results": several(NUMBER)}),
    "ExplainedRows": record({"predictions": _PREDICTED, "explanations": several(OBJECT)}),
    "Server": record({"name": STRING, "version": STRING, "extensions": several(STRING)}),
    "TensorsReady": record({"ready": FLAG, "live": FLAG}),
    "ModelFacts": record({
        "name": STRING, "versions": several(STRING), "platform": STRING, "inputs": several(record(_TENSOR_FACTS)),
        "outputs": several(record(_TENSOR_FACTS)),
    }),
    "ModelReady": record({"name": STRING, "ready": FLAG}),
    "Inferred": record({
        "model_name": STRING, "model_version": STRING, "id": STRING,
        "outputs": several(record(_TENSOR_FACTS, {"data": several({"type": ["string", "number"]}), **_ANYWHERE})),
    }),
    "Index": several(record({"name": STRING, "version": STRING, "state": STRING, "reason": STRING})),
    "Judgements": record({"predictions": several(record({
        "label": STRING, "probability": NUMBER, "probabilities": {"type": "object", "additionalProperties": NUMBER},
    }))}),
    "Stored": record({"predictions": several(ref("Given")), "next": {"type": ["string", "null"]}}),
    "Statistics": record({**_RATE, "by_version": several(record({"version": INTEGER, **_RATE}))}),
    "Announced": record({"announced": FLAG}),
    "Error": record({"error": STRING}),
    "MlflowError": record({"error_code": STRING, "message": STRING}),
}  # fmt: skip


def schemas(labels: Sequence[str]) -> dict[str, Schema]:
    """Return all schemas by their names, for a model that knows these labels."""
    ours_too = ours.Prediction, ours.Predictions, explaining.Explanation, predictions.Given
    _, described = msgspec.json.schema_components(ours_too, ref_template="#/components/schemas/{name}")
    return {**_asked(labels), **_ANSWERED, **described}
