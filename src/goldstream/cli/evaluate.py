"""`goldstream evaluate`: how good a model is."""

from pathlib import Path
from typing import Any

import click

from goldstream.cli.project import at_work, config_option, emit, json_option, open_project, say


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("file", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--positive", help="For two classes: which one precision and recall are about.")
@click.option("--version", type=int, help="The project's version to evaluate; by default the champion.")
@click.option(
    "--report",
    "page",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the whole report to this .html file, which opens without a network, and beside it as .json.",
)
@config_option
@json_option
def evaluate(
    folder: Path | None, file: Path | None, positive: str | None, version: int | None, page: Path | None, config: Path, as_json: bool
) -> None:  # fmt: skip
    """Evaluate the model in FOLDER on the labelled table FILE; without them, show the champion's evaluation on test."""
    if folder is None:
        emit(_of_project(config, version, page), as_json)
    elif file is None:
        raise click.UsageError("name the labelled table FILE to evaluate on")
    else:
        with at_work(f"evaluating on {file}"):
            report = _of_table(folder, file, positive, page)
        emit(report, as_json)


def _of_table(folder: Path, file: Path, positive: str | None, page: Path | None) -> dict[str, Any]:
    from goldstream.training.tabular import evaluate_table, report_table

    if page is not None:
        _write(report_table(folder, file, positive=positive), page)
    return evaluate_table(folder, file, positive=positive)


def _of_project(config: Path, version: int | None, page: Path | None) -> dict[str, Any]:
    with open_project(config) as project:
        registry = project.registry()
        version = registry.alias("champion") if version is None else version
        if version is None:
            raise click.UsageError("this project has no champion yet; name a model FOLDER and a FILE")
        evidence = registry.get(version).evidence
        if page is not None:
            from goldstream.run.evaluate import report_version

            _write(report_version(project, version), page)
    return {"version": version, "evaluated_on": evidence["evaluated_on"], **evidence["metrics"]}


def _write(found: dict[str, Any], page: Path) -> None:
    from goldstream.web.report import write

    beside = write(found, page)
    say(f"the report stands in {page} and {beside}")
