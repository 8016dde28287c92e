"""Our models as MLflow loads them: for `mlflow.pyfunc.load_model`, `mlflow models serve` and whatever else takes a pyfunc.

`MLmodel` of a registered version names this module. It answers as `/invocations` of `goldstream serve` does.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from goldstream.errors import DataError
from goldstream.models.folder import load_model
from goldstream.serving.judged import judge, nothing
from goldstream.serving.texts import INPUT
from goldstream.stream.champion import Fixed


class Pyfunc:
    """One loaded model, without its number: MLflow knows that."""

    def __init__(self, model: Fixed) -> None:
        self._model = model

    def predict(self, given: Any, params: Any = None) -> list[dict[str, Any]]:
        """Return a dictionary with `label`, `probability` and `probabilities` for each text.

        `given` is a pandas frame with a column `text`, or texts as a list, an array or a series; `params` are ignored, since
        our models have none. Raises `DataError` when something in it is no text.
        """
        texts: list[Any] = list(_column(given))
        if any(not isinstance(text, str) for text in texts):
            raise DataError(f"a text is needed in each row of {INPUT!r}; there is something else")
        return (judge(self._model, texts) if texts else nothing(self._model)).answers()


def _column(given: Any) -> Iterable[object]:
    if not hasattr(given, "columns"):
        return given
    if INPUT not in given.columns and len(given.columns) != 1:
        raise DataError(f"there is no column {INPUT!r}; there are {', '.join(map(str, given.columns)) or 'none'}")
    return given[INPUT if INPUT in given.columns else given.columns[0]]


def _load_pyfunc(path: str) -> Pyfunc:
    """Return the model in the folder at `path`, checked as every model of ours; MLflow calls this by its name."""
    return Pyfunc(Fixed(load_model(Path(path)), 0))
