"""`goldstream log`: the log itself."""

from pathlib import Path

import click

from goldstream.cli.project import config_option, emit, json_option, open_project, say


@click.group()
def log() -> None:
    """Move the log, or send a reader of it back."""


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


@log.command()
@click.argument("posts", type=click.IntRange(1))
@click.option("--reader", default=None, help="Which reader; without it, the one that classifies.")
@config_option
@json_option
def rewind(posts: int, reader: str | None, config: Path, as_json: bool) -> None:
    """Let a reader read the last POSTS of each partition again, as after a bad model.

    Their predictions go, and come again with today's champion. The project may be running.
    """
    from contextlib import closing

    from goldstream.store.positions import send_back

    with open_project(config) as project, closing(project.log()) as opened, project.store.connect(name="rewind") as conn:
        again = send_back(conn, reader or project.settings.stream.reader, opened.identity, posts)
    emit({"predictions": again}, as_json, f"{again:,} predictions are gone and will be made again")
