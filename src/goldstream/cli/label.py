"""`goldstream label`: let the rules vote, and look at the posts behind their numbers."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from goldstream.cli.project import config_option, emit, json_option, open_project, say

if TYPE_CHECKING:
    from goldstream.labeling.show import Number


@click.group(invoke_without_command=True)
@config_option
@json_option
@click.pass_context
def label(context: click.Context, config: Path, as_json: bool) -> None:
    """Let every labelling function vote on the dataset, show how each does, and store soft labels."""
    if context.invoked_subcommand is not None:
        return
    from goldstream.run.learn import label_dataset

    with open_project(config) as project, project.store.connect(name="label", statement_timeout=0) as conn:
        report = label_dataset(project, conn, say)
    emit(report.as_json(), as_json, report.text())


@label.command()
@click.argument("function")
@click.option("--wrong", "number", flag_value="wrong", help="Posts on which it votes against the gold label of dev.")
@click.option("--conflicts", "number", flag_value="conflicts", help="Posts on which another function votes otherwise.")
@click.option("--uncovered", "number", flag_value="uncovered", help="Posts on which it abstains; what it misses in dev first.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="How many posts to show.")
@config_option
@json_option
def show(function: str, number: "Number | None", limit: int, config: Path, as_json: bool) -> None:
    """Show the posts behind a number of FUNCTION. Posts of test are counted, and not shown."""
    if number is None:
        raise click.UsageError("say which posts: --wrong, --conflicts or --uncovered")
    from goldstream.run.learn import posts_behind

    with open_project(config) as project, project.store.connect(name="label", statement_timeout=0) as conn:
        found = posts_behind(project, conn, function, number, limit, say)
    emit(found.as_json(), as_json, found.text())


@label.command()
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="How many posts to show.")
@config_option
@json_option
def review(limit: int, config: Path, as_json: bool) -> None:
    """List gold labels that the champion and the rules together contradict, the worst first."""
    from goldstream.run.review import review_gold

    with open_project(config) as project, project.store.connect(name="label", statement_timeout=0) as conn:
        found = review_gold(project, conn, limit, say)
    emit(found.as_json(), as_json, found.text())
