"""`goldstream models`: versions, and who is champion."""

import getpass
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from goldstream.cli.project import Within, config_option, emit, json_option, open_project, say

BY_HAND = "by hand"


def _reason(context: click.Context, option: click.Parameter, why: str | None) -> str | None:
    if why is not None and not why.strip():
        raise click.BadParameter("an empty reason says nothing")
    return why


def _alias_name(context: click.Context, option: click.Parameter, alias: str) -> str:
    if not re.fullmatch("[A-Za-z][A-Za-z0-9_-]{0,99}", alias) or re.fullmatch("latest|v[0-9]+", alias, re.IGNORECASE):
        raise click.BadParameter("letters, digits, - and _, from a letter on; not `latest` and not `v1`")
    return alias


_why = click.option("--why", default=BY_HAND, show_default=True, callback=_reason, help="The reason, for the history.")
_alias = click.option("--alias", default="champion", show_default=True, callback=_alias_name, help="The alias to move.")


@click.group()
def models() -> None:
    """Look at model versions, and move the champion."""


@models.command("list")
@config_option
@json_option
def list_(config: Path, as_json: bool) -> None:
    """List every version, newest first."""
    from goldstream.run.versions import all_versions

    with open_project(config) as project:
        found = all_versions(project)
    rows = [
        f"{'*' if 'champion' in each['aliases'] else ' '} {each['version']:>4}  {each['created_at']:%Y-%m-%d %H:%M}  "
        f"F1 {_f1(each['evidence'])}  threshold {each['threshold_in_force']:.3f}  {' '.join([each['name'], *_others(each)])}"
        for each in found
    ]
    champion = next((each["version"] for each in found if "champion" in each["aliases"]), None)
    emit({"champion": champion, "models": found}, as_json, "\n".join(rows) or "no models yet; `goldstream train` makes one")


@models.command()
@click.argument("version", type=int)
@config_option
@json_option
def show(version: int, config: Path, as_json: bool) -> None:
    """Show one version, its evidence, and where its report stands."""
    from goldstream.run.versions import one_version

    with open_project(config) as project:
        found = one_version(project, version)
    emit(found, as_json)


@models.command()
@click.argument("version", type=int)
@config_option
@_alias
@_why
@click.option("--force", is_flag=True, help="Also when the model fails its checks; needs --why.")
@json_option
def promote(version: int, config: Path, alias: str, why: str, force: bool, as_json: bool) -> None:
    """Make VERSION champion, after it has loaded, given its golden texts their scores, and shown the project's labels."""
    if force and why == BY_HAND:
        raise click.UsageError('--force needs the reason, for the history: --why "…"')
    from goldstream.training.promotion import promote as move

    with open_project(config) as project:
        moved = move(
            project.registry(), version, project.data_folder / "models", project.settings.project,
            who=getpass.getuser(), why=why, alias=alias, force=force,
        )  # fmt: skip
    said = f"{alias} is now version {version}" if moved else f"{alias} was version {version} already"
    emit({alias: version, "moved": moved}, as_json, said)


@models.command()
@config_option
@_alias
@_why
@json_option
def rollback(config: Path, alias: str, why: str, as_json: bool) -> None:
    """Take the last move of the champion back; twice goes back two steps."""
    with open_project(config) as project:
        version = project.registry().rollback(alias, who=getpass.getuser(), why=why)
    emit({alias: version}, as_json, f"{alias} is version {version} again")


@models.command()
@config_option
@json_option
def history(config: Path, as_json: bool) -> None:
    """Show who was champion when, who refused one and why, and how the threshold was moved, newest first."""
    from goldstream.labeling.show import excerpt
    from goldstream.store import refusals, threshold

    with open_project(config) as project, project.store.connect(name="history") as conn:
        moves, moved, refused = project.registry().history(), threshold.history(conn), refusals.history(conn)
    rows: dict[datetime, tuple[str, Any]] = {
        **{move.at: (f"{move.alias}  {move.before or '-'} → {move.after or '-'}", move) for move in moves},
        **{each.at: (f"threshold {_of(each.version)}  → {_own(each.threshold)}", each) for each in moved},
        **{each.at: (f"{each.alias}  {each.version} refused", each) for each in refused},
    }
    said = {at: f"{what}  {excerpt(f'{each.who}: {each.why}')}" for at, (what, each) in rows.items()}
    text = "\n".join(f"{at:%Y-%m-%d %H:%M:%S}  {said[at]}" for at in sorted(said, reverse=True))
    data = {
        "moves": [move._asdict() for move in moves],
        "thresholds": [each._asdict() for each in moved],
        "refusals": [each._asdict() for each in refused],
    }
    emit(data, as_json, text or "no moves yet")


@models.command()
@click.argument("first", type=int)
@click.argument("second", type=int)
@config_option
@click.option(
    "--posts", type=click.IntRange(1, 1_000_000), default=1_000, show_default=True, help="How many, the newest first."
)
@json_option
def diff(first: int, second: int, config: Path, posts: int, as_json: bool) -> None:
    """Score the newest posts on the log with both versions, and show what SECOND would change."""
    from goldstream.run.difference import described, difference

    with open_project(config) as project:
        found = difference(project, first, second, posts=posts)
        keep = project.settings.project.keep
    emit(found, as_json, described(found, keep))


@models.command()
@click.argument("version", type=int)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@config_option
@json_option
def export(version: int, file: Path, config: Path, as_json: bool) -> None:
    """Write VERSION and its evidence into FILE, a new tar that `models import` takes."""
    from goldstream.run.exported import export_version

    with open_project(config) as project:
        found = export_version(project, version, file)
    emit(found, as_json, f"version {version} is in {file}")


