"""`goldstream init`: a project to start from."""

from pathlib import Path

import click

from goldstream.cli.project import emit, json_option


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@click.option("--example", default="ai-links", show_default=True, help="Which example to copy.")
@json_option
def init(folder: Path, example: str, as_json: bool) -> None:
    """Write a project into FOLDER: settings, labelling functions and a README."""
    from goldstream.run.examples import copy

    written = copy(example, folder)
    names = [str(path) for path in written]
    where = "" if folder == Path() else f"cd {folder} && "
    emit({"folder": str(folder), "written": names}, as_json, "\n".join([*names, f"next: {where}goldstream up"]))
