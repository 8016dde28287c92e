"""`goldstream dataset`: the raw dataset and its splits."""

from contextlib import closing
from pathlib import Path

import click

from goldstream.cli.project import config_option, emit, json_option, open_project, say


@click.group()
def dataset() -> None:
    """Collect, build, look at and exchange datasets."""


@dataset.command()
@config_option
@click.option("--follow", is_flag=True, help="Go on at the log's end, until the quotas are full.")
@json_option
def collect(config: Path, follow: bool, as_json: bool) -> None:
    """Copy the log into the raw dataset until its quotas are full, or the log ends."""
    from goldstream.datasets.collect import collect as loop
    from goldstream.datasets.tables import Dataset
    from goldstream.run.supervisor import stopped_by_signals

    with open_project(config) as project, stopped_by_signals() as stop:
        settings = project.settings
        with closing(project.log()) as log:
            loop(
                log,
                project.store,
                settings.dataset,
                settings.strata,
                stop=stop,
                say=say,
                on_end=lambda full: follow and not full,
            )
        with project.store.connect(name="dataset") as conn:
            counts = Dataset(settings.dataset.prefix, settings.dataset.version).counts(conn)
    emit(counts, as_json)


@dataset.command()
@config_option
@json_option
def build(config: Path, as_json: bool) -> None:
    """Remove duplicates and cut test, dev, snorkel_train and train. A version that is cut stays as it is."""
    from goldstream.run.learn import build_dataset

    with open_project(config) as project, project.store.connect(name="dataset", statement_timeout=0) as conn:
        counts = build_dataset(project, conn, say)
    emit(counts, as_json)


@dataset.command("list")
@config_option
@json_option
def list_(config: Path, as_json: bool) -> None:
    """Name every dataset, its state and its size."""
    from goldstream.datasets.tables import existing
    from goldstream.names import raw_table

    with open_project(config) as project, project.store.connect(name="dataset") as conn:
        found = [{"dataset": raw_table(row["prefix"], row["version"]), **row} for row in existing(conn)]
    rows = [f"{row['dataset']}  {row['state']}  {row['counts'].get('collected', 0):,} posts" for row in found]
    emit({"datasets": found}, as_json, "\n".join(rows) or "no datasets yet; `goldstream up` collects one")


@dataset.command()
@config_option
@click.option("--split", default="deduplicated_raw_tweet", show_default=True, help="Which view to look at.")
@click.option("--limit", type=click.IntRange(1, 1000), default=10, show_default=True)
@json_option
def show(config: Path, split: str, limit: int, as_json: bool) -> None:
    """Show posts of one split."""
    from goldstream.datasets.exchange import view

    with open_project(config) as project, project.store.connect(name="dataset") as conn:
        posts = view(conn, project.settings.dataset, split).head(limit)
    rows = posts.select("id", "text", "gold").rows(named=True)
    emit({"posts": rows}, as_json, "\n".join(f"{row['gold'] or '-':<10} {row['text']!r}" for row in rows))


@dataset.command()
@click.argument("out", type=click.Path(path_type=Path))
@config_option
@click.option("--split", default="deduplicated_raw_tweet", show_default=True, help="Which view to export.")
@click.option("--labelled", is_flag=True, help="With gold and soft labels; the file's name then ends in _labelled.")
@json_option
def export(out: Path, config: Path, split: str, labelled: bool, as_json: bool) -> None:
    """Write one split to OUT (.parquet, .csv or .jsonl)."""
    from goldstream.datasets.exchange import export as write

    with open_project(config) as project, project.store.connect(name="dataset", statement_timeout=0) as conn:
        path, rows = write(
            conn, project.settings.dataset, split, out, labels=project.settings.project.labels if labelled else None
        )
    emit({"file": str(path), "rows": rows}, as_json)


@dataset.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@config_option
@click.option("--text", help="The column that holds the text; by default the one of that name.")
@click.option("--gold", help="The column that holds gold labels.")
@click.option(
    "--column", "others", metavar="FIELD=COLUMN", multiple=True, help="Likewise for id, author, created_at, lang, url."
)
@json_option
def import_(file: Path, config: Path, text: str | None, gold: str | None, others: tuple[str, ...], as_json: bool) -> None:
    """Make the raw dataset of the version that the settings name from a table; that version must be new."""
    from goldstream.run.imports import import_dataset

    if wrong := [each for each in others if "=" not in each]:
        raise click.BadParameter(f"{wrong[0]!r} is not FIELD=COLUMN", param_hint="--column")
    named = {"text": text, "gold": gold} | dict(each.split("=", 1) for each in others)
    columns = {field: name for field, name in named.items() if name is not None}
    with open_project(config) as project, project.store.connect(name="dataset", statement_timeout=0) as conn:
        counts = import_dataset(conn, project.settings, file, columns)
    emit(counts, as_json)


@dataset.command()
@config_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def drop(config: Path, yes: bool, as_json: bool) -> None:
    """Drop the dataset version that the settings name, with its labels."""
    from goldstream.datasets.tables import Dataset

    with open_project(config, quiet=True) as project, project.store.connect(name="dataset") as conn:
        found = Dataset(project.settings.dataset.prefix, project.settings.dataset.version)
        if not yes:
            click.confirm(f"Drop {found.raw} and its labels?", abort=True, err=True)
        found.drop(conn)
    emit({"dropped": found.raw}, as_json)
