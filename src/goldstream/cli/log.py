"""`goldstream log`: the log itself."""

from pathlib import Path

import click

from goldstream.cli.project import config_option, emit, json_option, open_project, say


@click.group()
def log() -> None:
    """Move the log."""


@log.command()
@click.option("--to", required=True, metavar="TYPE", help="The log to copy to: `kafka`, or `embedded`.")
@config_option
@json_option
def copy(to: str, config: Path, as_json: bool) -> None:
    """Copy the log to one of another type, with all positions and cursors.

    The project must not be running. Afterwards, set `type` under `[log]` and start it again; no post is lost.
    """
    from goldstream.run.copy_log import copy_log

    with open_project(config) as project:
        copied = copy_log(project, to, say)
        emit(copied, as_json, f"copied {copied['posts']:,} posts, {copied['readers']} readers and {copied['cursors']} cursors")
