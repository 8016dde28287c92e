"""Turns a short name in the TOML into a source, log, model or registry: ours and other people's by the same door.

A plug-in is an entry point in one of the groups `goldstream.sources`, `goldstream.logs`, `goldstream.models`,
`goldstream.registries` and `goldstream.strategies`. A stranger's package adds one line to its own pyproject.toml.
"""

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal

from goldstream.errors import PluginError

Group = Literal["sources", "logs", "models", "registries", "strategies"]


def installed(group: Group) -> dict[str, EntryPoint]:
    """Return the entry points of `group` by short name."""
    return {point.name: point for point in entry_points(group=f"goldstream.{group}")}


def find(group: Group, name: str) -> Any:
    """Return the class behind `name`; raises `PluginError` with what is installed, or with what to install."""
    return _found(group, name)


@cache  # to look through all that is installed takes longer than to load a model
def _found(group: Group, name: str) -> Any:
    points = installed(group)
    if name not in points:
        raise PluginError(f"no {group} plug-in named {name!r}; installed: {', '.join(sorted(points)) or 'none'}")
    try:
        return points[name].load()
    except ImportError as error:
        raise PluginError(f"the {group} plug-in {name!r} can't be loaded: {error}") from error
