"""`goldstream classify`: the champion reads the log."""

from pathlib import Path

import click

from goldstream.cli.project import config_option, emit, json_option, open_project, say


@click.command()
@config_option
@click.option("--follow/--until-end", default=False, help="Go on for ever, or stop at the log's end (the default).")
@click.option(
    "--shadow", is_flag=True, help="With the version that is tried as a shadow, beside the champion; nothing is kept."
)
@json_option
def classify(config: Path, follow: bool, shadow: bool, as_json: bool) -> None:
    """Score every post that this project's reader has not passed yet, each exactly once, and keep what matters."""
    from goldstream.run.parts import classify_log
    from goldstream.run.shadows import shadow_log
    from goldstream.run.supervisor import stopped_by_signals

    with open_project(config) as project, stopped_by_signals() as stop:
        counts = (shadow_log if shadow else classify_log)(project, stop, until_end=not follow, say=say)
    emit(counts, as_json)
