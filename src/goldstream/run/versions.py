"""What people do with model versions: look at them, try one beside the champion, and bring all to another registry."""

from collections.abc import Mapping
from typing import Any

from goldstream import plugins
from goldstream.errors import RegistryError, SettingsError
from goldstream.registry.base import Registry, Version
from goldstream.run import reports
from goldstream.run.project import Project
from goldstream.store import trials
from goldstream.stream.champion import load
from goldstream.training.promotion import check_labels

#: What a version was made from and how well it does comes first, in this order; a store keeps no order.
FIRST = (
    "dataset", "dataset_version", "dataset_sha256", "split", "split_at", "functions", "label_model", "code", "seed", "options",
    "parent", "from_champion", "trained_on", "evaluated_on", "metrics", "threshold", "calibration",
)  # fmt: skip
SHOWN_LABELS = 4


def all_versions(project: Project) -> list[dict[str, Any]]:
    """Return every version, newest first, with its aliases and the threshold in force."""
    registry = project.registry()
    versions, aliases, thresholds = registry.versions(), _aliases(registry), registry.thresholds()
    return [_shown(found, aliases, thresholds) for found in versions]


def one_version(project: Project, version: int) -> dict[str, Any]:
    """Return one version, with its aliases, the threshold in force, and where its report stands."""
    registry = project.registry()
    found = _shown(registry.get(version), _aliases(registry), registry.thresholds())
    return {**found, "report": reports.path(project, found["evidence"])}


def _aliases(registry: Registry) -> dict[str, int | None]:
    return {move.alias: move.after for move in reversed(registry.history())}


def _shown(found: Version, aliases: Mapping[str, int | None], thresholds: Mapping[int, float]) -> dict[str, Any]:
    evidence = {name: found.evidence[name] for name in FIRST if name in found.evidence}
    return {
        **found._asdict(),
        "threshold_in_force": thresholds[found.version],
        "aliases": sorted(alias for alias, version in aliases.items() if version == found.version),
        "evidence": {**evidence, **found.evidence},
    }


def try_version(project: Project, version: int, kind: str, share: float, *, who: str, why: str) -> None:
    """Begin to try a version, as a shadow or canary, once it has loaded.

    Raises `ModelError` when it knows other labels, and `RegistryError` when it is the champion.
    """
    registry = project.registry()
    if registry.alias("champion") == version:
        raise RegistryError(f"version {version} is the champion already, there is nothing to try")
    found = load(registry, version, project.data_folder / "models")
    check_labels(found.model, version, project.settings.project)
    with project.store.connect(name="trials") as conn:
        trials.begin(conn, kind, version, share, reader=project.settings.stream.reader, who=who, why=why)


def described_trial(found: dict[str, Any]) -> str:
    """Return what `trial_results.so_far` found in words."""
    trial = found["trial"]
    if trial is None:
        return "no version is being tried"
    lines = [
        f"version {trial['version']} is a {trial['kind']} of {100 * trial['share']:g} % since {trial['since']:%Y-%m-%d %H:%M} UTC"
    ]
    lines += [f"serving can't try it: {found['refused']}"] * bool(found["refused"])
    lines += ["requests"] * bool(found["requests"])
    lines += [f"  version {each['version']}: {_said(each)}" for each in found["requests"]]
    lines += [f"  {_agreed(each, each['texts'], 'texts')}" for each in found["compared"]]
    for each in found["stream"]:
        lines += [
            "stream",
            f"  version {each['champion']} keeps {_kept(each['kept'], each['posts'], each['precision'])}",
            f"  version {trial['version']} keeps {_kept(each['shadow_kept'], each['posts'], each['shadow_precision'])}, "
            f"{each['both_kept']:,} of them the same",
            f"  {_agreed(each, each['posts'], 'posts')}",
        ]
    if found["behind"]:
        lines.append(f"stream: {found['behind']:,} posts that the champion has scored are still to come")
    return "\n".join(lines)


def _said(side: dict[str, Any]) -> str:
    labels = sorted(side["labels"].items(), key=lambda item: -item[1]["n"])[:SHOWN_LABELS]
    parts = [f"{side['texts']:,} texts", *(f"{label} {_share(each['share'], each['interval'])}" for label, each in labels)]
    if (p50 := side["seconds"]["p50"]) is not None:
        parts.append(f"p50 {1_000 * p50:.2g} ms, p99 {1_000 * side['seconds']['p99']:.2g} ms")
    if (heard := side["feedback"])["n"]:
        parts.append(f"{_share(heard['correctness_rate'], heard['interval'])} of {heard['n']:,} called right")
    parts += [f"{side['failed']:,} requests failed"] * bool(side["failed"])
    return " · ".join(parts)


def _agreed(each: dict[str, Any], count: int, what: str) -> str:
    return (
        f"beside version {each['champion']}: {count:,} {what}, {_share(each['agreement'], each['interval'])} agree, "
        f"probabilities move by {each['moved']:.3f}"
    )


def _share(share: float, interval: tuple[float, float]) -> str:
    return f"{share:.1%} ({100 * interval[0]:.1f}–{100 * interval[1]:.1f})"


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
