"""Makes a version champion, once it has shown that it is itself and speaks the project's labels."""

from collections.abc import Collection
from pathlib import Path

from goldstream.errors import RegistryError
from goldstream.models.folder import load_model
from goldstream.registry.base import Registry


def promote(
    registry: Registry, version: int, cache: Path, *, labels: Collection[str], who: str, why: str, force: bool = False
) -> None:
    """Let `champion` name `version`, after it has loaded and given its golden texts their scores.

    Raises `GoldstreamError` when it fails, or knows other labels than `labels`; `force` asks neither.
    """
    if not force:
        loaded = load_model(registry.fetch(version, cache))
        if set(loaded.labels) != set(labels):
            raise RegistryError(
                f"version {version} knows {', '.join(loaded.labels)}, the project {', '.join(labels)}; "
                "`goldstream models promote --force` promotes it all the same"
            )
    registry.move("champion", version, who=who, why=why)
