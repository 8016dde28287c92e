"""The labelling functions in a user's file."""

import linecache
import traceback
from collections.abc import Iterable, Sequence
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from goldstream.errors import LabelingError
from goldstream.labeling.functions import LabelingFunction
from goldstream.labeling.snorkel import from_snorkel, is_snorkel


def load(path: Path, labels: Sequence[str] = ()) -> list[LabelingFunction]:
    """Return the labelling functions in the Python file at `path`, in the order in which they are written.

    They stand in it by name, or in lists. Snorkel's are taken as they are, and vote for `labels` by number. Raises
    `LabelingError` when the file can't be run, holds none, or gives two the same name.
    """
    spec = spec_from_file_location("goldstream_user_labeling", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise LabelingError(f"{path}: no such file; labeling.functions in goldstream.toml names it")
    linecache.checkcache(str(path))  # so that a version is made from the file as it is now
    module = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise LabelingError(f"{path}: can't be run: {type(error).__name__}: {error}{_line(error, path)}") from error
    found = [from_snorkel(each, labels) if is_snorkel(each) else each for each in _functions(vars(module).values())]
    names = [function.name for function in found]
    if not found:
        raise LabelingError(f"{path}: no labelling functions in it; decorate one with @labeling_function(LABEL)")
    if twice := {name for name in names if names.count(name) > 1}:
        raise LabelingError(f"{path}: two labelling functions are named {', '.join(sorted(twice))}")
    return found


def _functions(values: Iterable[Any]) -> list[Any]:
    """The labelling functions among `values` and in the lists among them, each once."""
    found: dict[int, Any] = {}
    for value in values:
        for each in value if isinstance(value, list | tuple) else [value]:
            if isinstance(each, LabelingFunction) or is_snorkel(each):
                found.setdefault(id(each), each)
    return list(found.values())


def _line(error: Exception, path: Path) -> str:
    """Where in the user's file it went wrong; a SyntaxError says so itself."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f" (line {lines[-1]})" if lines else ""
