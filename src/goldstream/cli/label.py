"""`goldstream label`: let the rules vote."""

from pathlib import Path

import click

from goldstream.cli.project import config_option, emit, json_option, open_project, say


@click.command()
@config_option
@json_option
def label(config: Path, as_json: bool) -> None:
    """Let every labelling function vote on the dataset, show how each does, and store soft labels."""
    from goldstream.run.learn import label_dataset

    with open_project(config) as project, project.store.connect(name="label", statement_timeout=0) as conn:
        report = label_dataset(project, conn, say)
    emit(report.as_json(), as_json, report.text())
