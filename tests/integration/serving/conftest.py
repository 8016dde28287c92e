"""A project with two versions of a model, the first of them champion."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from goldstream.run.project import Project
from goldstream.store import Store

from .processes import LABELS, write_models


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return list(write_models(tmp_path_factory.mktemp("models")))


@pytest.fixture
def project(tmp_path: Path, store: Store, folders: list[Path]) -> Iterator[Project]:
    config = tmp_path / "goldstream.toml"
    config.write_text(
        f'[project]\nname = "floods"\n[store]\ndsn = "{store.dsn}"\nschema = "{store.schema}"\n[stream]\nkeep-floor = 0.0\n'
    )
    with Project.open(config) as opened:
        register(opened, folders)
        yield opened


def register(project: Project, folders: list[Path]) -> None:
    registry = project.registry()
    for folder in folders:
        registry.register(folder, name="floods", labels=LABELS, threshold=0.5, evidence={})
    registry.move("champion", 1, who="test", why="first")
