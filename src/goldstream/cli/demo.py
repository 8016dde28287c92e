"""`goldstream demo`: from nothing to a live page of kept posts."""

import json
from pathlib import Path

import click

from goldstream.cli.project import json_option


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path("demo"))
@click.option("--source", type=click.Choice(["sample", "bluesky"]), default="sample", show_default=True,
              help="The bundled sample, or the live public firehose.")  # fmt: skip
@click.option("--exit", "ends", is_flag=True, help="End when the sample is through.")
@click.option("--port", type=click.IntRange(0, 65_535), help="Where the page answers; by default 8321, or a free one.")
@json_option
def demo(folder: Path, source: str, ends: bool, port: int | None, as_json: bool) -> None:
    """Run the example ai-links in FOLDER: collect, label, train, and show every post about AI that carries a link.

    Ctrl-C stops everything, and the same command goes on where it stopped. With --json the last line on standard
    output is one JSON object that says what came of it.
    """
    from goldstream.run.watch import run_demo

    result = run_demo(folder, source, ends=ends, port=port)
    if as_json:
        click.echo(json.dumps(result, ensure_ascii=False))
