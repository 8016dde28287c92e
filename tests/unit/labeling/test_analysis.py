import random

import polars as pl
import pytest

from goldstream.labeling import analysis

LABELS = ["x", "y", "z"]


def by_definition(votes: list[list[str | None]], gold: list[str | None], j: int) -> dict[str, object]:
    """Snorkel's definitions, post by post."""
    mine = [(row[j], [other for at, other in enumerate(row) if at != j and other is not None]) for row in votes]
    checked = [vote == truth for (vote, _), truth in zip(mine, gold, strict=True) if vote is not None and truth is not None]
    voted = {vote for vote, _ in mine if vote is not None}
    theirs = [truth for truth in gold if truth in voted]
    return {
        "j": j,
        "Polarity": sorted(voted),
        "Coverage": sum(vote is not None for vote, _ in mine) / len(votes),
        "Overlaps": sum(vote is not None and bool(others) for vote, others in mine) / len(votes),
        "Conflicts": sum(vote is not None and any(other != vote for other in others) for vote, others in mine) / len(votes),
        "Correct": sum(checked), "Incorrect": len(checked) - sum(checked),
        "Emp. Acc.": sum(checked) / len(checked) if checked else None,
        "Precision": sum(checked) / len(checked) if checked else None,
        "Recall": sum(checked) / len(theirs) if theirs else None,
    }  # fmt: skip


def table_of(votes: list[list[str | None]]) -> pl.DataFrame:
    return pl.DataFrame(votes, schema={f"f{j}": pl.String for j in range(len(votes[0]))}, orient="row")


@pytest.mark.parametrize("seed", range(20))
def test_the_table_follows_the_definitions(seed: int) -> None:
    chance = random.Random(seed)
    votes = [[chance.choice([*LABELS[:2], None, None]) for _ in range(4)] for _ in range(50)]
    gold = [chance.choice([*LABELS, None]) for _ in votes]
    found = analysis.summary(table_of(votes), pl.Series(gold, dtype=pl.String))
    assert found.columns == [
        "j", "Polarity", "Coverage", "Overlaps", "Conflicts", "Correct", "Incorrect", "Emp. Acc.", "Precision", "Recall",
    ]  # fmt: skip
    for j in range(4):
        for name, value in by_definition(votes, gold, j).items():
            assert found[name].to_list()[j] == (pytest.approx(value) if isinstance(value, float) else value), name


def test_by_hand() -> None:
    #        f0    f1    gold
    votes = [["x", "x"], ["x", "y"], ["x", None], [None, None]]
    found = analysis.summary(table_of(votes), pl.Series(["x", "y", "z", "x"]))
    assert found.row(0)[1:] == (["x"], 0.75, 0.5, 0.25, 1, 2, pytest.approx(1 / 3), pytest.approx(1 / 3), 0.5)
    assert found.row(1)[1:] == (["x", "y"], 0.5, 0.5, 0.25, 2, 0, 1.0, 1.0, 2 / 3)


def test_without_gold_and_without_votes_there_is_no_accuracy() -> None:
    found = analysis.summary(table_of([[None], [None]]))
    assert found.row(0) == (0, [], 0.0, 0.0, 0.0, 0, 0, None, None, None)


def test_no_posts_and_no_functions() -> None:
    assert analysis.summary(pl.DataFrame({"f": []}, schema={"f": pl.String}))["Coverage"].to_list() == [0.0]
    assert len(analysis.summary(pl.DataFrame())) == 0


def test_the_table_as_text_has_a_line_for_each_function() -> None:
    text = analysis.render(analysis.summary(table_of([["x", None]])), ["river level", "toll"])
    assert [line.split()[0] for line in text.splitlines()] == ["j", "river", "toll"]
    assert text.splitlines()[0].split("  ")[-3:] == ["Emp. Acc.", "Precision", "Recall"]


def test_many_labels_have_room() -> None:
    names = [f"label{number}" for number in range(300)]
    assert analysis.codes(pl.DataFrame({"f": names}), names)[:, 0].tolist() == list(range(300))