@models.command("import")
@click.argument("path", type=click.Path(path_type=Path))
@config_option
@json_option
def import_(path: Path, config: Path, as_json: bool) -> None:
    """Register the model in PATH, after it has loaded and given its golden texts their scores; the champion stays.

    PATH is a file that `models export` wrote, or a model folder that `goldstream fit` wrote.
    """
    from goldstream.run.exported import import_version

    with open_project(config) as project:
        found = import_version(project, path)
    version = found["version"]
    said = f"registered as version {version}; `goldstream models promote {version}` lets it decide"
    if found["unfit"]:
        said = f"registered as version {version}, which can't be promoted here: {found['unfit']}"
    emit(found, as_json, said if found["new"] else f"this model is version {version} already; nothing was registered")


@models.command()
@click.option("--to", required=True, metavar="TYPE", help="The registry to copy to: `mlflow`, or `postgres`.")
@config_option
@json_option
def copy(to: str, config: Path, as_json: bool) -> None:
    """Copy all versions and aliases to a registry of another type. Afterwards, set `type` under `[registry]`.

    Numbers stay what they are. It may be run again, and brings what is not there yet.
    """
    from goldstream.run.versions import copy_versions

    with open_project(config) as project:
        copied = copy_versions(project, to)
    emit(copied, as_json, f"{len(copied['copied'])} versions are in {to}; the champion there is {copied['champion']}")


@models.command("try")
@click.argument("version", type=int)
@click.option("--as", "kind", type=click.Choice(["shadow", "canary"]), required=True, help="Only compare, or also answer.")
@click.option("--percent", type=Within(0, 100), default=10.0, show_default=True, help="Of the requests to serving.")
@config_option
@_why
@json_option
def try_(version: int, kind: str, percent: float, config: Path, why: str, as_json: bool) -> None:
    """Try VERSION on what comes in: a shadow is scored beside the champion, a canary answers its share of the requests.

    A shadow also reads the whole stream, apart from the champion. `models trial` compares; `models promote` or `models drop`
    ends it.
    """
    from goldstream.run.versions import try_version

    with open_project(config) as project:
        try_version(project, version, kind, percent / 100, who=getpass.getuser(), why=why)
    emit({"version": version, "kind": kind, "percent": percent}, as_json, f"version {version} is a {kind} of {percent:g} %")


@models.command()
@config_option
@json_option
def trial(config: Path, as_json: bool) -> None:
    """Show the trial that runs: both versions side by side, on requests and on the stream, with 95 % intervals."""
    from goldstream.run.versions import described_trial
    from goldstream.store import trial_results

    with open_project(config) as project, project.store.connect(name="trials", statement_timeout=0) as conn:
        found = trial_results.so_far(conn, project.settings.stream.reader)
    emit(found, as_json, described_trial(found))


@models.command()
@config_option
@_why
@json_option
def drop(config: Path, why: str, as_json: bool) -> None:
    """End the trial that runs; the champion stays."""
    from goldstream.store import trials

    with open_project(config) as project, project.store.connect(name="trials") as conn:
        ended = trials.end(conn, who=getpass.getuser(), why=why)
    said = f"version {ended.version} is not tried any more" if ended else "no version was being tried"
    emit({"dropped": ended.version if ended else None}, as_json, said)


@models.command()
@click.argument("value", required=False, type=Within(0, 1))
@click.option("--precision", type=Within(0, 1), help="Choose it on dev for this precision on the live stream.")
@click.option("--recall", type=Within(0, 1), help="Choose it on dev for this recall on the live stream.")
@click.option("--best-f1", is_flag=True, help="Choose it on dev for the best F1.")
@click.option("--version", type=int, help="Of this version; by default VALUE is for all, and what is chosen for the champion.")
@config_option
@click.option("--why", callback=_reason, help="The reason, for the history.")
@json_option
def threshold(
    value: float | None, precision: float | None, recall: float | None, best_f1: bool, version: int | None,
    config: Path, why: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Move the threshold of what is kept, at once and without scoring again: to VALUE, or to what dev supports.

    Without any of these, back to what was chosen in training.
    """
    from goldstream.run.threshold import move_threshold
    from goldstream.training.threshold import Aim

    wanted = [f"--{name}" for name, given in (("precision", precision), ("recall", recall)) if given is not None]
    if len(asked := [*wanted, *["--best-f1"] * best_f1, *["VALUE"] * (value is not None)]) > 1:
        raise click.UsageError(f"{' and '.join(asked)}: ask for one of them")
    aim = Aim(precision, recall) if wanted or best_f1 else None
    with open_project(config) as project:
        found = move_threshold(project, value, aim, version, who=getpass.getuser(), why=why)
    for warning in found.warnings:
        say(warning)
    emit(found.as_json(), as_json, found.text())


def _others(shown: dict[str, Any]) -> list[str]:
    return [f"({alias})" for alias in shown["aliases"] if alias != "champion"]


def _of(version: int | None) -> str:
    return "of all versions" if version is None else f"of version {version}"


def _own(threshold: float | None) -> str:
    return "its own" if threshold is None else f"{threshold:.3f}"


def _f1(evidence: object) -> str:
    value = evidence.get("metrics", {}).get("f1") if isinstance(evidence, dict) else None
    return "  -  " if value is None else f"{value:.3f}"
