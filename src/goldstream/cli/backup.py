"""`goldstream backup`: the whole project in one file."""

from pathlib import Path

import click

from goldstream.cli.project import config_option, emit, json_option, open_project


@click.command()
@click.argument("out", type=click.Path(path_type=Path))
@config_option
@json_option
def backup(out: Path, config: Path, as_json: bool) -> None:
    """Write the project, its settings and everything it stored into the file OUT; streams may go on meanwhile."""
    from goldstream.store import backup as backups

    with open_project(config) as project:
        backups.backup(project.store, project.config, out)
    size = out.stat().st_size
    emit({"file": str(out), "bytes": size}, as_json, f"{out}  {size:,} bytes")
