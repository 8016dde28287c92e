"""What MLflow is told of a version: a folder that `mlflow models serve` loads, and its evidence as parameters and metrics.

Nothing in that folder is pickled. Its `MLmodel` names `goldstream.serving.pyfunc` as the module that loads it, so whoever
loads it needs goldstream and runs no code of the model's.
"""

import platform
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version as installed_version
from math import isfinite
from pathlib import Path
from typing import Any

import msgspec

from goldstream.clock import now

FOLDER = "model"  #: of our own files, within MLflow's
FACTS = "registered.json"  #: beside it
LOADER = "goldstream.serving.pyfunc"
LONGEST_PARAM = 6_000  #: characters that MLflow takes
LONGEST_NAME = 250  #: of a parameter or metric
MOST_PARAMS = 100
_NOT_IN_NAMES = re.compile(r"[^/\w.\- :]")

_INPUTS = [{"name": "text", "type": "string", "required": True}]
_OUTPUTS = [
    {"name": "label", "type": "string", "required": True},
    {"name": "probability", "type": "double", "required": True},
    {"name": "probabilities", "type": "map", "values": {"type": "double", "required": True}, "required": True},
]


class Registered(msgspec.Struct, frozen=True, kw_only=True):
    """What is registered of a version; stands in `registered.json` beside its folder."""

    name: str
    labels: Sequence[str]
    threshold: float
    sha256: str
    evidence: Mapping[str, Any]


def write(into: Path, folder: Path, facts: Registered, *, model_id: str, run_id: str) -> None:
    """Write into the empty folder `into` what MLflow keeps of the model in `folder`."""
    shutil.copytree(folder, into / FOLDER)
    (into / FACTS).write_bytes(msgspec.json.format(msgspec.json.encode(facts, enc_hook=str), indent=1))
    ours = f"goldstream=={installed_version('goldstream')}"
    (into / "requirements.txt").write_text(f"{ours}\n")
    python = platform.python_version()
    _yaml(into / "python_env.yaml", {"python": python, "dependencies": ["-r requirements.txt"]})
    _yaml(into / "conda.yaml", {"name": "goldstream", "dependencies": [f"python={python}", "pip", {"pip": [ours]}]})
    loaded = {"loader_module": LOADER, "data": FOLDER, "python_version": python,
              "env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"}}  # fmt: skip
    signature = {name: msgspec.json.encode(each).decode() for name, each in (("inputs", _INPUTS), ("outputs", _OUTPUTS))}
    made = {"flavors": {"python_function": loaded}, "signature": {**signature, "params": None},
            "mlflow_version": installed_version("mlflow-skinny"), "model_id": model_id, "run_id": run_id,
            "utc_time_created": f"{now():%Y-%m-%d %H:%M:%S.%f}"}  # fmt: skip
    _yaml(into / "MLmodel", made)


def metrics(evidence: Mapping[str, Any]) -> dict[str, float]:
    """Return the figures of an evidence by name; an interval becomes two of them.

    >>> metrics({"metrics": {"f1": 0.8, "f1_interval": [0.7, 0.9], "stream": {"recall": 0.5}, "ece": None}, "seed": 7})
    {'f1': 0.8, 'f1_interval.low': 0.7, 'f1_interval.high': 0.9, 'stream.recall': 0.5}
    """
    found: dict[str, Any] = {}
    for name, value in _flat(evidence.get("metrics") or {}):
        if isinstance(value, list | tuple) and len(value) == 2:
            found |= {f"{name}.low": value[0], f"{name}.high": value[1]}
        else:
            found[name] = value
    return {name: float(value) for name, value in found.items() if _is_number(value)}


def params(facts: Registered) -> dict[str, str]:
    """Return what a version was made with, as MLflow's parameters.

    >>> params(Registered(name="m", labels=["a", "b"], threshold=0.5, sha256="", evidence={"seed": 7, "options": {"pairs": True}}))
    {'labels': '["a","b"]', 'threshold': '0.5', 'seed': '7', 'options.pairs': 'true'}
    """
    rest = {name: value for name, value in facts.evidence.items() if name not in ("metrics", "threshold")}
    chosen = {"labels": list(facts.labels), "threshold": facts.threshold, **rest}
    found: dict[str, str] = {}
    for name, value in _flat(chosen):
        text = value if isinstance(value, str) else msgspec.json.encode(value, enc_hook=str).decode()
        if value is not None and len(text) <= LONGEST_PARAM and len(found) < MOST_PARAMS:
            found[name] = text
    return found


def _flat(values: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{within}{name}.")
        else:
            yield _NOT_IN_NAMES.sub("_", within + name)[:LONGEST_NAME], value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _yaml(file: Path, content: object) -> None:
    file.write_bytes(msgspec.yaml.encode(content))
