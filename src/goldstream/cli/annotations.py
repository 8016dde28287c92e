"""`goldstream annotations`: what people have said, as files."""

from pathlib import Path

import click

from goldstream.cli.project import config_option, emit, json_option, open_project

FORMATS = ("csv", "jsonl", "parquet", "label-studio", "prodigy", "doccano", "argilla")
_ENDINGS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet", ".json": "label-studio"}

_format = click.option(
    "--format", "kind", type=click.Choice(FORMATS), help="By default what the name says; .json is Label Studio's."
)


@click.group()
def annotations() -> None:
    """Exchange answers with other tools."""


@annotations.command()
@click.argument("out", type=click.Path(path_type=Path))
@config_option
@_format
@json_option
def export(out: Path, config: Path, kind: str | None, as_json: bool) -> None:
    """Write every answer that counts to OUT: the latest of each person on each post, and decisions."""
    from goldstream.annotation.exchange import export as write

    chosen = _chosen(out, kind)
    with open_project(config) as project, project.store.connect(name="annotations", statement_timeout=0) as conn:
        rows = write(conn, out, chosen, project.settings.project.labels)
    emit({"file": str(out), "format": chosen, "answers": rows}, as_json)


@annotations.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@config_option
@_format
@click.option("--annotator", default="import", show_default=True, help="Who said what names nobody.")
@json_option
def import_(file: Path, config: Path, kind: str | None, annotator: str, as_json: bool) -> None:
    """Add the answers in FILE; posts are found by id, or by their very text. The same file again adds nothing."""
    from goldstream.annotation.exchange import import_ as read

    with open_project(config) as project, project.store.connect(name="annotations", statement_timeout=0) as conn:
        section = project.settings
        taken = read(
            conn, file, _chosen(file, kind), section.project.labels, annotator=annotator, overlap=section.annotation.overlap
        )
    emit(taken._asdict(), as_json)


def _chosen(file: Path, kind: str | None) -> str:
    found = kind or _ENDINGS.get(file.suffix.lower())
    if found is None:
        raise click.UsageError(f"{file.name} does not say which format it is; name one with --format: {', '.join(FORMATS)}")
    return found
