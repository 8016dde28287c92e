"""What people do with model versions: see what another one would change, try it, and carry it to another project."""

import io
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from goldstream import plugins
from goldstream.errors import DataError, ModelError, SettingsError
from goldstream.models.folder import load_model
from goldstream.run.project import Project
from goldstream.store import trials
from goldstream.stream.champion import load

REGISTERED = "registered.json"  #: in an exported file, beside the model's folder
FOLDER = "model/"
LARGEST = 4 << 30  #: bytes of an imported file's content
MOST_FILES = 1_000
SHOWN = 10


def difference(project: Project, first: int, second: int, *, posts: int = 1_000) -> dict[str, Any]:
    """Score the newest posts on the log with both versions; return what the second would change.

    Raises `DataError` when the log is empty, or the versions know other labels than each other.
    """
    registry, cache = project.registry(), project.data_folder / "models"
    before, after = (load(registry, version, cache).at(registry.thresholds()).model for version in (first, second))
    if before.labels != after.labels:
        raise DataError(f"version {first} knows {', '.join(before.labels)}, version {second} {', '.join(after.labels)}")
    texts = newest_texts(project, posts)
    scores = [model.predict_proba(texts) for model in (before, after)]
    said = [model.decide(each) for model, each in zip((before, after), scores, strict=True)]
    keep = before.labels.index(project.settings.project.keep)
    moved = scores[1][:, keep] - scores[0][:, keep]
    changed = np.flatnonzero(said[0] != said[1])
    shown = changed[np.argsort(-np.abs(moved[changed]))][:SHOWN].tolist()
    return {
        "posts": len(texts),
        "kept": {str(first): int((said[0] == keep).sum()), str(second): int((said[1] == keep).sum())},
        "changed": len(changed),
        "mean_move": float(np.abs(moved).mean()),
        "examples": [
            {
                "text": texts[row].as_py(),
                str(first): {"label": before.labels[said[0][row]], "probability": float(scores[0][row, keep])},
                str(second): {"label": before.labels[said[1][row]], "probability": float(scores[1][row, keep])},
            }
            for row in shown
        ],
    }


def newest_texts(project: Project, posts: int) -> pa.StringArray:
    """Return the texts of the newest posts on the log, deletions left out; raises `DataError` when there are none."""
    log = project.log()
    found: list[str] = []
    try:
        for partition, extent in log.extents().items():
            for part in log.read(partition, max(extent.start, extent.end - posts), posts):
                kinds, texts = part.posts.column("kind").to_pylist(), part.posts.column("text").to_pylist()
                found += [text for text, kind in zip(texts, kinds, strict=True) if kind in ("create", "update")]
                if part.end >= extent.end:
                    break
    finally:
        log.close()
    if not found:
        raise DataError("there are no posts on the log to compare with; `goldstream ingest` brings some")
    return pa.array(found[-posts:], pa.string())


def try_version(project: Project, version: int, kind: str, share: float, *, who: str, why: str) -> None:
    """Begin to try a version, as a shadow or canary, once it has loaded; raises `ModelError` when it knows other labels."""
    found = load(project.registry(), version, project.data_folder / "models")
    labels = project.settings.project.labels
    if set(found.model.labels) != set(labels):
        raise ModelError(f"version {version} knows {', '.join(found.model.labels)}, the project {', '.join(labels)}")
    with project.store.connect(name="trials") as conn:
        trials.begin(conn, kind, version, share, reader=project.settings.stream.reader, who=who, why=why)


def trial_so_far(project: Project) -> dict[str, Any]:
    """Return the trial that runs (`trial`, None if none does) and what its shadow has come to, beside each champion.

    `compared` counts requests, `stream` posts, and `behind` posts that the champion has scored and the shadow has not.
    """
    reader = project.settings.stream.reader
    with project.store.connect(name="trials", statement_timeout=0) as conn:
        trial = trials.newest(conn)
        if trial is None:
            return {"trial": None, "compared": [], "stream": [], "behind": 0}
        return {
            "trial": trial._asdict(),
            "compared": [each._asdict() for each in trials.counts(conn, trial.id)],
            "stream": [each._asdict() for each in trials.on_stream(conn, trial.id, reader)],
            "behind": trials.behind(conn, trial, reader) if trial.kind == "shadow" else 0,
        }


