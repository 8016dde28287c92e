"""Where posts come from. `build` turns the `[[sources]]` of the settings into sources."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from goldstream import plugins
from goldstream.errors import SettingsError
from goldstream.settings import convert
from goldstream.sources.base import Source


def build(sections: Sequence[Mapping[str, Any]], folder: Path = Path()) -> list[Source]:
    """Return a source for each section, in order; raises `SettingsError` or `PluginError` for one that can't be made.

    Relative paths in a section are relative to `folder`. Names are unique: give one to a source whose type comes twice.
    """
    built: list[Source] = []
    for number, section in enumerate(sections):
        kind = plugins.find("sources", section["type"])
        settings = convert(section, kind.Settings, f"goldstream.toml: sources[{number}]")
        source: Source = kind(settings, folder) if getattr(kind, "needs_folder", False) else kind(settings)
        if source.name in {other.name for other in built}:
            raise SettingsError(
                f"goldstream.toml: two sources are called {source.name!r}; give one a `name` - at `$.sources[{number}]`"
            )
        built.append(source)
    return built
