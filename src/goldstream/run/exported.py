"""Carries a model version from project to project: one tar file with its evidence, or the folder that `goldstream fit` writes.

What comes in may be a stranger's: only plain files by plain names, with the checksum they went out with; evidence that pages
and store can show; and a model that loads and gives its golden texts their scores.
"""

import io
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import psycopg
from psycopg.types.json import Jsonb

from goldstream.errors import DataError, ModelError
from goldstream.models.folder import Loaded, load_model
from goldstream.registry.folders import LARGEST, pack, sha256_of
from goldstream.run.project import Project
from goldstream.training.promotion import check_labels

REGISTERED = "registered.json"  #: in an exported file, beside the model's folder
FOLDER = "model/"
LARGEST_FACTS = 16 << 20  #: bytes of `registered.json`
MOST_FILES = 1_000


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """What `registered.json` must say."""

    version: int
    sha256: str  #: of the model's folder
    evidence: dict[str, Any]


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """The figures that pages and commands show of a version."""

    accuracy: float | None = None
    precision: float | None = None
    recall: float | None = None
    f1: float | None = None
    f1_interval: tuple[float, float] | None = None
    keyword_f1: float | None = None
    average_precision: float | None = None


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What pages and commands show of an evidence."""

    metrics: Figures = Figures()
    evaluated_on: str | None = None
    trained_on: int | None = None
    dataset: str | None = None
    dataset_sha256: str | None = None
    label_model: str | None = None
    functions: dict[str, str] | None = None


def export_version(project: Project, version: int, file: Path) -> dict[str, Any]:
    """Write a version and its evidence into one new tar file, whole or not at all; return what was written."""
    registry = project.registry()
    found = registry.get(version)
    if file.exists() or file.is_symlink():
        raise DataError(f"{file} is there already; name a file that is not")
    folder = registry.fetch(version, project.data_folder / "models")
    facts = msgspec.json.format(msgspec.json.encode(found._asdict()), indent=1)
    partial = file.with_name(f".{file.name}.part")
    try:
        with tarfile.open(partial, "w", format=tarfile.PAX_FORMAT) as tar:
            _add(tar, REGISTERED, facts)
            for each in sorted(folder.iterdir()):
                _add(tar, f"{FOLDER}{each.name}", each.read_bytes())
        partial.replace(file)
    except OSError as error:
        raise DataError(f"{file} can't be written: {error.strerror}") from None
    finally:
        partial.unlink(missing_ok=True)
    return {"version": version, "file": str(file), "sha256": found.sha256}


def import_version(project: Project, path: Path) -> dict[str, Any]:
    """Register the model in an exported file or a model folder, once it has passed its checks.

    `version` in the answer is its number, `new` whether it got it now (bytes that are there already keep theirs), and `unfit`
    why it will not be promoted here (None: it may be). Raises `ModelError` that says what is wrong with it.
    """
    with TemporaryDirectory() as scratch:
        folder = path if path.is_dir() else Path(scratch)
        facts = None if path.is_dir() else _unpacked(path, folder)
        sha256 = sha256_of(pack(folder))
        if facts is not None and facts.sha256 != sha256:
            raise ModelError(f"{path} is damaged, or was changed: its files are not those that version {facts.version} had")
        model = _loaded(folder, path)
        known = next((each for each in reversed(project.registry().versions()) if each.sha256 == sha256), None)
        if known is not None:
            return {"version": known.version, "name": known.name, "new": False, "unfit": _unfit(project, model, known.version)}
        evidence = _evidence(project, path, model, facts)
        version = project.registry().register(
            folder, name=model.facts.name, labels=model.labels, threshold=model.threshold, evidence=evidence
        )
    return {"version": version, "name": model.facts.name, "new": True, "unfit": _unfit(project, model, version)}


def _unfit(project: Project, model: Loaded, version: int) -> str | None:
    try:
        check_labels(model, version, project.settings.project)
    except ModelError as error:
        return str(error)
    return None


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    tar.addfile(entry, io.BytesIO(data))


def _unpacked(file: Path, folder: Path) -> Exported:
    """Write the model's files into `folder` and return what was registered; only plain files, by plain names."""
    facts = None
    left = LARGEST
    try:
        with tarfile.open(file, "r:") as tar:
            for number, entry in enumerate(tar):
                left -= entry.size
                if not entry.isfile() or number >= MOST_FILES or left < 0:
                    raise ModelError(f"{file} is no exported model: {entry.name!r} is no plain file, or too much")
                content = tar.extractfile(entry)
                assert content is not None
                if entry.name == REGISTERED:
                    facts = msgspec.json.decode(content.read(LARGEST_FACTS), type=Exported)
                    continue
                name = entry.name.removeprefix(FOLDER)
                if not entry.name.startswith(FOLDER) or Path(name).name != name or name in ("", ".", ".."):
                    raise ModelError(f"{file} is no exported model: {entry.name!r} does not belong into one")
                (folder / name).write_bytes(content.read())
    except FileNotFoundError:
        raise DataError(f"{file}: no such file") from None
    except (tarfile.TarError, OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{file} is no exported model: {error}") from None
    if facts is None:
        raise ModelError(f"{file} is no exported model: it has no {REGISTERED}")
    return facts


def _loaded(folder: Path, path: Path) -> Loaded:
    try:
        return load_model(folder)
    except ModelError as error:
        raise ModelError(str(error).replace(str(folder), str(path))) from None


def _evidence(project: Project, path: Path, model: Loaded, facts: Exported | None) -> dict[str, Any]:
    """The evidence as it is registered here, if pages and store can take it; the report on it stays where it was made."""
    came = {"file": path.name, "version": None if facts is None else facts.version}
    evidence = {**(model.facts.made_from if facts is None else facts.evidence), "imported": came}
    evidence.pop("report", None)
    if not evidence.get("metrics"):
        evidence["evaluated_on"] = f"nothing: {path.name} came without figures"
    try:
        msgspec.convert(evidence, Shown)
        with project.store.connect(name="import") as conn:
            conn.execute("SELECT %s::jsonb, %s::text[]", (Jsonb(evidence), list(model.labels)))
    except (msgspec.ValidationError, psycopg.DataError, RecursionError) as error:
        raise ModelError(f"{path}: its evidence can't be kept: {str(error).partition(chr(10))[0]}") from None
    return evidence
