"""`goldstream fit`: a classifier from any table of texts."""

from pathlib import Path

import click

from goldstream.cli.project import Within, at_work, budget_option, emit, json_option, metric_option, say

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.argument("file", type=_FILE)
@click.option("--text", required=True, help="The column that holds the text.")
@click.option("--label", required=True, help="The column that holds the label: names or numbers.")
@click.option(
    "--votes", multiple=True, metavar="COLUMN",
    help="A column with a labelling function's votes, or with lists of all functions' votes, to learn from instead of labels "
    "(which dev needs all the same). Nothing, or -1 among numbers, is an abstention. Can be given many times.",
)  # fmt: skip
@click.option("--dev", type=_FILE, help="Labelled rows to choose the threshold by; without them, cross-fitting does.")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="The folder to write the model to."
)
@click.option("--positive", help="For two classes: which one precision, recall and threshold are about; by default the last.")
@click.option("--precision", type=Within(0, 1), help="Choose the threshold for this precision; by default for the best F1.")
@click.option("--recall", type=Within(0, 1), help="Choose the threshold for this recall.")
@metric_option
@budget_option("60s")
@click.option(
    "--set", "options", multiple=True, metavar="NAME=VALUE", help="An option of the model, such as rate=0.3; not searched for."
)
@click.option("--most-kb", type=click.IntRange(8), help="Prune the model: most kilobytes of its weights.")
@click.option(
    "--start", type=click.Path(path_type=Path, exists=True, file_okay=False), help="A model folder to go on from (same labels)."
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@json_option
def fit(
    file: Path, text: str, label: str, votes: tuple[str, ...], dev: Path | None, out: Path, positive: str | None,
    precision: float | None, recall: float | None, metric: str | None, budget: float, options: tuple[str, ...],
    most_kb: int | None, start: Path | None, seed: int, as_json: bool,
) -> None:  # fmt: skip
    """Fit a classifier on the table FILE (.parquet, .csv, .jsonl) and write it to a folder.

    Its options are searched for as long as the budget allows, in an order that is always the same. What was chosen is
    reported, so that `--budget 0s --set ...` makes the same model again.
    """
    from goldstream import settings
    from goldstream.training.fit import Plan
    from goldstream.training.tabular import fit_table
    from goldstream.training.threshold import Aim

    say(f"reading {file} …")
    chosen = settings.assignments(options) | ({} if most_kb is None else {"most-kb": most_kb})
    section, aim, plan = settings.Model(seed=seed, options=chosen), Aim(precision, recall), Plan(metric, budget, say=say)
    with at_work(f"learning from {file}"):
        report = fit_table(
            file, text, label, out,
            votes=votes, dev=dev, positive=positive, section=section, aim=aim, plan=plan, start=start,
        )  # fmt: skip
    if "label_model" in report:
        say(f"label model: {report['label_model']['name']}, {report['label_model']['reason']}")
    for warning in report["chosen_for"]["warnings"]:
        say(warning)
    emit(report, as_json)
