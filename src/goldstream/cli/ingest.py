"""`goldstream ingest`: from the sources to the log."""

from pathlib import Path

import click

from goldstream.cli.project import config_option, emit, json_option, open_project, say


@click.command()
@config_option
@click.option("--source", "names", multiple=True, help="Only the source of this name (may be repeated).")
@json_option
def ingest(config: Path, names: tuple[str, ...], as_json: bool) -> None:
    """Read the sources and append their posts to the log, until they are through or Ctrl-C."""
    from goldstream.run.parts import pump_sources
    from goldstream.run.supervisor import stopped_by_signals

    with open_project(config) as project, stopped_by_signals() as stop:
        counts = pump_sources(project, stop, names, say)
    emit(counts, as_json)
