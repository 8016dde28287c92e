"""Chooses the threshold of a version anew: for a wanted precision or recall, or the best F1, by the gold of dev."""

from dataclasses import dataclass
from typing import Any

from goldstream.datasets.tables import Dataset
from goldstream.errors import DataError, ModelError, RegistryError
from goldstream.models.folder import load_model
from goldstream.run import gold_rows
from goldstream.run.project import Project
from goldstream.store import threshold as moves
from goldstream.training.threshold import Aim, Threshold, choose


@dataclass(frozen=True)
class Moved:
    """A threshold that was moved, and what came of it."""

    version: int | None  #: None: all of them
    value: float | None  #: None: back to what was chosen in training
    kept: int  #: posts that are kept now
    chosen: Threshold | None  #: what dev says of it, where dev chose it

    @property
    def warnings(self) -> list[str]:
        """What a person must know before trusting the choice."""
        return [] if self.chosen is None else self.chosen.warnings

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        chosen = None if self.chosen is None else self.chosen.as_json()
        return {"version": self.version, "threshold": self.value, "kept": self.kept, "chosen": chosen}

    def text(self) -> str:
        """Return it as a person reads it."""
        kept = f"{self.kept:,} posts are kept now"
        if self.chosen is None:
            return kept
        where = "stream" if "stream" in self.chosen.evidence else "dataset"
        said = [
            f"{name} {found[name]:.3f} ({found[f'{name}_interval'][0]:.3f} to {found[f'{name}_interval'][1]:.3f})"
            for found in [self.chosen.evidence[where]]
            for name in ("precision", "recall")
        ]
        rows = self.chosen.evidence[where]["rows"]
        return f"version {self.version} keeps from {self.value:.3f} on: {', '.join(said)} on the {where}, by {rows:,} posts of dev; {kept}"


def move_threshold(
    project: Project, value: float | None, aim: Aim | None, version: int | None, *, who: str, why: str | None
) -> Moved:
    """Move the threshold to `value`, or to what dev supports for an `aim`; None for both: back to what training chose.

    What is chosen is of one `version`, by default the champion; a `value` is of all versions, unless one is named.
    """
    registry = project.registry()
    chosen = None
    if aim is not None:
        version = registry.alias("champion") if version is None else version
        if version is None:
            raise RegistryError("this project has no champion yet; `goldstream train` makes one")
        chosen = choose_on_dev(project, version, aim)
        value = round(chosen.value, 6)
    elif version is not None:
        registry.get(version)  # or it is said that there is none
    why = why or (f"for {aim} on dev" if aim else "by hand")
    with project.store.connect(name="threshold") as conn:
        kept = moves.move(conn, value, floor=project.settings.stream.keep_floor, who=who, why=why, version=version)
    return Moved(version, value, kept, chosen)


def choose_on_dev(project: Project, version: int, aim: Aim) -> Threshold:
    """Return the threshold of `version` that `aim` asks for, on the gold of dev, re-weighted to the stream.

    Raises `DataError` when dev has nothing to choose by, `ModelError` when the version knows more than two labels.
    """
    model = load_model(project.registry().fetch(version, project.data_folder / "models"))
    if len(model.labels) != 2:
        raise ModelError(f"version {version} knows {len(model.labels)} labels; a threshold decides between two")
    dataset = Dataset(project.settings.dataset.prefix, project.settings.dataset.version)
    with project.store.connect(name="threshold") as conn:
        dataset.counts(conn)  # or it is said that there is no such dataset
        dev = gold_rows.judged(dataset.posts(conn, "split = 'dev' AND kind <> 'delete'"), model.labels)
    keep = model.labels.index(model.facts.positive)
    true = dev.true == keep
    if true.all() or not true.any():
        raise DataError(
            f"{dataset.view('dev')} has {len(true)} gold labels, {int(true.sum())} of them {model.facts.positive!r}: a threshold is "
            "chosen by posts of both kinds; `goldstream annotate` asks for more"
        )
    return choose(model.predict_proba(dev.texts)[:, keep], true, aim, dev.weights)
