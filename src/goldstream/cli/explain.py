"""`goldstream explain`: what each token of a text says."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from goldstream.cli.project import config_option, emit, json_option, open_project

if TYPE_CHECKING:
    from goldstream.models.explain import Explanation
    from goldstream.models.folder import Loaded


@click.command()
@click.argument("text")
@click.option(
    "--model",
    "folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A model folder; by default the project's champion.",
)
@click.option("--label", help="The label to explain; by default the one that a threshold is about, or the most probable.")
@click.option("--top", type=click.IntRange(1), default=20, show_default=True, help="How many tokens to show.")
@config_option
@json_option
def explain(text: str, folder: Path | None, label: str | None, top: int, config: Path, as_json: bool) -> None:
    """Show what each token of TEXT adds to its score: the weights and the bias add up to the logit."""
    from goldstream.models.explain import explain as explained

    model = _model(folder, config)
    if label is not None and label not in model.labels:
        raise click.UsageError(f"no label {label!r}; there are {', '.join(model.labels)}")
    found = explained(model, text, top=top)
    chosen = label or (model.facts.positive if len(model.labels) == 2 else max(found.scores, key=found.scores.__getitem__))
    emit(found.as_json(), as_json, _shown(found, chosen))


def _model(folder: Path | None, config: Path) -> "Loaded":
    from goldstream.models.folder import load_model

    if folder is not None:
        return load_model(folder)
    with open_project(config) as project:
        registry = project.registry()
        version = registry.alias("champion")
        if version is None:
            raise click.UsageError("this project has no champion yet; name a model folder with --model")
        return load_model(registry.fetch(version, project.data_folder / "models"))


def _shown(found: "Explanation", label: str) -> str:
    tokens = found.tokens[label]
    width = max((len(token.token) for token in tokens), default=0)
    strongest = max((abs(token.weight) for token in tokens), default=0) or 1.0
    rows = [f"{label}: probability {found.scores[label]:.3f}, logit {found.logits[label]:+.3f}, bias {found.bias[label]:+.3f}"]
    for token in tokens:
        bar = "█" * round(20 * abs(token.weight) / strongest)
        rows.append(f"{token.weight:+8.3f}  {' '.join(token.token.split()):<{width}}  {bar}")
    return "\n".join(rows)
