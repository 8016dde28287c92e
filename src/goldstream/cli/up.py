"""`goldstream up`: everything that the settings ask for, in one terminal."""

import time
from pathlib import Path

import click

from goldstream.cli.project import config_option, open_project, say


@click.command()
@config_option
def up(config: Path) -> None:
    """Run the project: read the sources, learn the first model, classify the stream and show the pages.

    A part that dies is started again, with back-off, and named. Ctrl-C ends all parts between two batches.
    """
    from goldstream.run.parts import chosen
    from goldstream.run.supervisor import Supervisor, only_one, stopped_by_signals

    with open_project(config) as project, only_one(project.data_folder), stopped_by_signals() as stop:
        supervisor = Supervisor(project.config, chosen(project.settings), project.data_folder, say)
        web = project.settings.web
        say(f"{project.settings.project.name}: http://{web.host}:{web.port}  (Ctrl-C to stop)")
        try:
            while not stop.is_set():
                supervisor.tick()
                time.sleep(0.1)
        finally:
            supervisor.close()
    say("stopped; go on with: goldstream up")
