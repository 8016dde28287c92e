"""What a registry is: it remembers every model version, what it was made from, and who was champion when."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable


class Version(NamedTuple):
    """One registered model and its evidence."""

    version: int
    name: str
    created_at: datetime
    labels: tuple[str, ...]
    threshold: float
    sha256: str  #: of the folder's content
    evidence: Mapping[str, Any]  #: dataset version and hash, split, functions, seed, code version, metrics …


class Move(NamedTuple):
    """One move of an alias; moves are only ever added."""

    at: datetime
    alias: str
    before: int | None
    after: int | None
    who: str
    why: str


class Registry(Protocol):
    """Model versions, their bytes, and aliases with a history."""

    def register(self, folder: Path, *, name: str, labels: Sequence[str], threshold: float, evidence: Mapping[str, Any]) -> int:
        """Store the folder's content and return its new version."""
        ...

    def take_over(self, versions: Sequence[tuple[Version, Path]]) -> None:
        """Hold these versions of the same project, oldest first, and their folders, under the same numbers and aliases.

        They come from another registry whose history the store remembers. What is there already stays as it is.
        """
        ...

    def fetch(self, version: int, into: Path) -> Path:
        """Write the version's folder below `into` (once: content is addressed by hash) and return it."""
        ...

    def versions(self) -> list[Version]:
        """Return all versions, newest first."""
        ...

    def get(self, version: int) -> Version:
        """Return one version; raises `RegistryError` when there is none."""
        ...

    def alias(self, alias: str) -> int | None:
        """Return the version that `alias` names now."""
        ...

    def move(self, alias: str, version: int, *, who: str, why: str) -> bool:
        """Let `alias` name `version`, and remember it. False when it does so already: then there is nothing to remember."""
        ...

    def rollback(self, alias: str, *, who: str, why: str) -> int:
        """Let `alias` name what it named before; twice goes back two steps. Raises `RegistryError` at the start."""
        ...

    def close(self) -> None:
        """Let go of what `wait` holds; a second call does nothing."""
        ...

    def wait(self, timeout_s: float) -> bool:
        """Return True as soon as an alias or a threshold may have moved, False after `timeout_s`. Belongs to one thread."""
        ...

    def thresholds(self) -> Mapping[int, float]:
        """Return the threshold in force for each version: the one it was registered with, unless it was moved since."""
        ...

    def refuse(self, alias: str, version: int, *, stays: int | None, who: str, why: str) -> None:
        """Remember that `who` follows the alias and would not take `version` over; `stays` goes on."""
        ...

    def history(self, alias: str | None = None) -> list[Move]:
        """Return the moves, newest first."""
        ...


@runtime_checkable
class ShowsReports(Protocol):
    """A registry that people look at, too: it shows the report on a version beside its evidence."""

    def attach(self, version: int, folder: Path) -> None:
        """Keep the files in `folder` as the report on the version. No post's text may be in them: it could not be deleted."""
        ...
