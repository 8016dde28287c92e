"""`goldstream evaluate`: how good a model is."""

from pathlib import Path

import click

from goldstream.cli.project import config_option, emit, json_option, open_project


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("file", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--positive", help="For two classes: which one precision and recall are about.")
@config_option
@json_option
def evaluate(folder: Path | None, file: Path | None, positive: str | None, config: Path, as_json: bool) -> None:
    """Evaluate the model in FOLDER on the labelled table FILE; without them, show the champion's evaluation on test."""
    if folder is None:
        with open_project(config) as project:
            registry = project.registry()
            version = registry.alias("champion")
            if version is None:
                raise click.UsageError("this project has no champion yet; name a model FOLDER and a FILE")
            evidence = registry.get(version).evidence
        emit({"version": version, "evaluated_on": evidence["evaluated_on"], **evidence["metrics"]}, as_json)
        return
    if file is None:
        raise click.UsageError("name the labelled table FILE to evaluate on")
    from goldstream.training.tabular import evaluate_table

    emit(evaluate_table(folder, file, positive=positive), as_json)
