"""`goldstream reset`: forget everything that the project stored."""

from pathlib import Path

import click

from goldstream.cli.project import config_option, emit, json_option, open_project


@click.command()
@config_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def reset(config: Path, yes: bool, as_json: bool) -> None:
    """Drop all that the project stored: log, datasets, labels, models, predictions and reports. Settings stay."""
    from goldstream.run import reports

    with open_project(config, quiet=True) as project:
        if not yes:
            click.confirm(f"Drop everything that {project.config} has stored?", abort=True, err=True)
        project.store.reset()
        reports.drop(project)
    emit({"reset": True}, as_json, "everything is dropped; the next command starts anew")
