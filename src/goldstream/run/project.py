"""A project that is open: its settings, its folder, its store, and the parts that the settings name."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from goldstream import plugins, settings
from goldstream.store import Store

if TYPE_CHECKING:  # the supervisor opens a project too, and must stay small
    from goldstream.log.base import Log
    from goldstream.registry.base import Registry


@dataclass(frozen=True)
class Project:
    """What every command works on. Parts are made anew by each call and belong to the caller."""

    config: Path
    settings: settings.Settings
    folder: Path
    store: Store

    @classmethod
    @contextmanager
    def open(cls, config: Path) -> Iterator["Project"]:
        """Open the project at `config`: reads the settings, starts or reaches PostgreSQL, brings the schema up to date."""
        config = config.resolve()
        read = settings.load(config)
        with Store.open(read.store, config.parent) as store:
            yield cls(config, read, config.parent, store)

    def log(self) -> "Log":
        """Return the log that the settings name."""
        log: Log = plugins.find("logs", self.settings.log.type).open(self.store, self.settings)
        return log

    def registry(self) -> "Registry":
        """Return the registry that the settings name."""
        registry: Registry = plugins.find("registries", self.settings.registry.type).open(self.store, self.settings)
        return registry

    @property
    def data_folder(self) -> Path:
        """Where this project keeps what is not in the store: fetched models, locks, compiled kernels."""
        return self.folder / self.settings.store.folder
