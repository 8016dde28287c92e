"""`goldstream restore`: a project from its backup."""

from pathlib import Path

import click

from goldstream.cli.project import emit, json_option


@click.command()
@click.argument("archive", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.argument("folder", type=click.Path(path_type=Path))
@json_option
def restore(archive: Path, folder: Path, as_json: bool) -> None:
    """Bring back the project in ARCHIVE into the empty FOLDER."""
    from goldstream.store import backup as backups

    backups.restore(archive, folder)
    emit({"folder": str(folder)}, as_json, f"{folder} is back; go on with: cd {folder} && goldstream up")
