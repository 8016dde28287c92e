"""The model that is champion now. It follows the alias, and changes only between two batches.

A new champion is fetched, loaded, checked on its golden texts and warmed up in the background; then one reference is
replaced. A model that fails any of these is refused, the one before stays, and a message says why.
"""

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Protocol, Self

import numpy as np
import psycopg
import pyarrow as pa

from goldstream.errors import GoldstreamError
from goldstream.models.folder import Loaded, load_model
from goldstream.registry.base import Registry

LOOK_S = 0.5  #: how often the alias is looked at

Say = Callable[[str], None]


class Scored(NamedTuple):
    """What a champion says of a batch of texts."""

    scores: np.ndarray  #: float32, a row per text and a column per label; each row sums to one
    labels: tuple[str, ...]
    version: int
    threshold: float  #: chosen for this version on dev
    refused: Mapping[int, str] = {}  #: rows that have no scores (NaN), and why


class Scorer(Protocol):
    """Whatever can score a batch: a `Champion`, or one fixed model."""

    def predict(self, texts: pa.StringArray) -> Scored | None:
        """Return the scores, or None while there is no model."""
        ...


class Fixed:
    """One loaded model that never changes."""

    def __init__(self, model: Loaded, version: int) -> None:
        self._model, self._version = model, version

    def predict(self, texts: pa.StringArray) -> Scored:
        """Return this model's scores."""
        return Scored(self._model.predict_proba(texts), self._model.labels, self._version, self._model.threshold)


class Champion:
    """Follows an alias of the registry; use as a context manager."""

    def __init__(self, registry: Registry, cache: Path, *, say: Say, alias: str = "champion") -> None:
        self._registry, self._cache, self._say, self._alias = registry, cache, say, alias
        self._current: Fixed | None = None
        self._version: int | None = None
        self._refused: int | None = None
        self._closed = threading.Event()
        self._follower = threading.Thread(target=self._follow, name="champion", daemon=True)

    def predict(self, texts: pa.StringArray) -> Scored | None:
        """Return the current champion's scores for one batch, all by one version; None while there is no champion."""
        current = self._current
        return None if current is None else current.predict(texts)

    @property
    def version(self) -> int | None:
        """The version that answers now."""
        return self._version

    def look(self) -> None:
        """Look at the alias once and load what it names, if that is new; refuse what can't be trusted."""
        version = self._registry.alias(self._alias)
        if version is None or version in (self._version, self._refused):
            return
        try:
            model = load_model(self._registry.fetch(version, self._cache))
            model.predict_proba(pa.array(["warm up"], pa.string()))
        except GoldstreamError as error:
            self._refused = version
            stays = f"version {self._version} stays" if self._version else "there is no other"
            self._say(f"{self._alias} version {version} is refused, {stays}: {error}")
            return
        self._current, self._version, self._refused = Fixed(model, version), version, None
        self._say(f"{self._alias} is now version {version}")

    def __enter__(self) -> Self:
        self._follower.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._closed.set()
        self._follower.join()

    def _follow(self) -> None:
        said_away = False
        while not self._closed.is_set():
            started = time.monotonic()
            try:
                self.look()
                said_away = False
            except (GoldstreamError, psycopg.Error, OSError) as error:  # the store is away; the model goes on answering
                if not said_away:
                    self._say(f"the registry can't be read, the model stays as it is: {error}")
                said_away = True
            self._closed.wait(max(0.0, LOOK_S - (time.monotonic() - started)))
