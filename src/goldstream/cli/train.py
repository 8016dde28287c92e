"""`goldstream train`: a classifier from everything labelled so far."""

from pathlib import Path

import click

from goldstream.cli.project import config_option, emit, json_option, open_project, say


@click.command()
@config_option
@click.option("--promote", is_flag=True, help="Make it champion. The first model of a project becomes champion by itself.")
@json_option
def train(config: Path, promote: bool, as_json: bool) -> None:
    """Fit a classifier on the soft labels, choose its threshold on dev, evaluate it on test and register it."""
    from goldstream.run.learn import train_and_register

    with open_project(config) as project:
        report = train_and_register(project, say, promote=promote)
    emit(report, as_json)
