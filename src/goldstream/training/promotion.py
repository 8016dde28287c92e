"""Lets an alias name a version, once that has shown that it is itself and speaks the project's labels."""

from pathlib import Path

from goldstream import settings
from goldstream.errors import ModelError
from goldstream.models.folder import Loaded, load_model
from goldstream.registry.base import Registry


def promote(
    registry: Registry, version: int, cache: Path, project: settings.Project, *,
    who: str, why: str, alias: str = "champion", force: bool = False,
) -> bool:  # fmt: skip
    """Let `alias` name `version`, after it has loaded and given its golden texts their scores; False when it does already.

    Raises `GoldstreamError` when it fails, or does not speak the project's labels; `force` asks neither.
    """
    if not force:
        check_labels(load_model(registry.fetch(version, cache)), version, project)
    return registry.move(alias, version, who=who, why=f"forced: {why}" if force else why)


def check_labels(model: Loaded, version: int, project: settings.Project) -> None:
    """Raise `ModelError` unless the model knows the project's labels, and its threshold is about the one that is kept."""
    if set(model.labels) != set(project.labels):
        raise ModelError(f"version {version} knows {', '.join(model.labels)}, the project {', '.join(project.labels)}")
    if len(model.labels) == 2 and model.facts.positive != project.keep:
        raise ModelError(
            f"the threshold of version {version} is about {model.facts.positive!r}, the project keeps {project.keep!r}"
        )
