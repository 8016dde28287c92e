"""`goldstream status`: how far everything is."""

from pathlib import Path

import click

from goldstream.cli.project import config_option, emit, json_option, open_project


@click.command()
@config_option
@json_option
def status(config: Path, as_json: bool) -> None:
    """Say how far the log, every reader, the datasets and the champion are, and what waits in the dead letters."""
    from goldstream.store.status import status as look

    with open_project(config) as project, project.store.connect(name="status") as conn:
        found = look(conn)
    emit({"project": project.settings.project.name, **found}, as_json)
