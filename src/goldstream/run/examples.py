"""The examples that travel with the package, to start a project from."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from goldstream.errors import SettingsError


def names() -> list[str]:
    """Return what `goldstream init --example` takes."""
    return sorted(folder.name for folder in _root().iterdir() if (folder / "goldstream.toml").is_file())


def copy(example: str, folder: Path) -> list[Path]:
    """Write the files of `example` into `folder` and return them; raises `SettingsError` and overwrites nothing."""
    if example not in names():
        raise SettingsError(f"no example named {example!r}; there are {', '.join(names())}")
    sources = [file for file in (_root() / example).iterdir() if file.is_file()]
    targets = [folder / file.name for file in sources]
    for target in targets:
        if target.exists():
            raise SettingsError(f"{target} exists already; choose another folder, or remove it first")
    folder.mkdir(parents=True, exist_ok=True)
    for file, target in zip(sources, targets, strict=True):
        target.write_bytes(file.read_bytes())
    return targets


def _root() -> Traversable:
    return files("goldstream") / "examples"
