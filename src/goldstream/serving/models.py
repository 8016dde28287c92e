"""Which model answers: the champion, which is followed, or a version or alias that the request names.

A version that is asked for by its number is loaded in a thread, once, and the last few of them stay loaded.
"""

import asyncio
import time
from collections import OrderedDict
from pathlib import Path

from goldstream.errors import GoldstreamError, ModelError, RegistryError, RegistryUnreachable
from goldstream.registry.base import Registry
from goldstream.serving.asking import asked
from goldstream.stream.champion import Champion, Fixed, Swaps, load

UNKNOWN_S = 2.0  #: how long a version that is not there stays so; nobody shall ask the registry at our clients' pace
MOST_UNKNOWN = 256


class Unavailable(GoldstreamError):
    """There is no champion yet, or the registry can't be read for a version that is not loaded."""


class UnknownVersion(GoldstreamError):
    """There is no such version or alias, or it can't be trusted."""


class Models:
    """The models that answer here. Belongs to one event loop."""

    def __init__(self, champion: Champion, registry: Registry, cache: Path, *, most: int) -> None:
        self._champion, self._registry, self._cache, self._most = champion, registry, cache, most
        self._pinned: OrderedDict[int, Fixed] = OrderedDict()
        self._unknown: dict[int | str, tuple[float, str]] = {}
        self._loading = asyncio.Lock()

    @property
    def ready(self) -> bool:
        """Whether there is a champion."""
        return self._champion.current is not None

    @property
    def champion(self) -> Fixed:
        """The model that answers now; raises `Unavailable` while there is none."""
        current = self._champion.current
        if current is None:
            raise Unavailable("there is no champion yet; `goldstream models promote` makes one")
        return current

    @property
    def swaps(self) -> Swaps:
        """What following the champion has come to."""
        return self._champion.swaps

    @property
    def loaded(self) -> list[Fixed]:
        """Every model in memory, the champion first."""
        current = self._champion.current
        others = [model for version, model in self._pinned.items() if current is None or version != current.version]
        return ([current] if current else []) + others

    async def version(self, version: int) -> Fixed:
        """Return the model of that number; raises `UnknownVersion`."""
        current = self._champion.current
        if current is not None and current.version == version:
            return current
        if (pinned := self._pinned.get(version)) is not None:
            self._pinned.move_to_end(version)
            self._pinned[version] = self.in_force(pinned)
            return self._pinned[version]
        async with self._loading:
            if (pinned := self._pinned.get(version)) is None:
                self._check_known(version)
                pinned = await asked(lambda: self._load(version))
                self._pinned[version] = pinned
                while len(self._pinned) > self._most:
                    self._pinned.popitem(last=False)
        return self.in_force(pinned)

    def in_force(self, model: Fixed) -> Fixed:
        """Return the model as it decides by the threshold that is in force for it."""
        return model.at(self._champion.thresholds)

    async def alias(self, alias: str) -> Fixed:
        """Return the model that `alias` names; raises `UnknownVersion`."""
        if alias == "champion":
            return self.champion
        self._check_known(alias)
        version = await asked(lambda: self._named(alias))
        return await self.version(version)

    async def unload(self, version: int) -> None:
        """Let go of a version that was loaded by its number; the champion stays."""
        self._pinned.pop(version, None)

    def _check_known(self, name: int | str) -> None:
        until, reason = self._unknown.get(name, (0.0, ""))
        if time.monotonic() < until:
            raise UnknownVersion(reason)

    def _load(self, version: int) -> Fixed:
        try:
            return load(self._registry, version, self._cache)
        except RegistryUnreachable as error:
            raise Unavailable("the registry can't be read now") from error
        except (RegistryError, ModelError, OverflowError) as error:
            raise self._remembered(version, str(error)) from None
        except Exception as error:
            raise Unavailable(f"version {version} can't be loaded now: {type(error).__name__}") from error

    def _named(self, alias: str) -> int:
        try:
            version = self._registry.alias(alias)
        except Exception as error:
            raise Unavailable("the registry can't be read now") from error
        if version is None:
            raise self._remembered(alias, f"no alias {alias!r}; `goldstream models history` shows all")
        return version

    def _remembered(self, name: int | str, reason: str) -> UnknownVersion:
        if len(self._unknown) >= MOST_UNKNOWN:
            self._unknown.clear()
        self._unknown[name] = time.monotonic() + UNKNOWN_S, reason
        return UnknownVersion(reason)
