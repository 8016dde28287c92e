"""`goldstream serve`: the champion behind REST."""

from pathlib import Path

import click

from goldstream.cli.project import config_option, open_project, say


@click.command()
@config_option
@click.option("--host", help="Listen here instead of where the settings say.")
@click.option("--port", type=click.IntRange(0, 65_535), help="Listen on this port instead; 0 takes any free one.")
@click.option("--workers", type=click.IntRange(1, 256), help="Answer with so many processes.")
def serve(config: Path, host: str | None, port: int | None, workers: int | None) -> None:
    """Answer requests with the champion, in the protocols that clients already speak, and follow it when it moves.

    Ask it with: curl -s localhost:8322/predict -d '{"text": "…"}'. The page /docs shows every other address. Move the champion with
    `goldstream models promote` in another terminal.
    """
    import msgspec

    from goldstream.listening import address
    from goldstream.run.serving import open_port, serve_as_set
    from goldstream.run.supervisor import stopped_by_signals

    with open_project(config, quiet=True) as project, stopped_by_signals() as stop:
        given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
        section = msgspec.structs.replace(project.settings.serving, **given)
        with open_port(section) as listener:
            where = address(listener)
            said = f"serving on {where}  (Ctrl-C to stop)\nwhat can be asked: {where}/docs"
            serve_as_set(project, listener, stop, say, lambda: say(said), workers or section.workers)
    say("stopped")
