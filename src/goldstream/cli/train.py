"""`goldstream train`: a classifier from everything labelled so far."""

from pathlib import Path

import click

from goldstream.cli.project import budget_option, config_option, emit, json_option, metric_option, open_project, say


@click.command()
@config_option
@click.option("--promote", is_flag=True, help="Make it champion. The first model of a project becomes champion by itself.")
@metric_option
@budget_option("10s")
@click.option("--from-champion", is_flag=True, help="Go on from the champion's weights instead of from nothing.")
@json_option
def train(config: Path, promote: bool, metric: str | None, budget: float, from_champion: bool, as_json: bool) -> None:
    """Fit a classifier on the soft labels, choose its threshold on dev, evaluate it on test and register it."""
    from goldstream.run.train import train_and_register
    from goldstream.training.fit import Plan

    with open_project(config) as project:
        report = train_and_register(
            project, say, promote=promote, plan=Plan(metric, budget, say=say), from_champion=from_champion
        )
    emit(report, as_json)
