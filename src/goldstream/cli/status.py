"""`goldstream status`: how far everything is."""

from pathlib import Path

import click

from goldstream.cli.project import config_option, emit, json_option, open_project


@click.command()
@config_option
@json_option
def status(config: Path, as_json: bool) -> None:
    """Say which parts run, how far the log, every reader, the datasets and the champion are, and what waits in the dead letters."""
    from msgspec import to_builtins

    from goldstream.run.lag import look as look_at_log
    from goldstream.running import look as look_at_parts
    from goldstream.store.status import status as look

    with open_project(config) as project, project.store.connect(name="status") as conn:
        found = look(conn)
        if project.settings.log.type != "embedded":
            found |= look_at_log(project, conn)
        parts = [to_builtins(part) for part in look_at_parts(project.data_folder)]
    emit({"project": project.settings.project.name, "parts": parts, **found}, as_json)
