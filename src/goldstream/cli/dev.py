"""`goldstream dev`: what helps while trying things out."""

from pathlib import Path

import click

from goldstream.cli.project import say


@click.group()
def dev() -> None:
    """Start what a project may run on, for trying things out."""


@dev.command()
@click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False), default=Path(".goldstream/kafka"), show_default=True,
    help="Where the broker keeps its data and its log.",
)  # fmt: skip
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=9092, show_default=True, help="On loopback; 0 takes a free one."
)
def kafka(folder: Path, port: int) -> None:
    """Run one real Apache Kafka broker (KRaft) on loopback until Ctrl-C.

    Needs Java 17 or later and Maven, which fetches the jars once. Its data stays in the folder.
    """
    from goldstream.errors import LogError
    from goldstream.run.kafka_broker import Broker
    from goldstream.run.supervisor import stopped_by_signals

    with stopped_by_signals() as stop, Broker(folder, port) as broker:
        say(f'Kafka answers at {broker.servers}; in goldstream.toml:\n\n[log]\ntype = "kafka"\n')
        say(f'[log.kafka]\n"bootstrap.servers" = "{broker.servers}"\n\n(Ctrl-C to stop)')
        while not stop.wait(0.2):
            if broker.ended():
                raise LogError(f"the broker has ended; see {folder / 'broker.log'}")
