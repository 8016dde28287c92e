"""The model that is champion now. It follows the alias and the threshold, and changes only between two batches.

A new champion is fetched, loaded, checked on its golden texts and warmed up in the background; then one reference is
replaced. A model that fails any of these is refused, the one before stays, and a message says why; the store remembers it.
"""

import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Protocol, Self

import numpy as np
import psycopg
import pyarrow as pa

from goldstream.errors import RegistryUnreachable, StoreError
from goldstream.models.folder import Loaded, load_model
from goldstream.registry.base import Registry

LOOK_S = 0.8  #: how often the alias is looked at, also when nobody announces a move
MOST_BEFORE = 5  #: versions that are tried at a start when the alias names one that is refused
NOTICE_S = 0.2  #: how soon the end is noticed
LEAVE_S = 3.0  #: how long the end waits for a registry that does not answer

Say = Callable[[str], None]


class Scored(NamedTuple):
    """What a champion says of a batch of texts."""

    scores: np.ndarray  #: float32, a row per text and a column per label; each row sums to one
    labels: tuple[str, ...]
    version: int
    threshold: float  #: chosen for this version on dev, wherever it has been moved since
    refused: Mapping[int, str] = {}  #: rows that have no scores (NaN), and why


class Scorer(Protocol):
    """Whatever can score a batch: a `Champion`, or one fixed model."""

    def predict(self, texts: pa.StringArray) -> Scored | None:
        """Return the scores, or None while there is no model."""
        ...


class Fixed:
    """One loaded model that never changes."""

    def __init__(self, model: Loaded, version: int) -> None:
        self.model, self.version = model, version

    def predict(self, texts: pa.StringArray) -> Scored:
        """Return this model's scores."""
        return Scored(self.model.predict_proba(texts), self.model.labels, self.version, self.model.chosen_threshold)

    def at(self, thresholds: Mapping[int, float]) -> "Fixed":
        """Return the same model as it decides where `thresholds`, by version, are in force."""
        threshold = thresholds.get(self.version, self.model.threshold)
        return self if threshold == self.model.threshold else Fixed(self.model.at(threshold), self.version)


def load(registry: Registry, version: int, cache: Path) -> Fixed:
    """Fetch, load, check and warm up one version; raises `GoldstreamError` when it can't be trusted."""
    model = load_model(registry.fetch(version, cache))
    model.predict_proba(pa.array(["warm up"], pa.string()))
    return Fixed(model, version)


class Swaps:
    """What a follower has been through."""

    def __init__(self) -> None:
        self.done = self.refused = 0
        self.seconds = 0.0  #: that the newest swap took, from seeing the move to answering with the new version
        self.reason = ""  #: why the newest refusal


class Champion:
    """Follows an alias of the registry; use as a context manager. `part` is who it follows for.

    `warm_up` does to a model what will be done to it, before it answers; one on which that fails is refused.
    """

    def __init__(
        self, registry: Registry, cache: Path, *, say: Say, part: str = "goldstream", alias: str = "champion",
        warm_up: Callable[[Fixed], None] | None = None,
    ) -> None:  # fmt: skip
        self._registry, self._cache, self._say, self._alias, self._warm_up = registry, cache, say, alias, warm_up
        self._who = f"{part}, process {os.getpid()} on {socket.gethostname()}"
        self.current: Fixed | None = None  #: what answers now; one reference, replaced between two batches
        self.thresholds: Mapping[int, float] = {}  #: in force for each version
        self.swaps = Swaps()
        self._named: int | None = None  # by the alias, when it was last looked at
        self._refused: int | None = None
        self._looked, self._closed = threading.Event(), threading.Event()
        self._follower = threading.Thread(target=self._follow, name="champion", daemon=True)

    def predict(self, texts: pa.StringArray) -> Scored | None:
        """Return the current champion's scores for one batch, all by one version; None while there is no champion."""
        current = self.current
        return None if current is None else current.predict(texts)

    @property
    def version(self) -> int | None:
        """The version that answers now."""
        return None if self.current is None else self.current.version

    def settle(self, timeout_s: float, stop: threading.Event) -> None:
        """Wait until the alias has been looked at once, be it in vain, or `stop` is set, or for `timeout_s`."""
        until = time.monotonic() + timeout_s
        while not stop.is_set() and time.monotonic() < until and not self._looked.wait(NOTICE_S):
            pass

    def look(self) -> None:
        """Look once at thresholds and alias, and load what the alias names, if that is new; refuse what can't be trusted."""
        self._look_at_thresholds()
        version = self._named = self._registry.alias(self._alias)
        if version != self._refused:
            self._refused = None
        if version is None or version in (self.version, self._refused):
            return
        started = time.monotonic()
        found = self._loaded(version)
        if isinstance(found, str):
            self.current = self.current or self._one_before(version)
            self._refuse(version, found)
            return
        self.current, self._refused = found, None
        self.swaps.done, self.swaps.seconds = self.swaps.done + 1, time.monotonic() - started
        self._say(f"{self._alias} is now version {version}")

    def _loaded(self, version: int) -> Fixed | str:
        """Return the model, or why it can't be trusted; raises what says nothing about the model."""
        try:
            found = load(self._registry, version, self._cache)
            if self._warm_up is not None:
                self._warm_up(found)
        except (RegistryUnreachable, StoreError, psycopg.Error, OSError):
            raise
        except Exception as error:
            return str(error) or type(error).__name__
        return found.at(self.thresholds)

    def _one_before(self, version: int) -> Fixed | None:
        """Return what answers where the alias was followed before `version` was refused: this process has only begun."""
        named = dict.fromkeys(move.after for move in self._registry.history(self._alias))
        for each in [each for each in named if each not in (None, version)][:MOST_BEFORE]:
            assert each is not None
            if isinstance(found := self._loaded(each), Fixed):
                return found
        return None

    def _look_at_thresholds(self) -> None:
        self.thresholds = self._registry.thresholds()
        before = self.current
        if before is not None and (moved := before.at(self.thresholds)) is not before:
            self.current = moved
            self._say(f"version {moved.version} decides from {moved.model.threshold:.3f} on")

    def _refuse(self, version: int, reason: str) -> None:
        self._refused, self.swaps.reason = version, reason
        self.swaps.refused += 1
        stays = f"version {self.version} stays" if self.current else "there is no other"
        self._say(f"{self._alias} version {version} is refused, {stays}: {reason}")
        with suppress(Exception):  # it has been said; what answers goes on, whether this can be written or not
            self._registry.refuse(self._alias, version, stays=self.version, who=self._who, why=reason)

    def __enter__(self) -> Self:
        self._follower.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._closed.set()
        self._follower.join(LEAVE_S)

    def _follow(self) -> None:
        away, heard = False, True
        while not self._closed.is_set():
            try:
                before = self._named
                self.look()
                if self._named != before and not heard:
                    self._registry.close()  # nobody announced the move: what we listen to may be dead without a word
                if away:
                    self._say("the registry can be read again")
                self._looked.set()
                away, heard = False, self._wait()
            except Exception as error:  # the registry is away, or worse; the model goes on answering
                if not away:
                    self._say(f"the registry can't be read, the model stays as it is: {_first_line(error)}")
                away, heard = True, True
                self._looked.set()
                self._closed.wait(NOTICE_S)
        self._registry.close()

    def _wait(self) -> bool:
        """Return True when the alias may have moved, False when it is time to look again, or at the end."""
        until = time.monotonic() + LOOK_S
        while not self._closed.is_set() and time.monotonic() < until:
            if self._registry.wait(NOTICE_S):
                return True
        return False


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
