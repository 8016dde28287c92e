"""`goldstream dead-letters`: what could not be used, and why."""

from pathlib import Path

import click

from goldstream.cli.project import config_option, emit, json_option, open_project


@click.group("dead-letters")
def dead_letters() -> None:
    """Look at what could not be used, send it round again, or drop it."""


@dead_letters.command("list")
@config_option
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@json_option
def list_(config: Path, limit: int, as_json: bool) -> None:
    """List the newest letters that wait."""
    from goldstream.store import dead_letters as letters

    with open_project(config) as project, project.store.connect(name="dead letters") as conn:
        found = letters.listed(conn, limit=limit)
    rows = [f"{row['id']:>6}  {row['stage']:<8} {row['source']:<12} {row['bytes']:>8,} bytes  {row['reason']}" for row in found]
    emit({"dead_letters": found}, as_json, "\n".join(rows) or "none")


@dead_letters.command()
@click.argument("number", type=int)
@config_option
@json_option
def show(number: int, config: Path, as_json: bool) -> None:
    """Show one letter with what it holds."""
    from goldstream.store import dead_letters as letters

    with open_project(config) as project, project.store.connect(name="dead letters") as conn:
        found = letters.show(conn, number)
    emit({**found, "payload": bytes(found["payload"]).decode("utf-8", "backslashreplace")}, as_json)


@dead_letters.command()
@click.argument("numbers", nargs=-1, type=int)
@config_option
@json_option
def replay(numbers: tuple[int, ...], config: Path, as_json: bool) -> None:
    """Send letters round again (all without NUMBERS): what is a post now goes on the log; the rest stays."""
    from goldstream.run.replay import replay as again

    with open_project(config) as project:
        result = again(project, list(numbers) or None)
    emit(result, as_json)


@dead_letters.command()
@click.argument("numbers", nargs=-1, type=int)
@config_option
@click.option("--all", "every", is_flag=True, help="Drop all of them.")
@json_option
def drop(numbers: tuple[int, ...], config: Path, every: bool, as_json: bool) -> None:
    """Drop letters for good."""
    from goldstream.store import dead_letters as letters

    if not numbers and not every:
        raise click.UsageError("name letters by number, or say --all")
    with open_project(config) as project, project.store.connect(name="dead letters") as conn:
        dropped = letters.drop(conn, None if every else numbers)
    emit({"dropped": dropped}, as_json)
