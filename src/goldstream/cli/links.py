"""`goldstream links`: what people share."""

from pathlib import Path

import click

from goldstream.cli.project import config_option, emit, json_option, open_project


@click.command()
@config_option
@click.option("--top", type=click.IntRange(1, 10_000), default=20, show_default=True)
@json_option
def links(config: Path, top: int, as_json: bool) -> None:
    """List the links of kept posts, those that most authors shared first."""
    query = "SELECT url, domain, authors, posts, first_seen_at, last_seen_at FROM links ORDER BY authors DESC, posts DESC, url LIMIT %s"
    with open_project(config) as project, project.store.connect(name="links") as conn:
        cursor = conn.execute(query, (top,))
        names = [column.name for column in cursor.description or ()]
        found = [dict(zip(names, row, strict=True)) for row in cursor]
    rows = [f"{row['authors']:>4} authors  {row['posts']:>4} posts  {row['url']}" for row in found]
    emit({"links": found}, as_json, "\n".join(rows) or "no links yet")
