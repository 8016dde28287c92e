"""`goldstream predict`: a label for every row."""

from pathlib import Path

import click

from goldstream.cli.project import at_work, emit, json_option


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The table to write.")
@json_option
def predict(folder: Path, file: Path, out: Path, as_json: bool) -> None:
    """Write the rows of FILE with `prediction` and `probability` added, by the model in FOLDER."""
    from goldstream.training.tabular import predict_table

    with at_work(f"predicting {file}"):
        report = predict_table(folder, file, out)
    emit(report, as_json)