def described_trial(found: dict[str, Any]) -> str:
    """Return what `trial_so_far` found in words."""
    trial = found["trial"]
    if trial is None:
        return "no version is being tried"
    lines = [f"version {trial['version']} is a {trial['kind']} of {100 * trial['share']:g} %"]
    lines += [
        f"requests, beside version {each['champion']}: {each['texts']:,} texts, {each['agreed'] / each['texts']:.1%} agree, "
        f"probabilities move by {each['moved'] / each['texts']:.3f}"
        for each in found["compared"]
    ]
    for each in found["stream"]:
        lines += [
            f"stream, beside version {each['champion']}: {each['posts']:,} posts, {each['agreed'] / each['posts']:.1%} agree, "
            f"probabilities move by {each['moved']:.3f}",
            f"  version {each['champion']} keeps {_kept(each['kept'], each['posts'], each['precision'])}",
            f"  version {trial['version']} keeps {_kept(each['shadow_kept'], each['posts'], each['shadow_precision'])}, "
            f"{each['both_kept']:,} of them the same",
        ]
    if found["behind"]:
        lines.append(f"stream: {found['behind']:,} posts that the champion has scored are still to come")
    return "\n".join(lines)


def _kept(kept: int, posts: int, precision: float | None) -> str:
    expected = "" if precision is None else f", expected precision {precision:.3f}"
    return f"{kept:,} ({kept / posts:.2%}){expected}"


def copy_versions(project: Project, to: str) -> dict[str, Any]:
    """Bring all versions and aliases to the registry of type `to`, which the project is to use from now on.

    Raises `SettingsError` when that is the one it uses.
    """
    if to == project.settings.registry.type:
        raise SettingsError(f"the registry is of type {to!r} already; copy first, and change registry.type afterwards")
    source, target = project.registry(), plugins.find("registries", to).open(project.store, project.settings)
    versions = [(found, source.fetch(found.version, project.data_folder / "models")) for found in reversed(source.versions())]
    target.take_over(versions)
    return {"copied": [found.version for found, _ in versions], "champion": target.alias("champion")}


def export_version(project: Project, version: int, file: Path) -> dict[str, Any]:
    """Write a version and its evidence into one tar file, whole or not at all; return what was written."""
    registry = project.registry()
    found = registry.get(version)
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


def import_version(project: Project, file: Path) -> dict[str, Any]:
    """Register the model in an exported file, after it has loaded and given its golden texts their scores."""
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        facts = _unpacked(file, folder)
        model = load_model(folder)
        evidence = {**facts.get("evidence", {}), "imported": {"file": file.name, "version": facts.get("version")}}
        version = project.registry().register(
            folder, name=model.facts.name, labels=model.labels, threshold=model.threshold, evidence=evidence
        )
    return {"version": version, "name": model.facts.name}


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    tar.addfile(entry, io.BytesIO(data))


def _unpacked(file: Path, folder: Path) -> dict[str, Any]:
    """Write the model's files into `folder` and return what was registered; only plain files, by plain names."""
    facts: dict[str, Any] = {}
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
                    facts = msgspec.json.decode(content.read(), type=dict[str, Any])
                    continue
                name = entry.name.removeprefix(FOLDER)
                if not entry.name.startswith(FOLDER) or Path(name).name != name or name in ("", ".", ".."):
                    raise ModelError(f"{file} is no exported model: {entry.name!r} does not belong into one")
                (folder / name).write_bytes(content.read())
    except FileNotFoundError:
        raise DataError(f"{file}: no such file") from None
    except (tarfile.TarError, OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ModelError(f"{file} is no exported model: {error}") from None
    return facts
