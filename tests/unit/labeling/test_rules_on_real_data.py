"""The published regular expressions of two data sets, as rules: their votes, cell for cell."""

import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from goldstream.labeling import regex_rule
from goldstream.labeling.analysis import codes
from goldstream.labeling.functions import ballots

#: The names that the list of `trec` uses for the labels of its tables.
LONG = {"ENTITY": "ENTY", "DESCRIPTION": "DESC", "LOCATION": "LOC", "HUMAN": "HUM", "ABBREVIATION": "ABBR", "NUMERIC": "NUM"}


def read(folder: Path, split: str) -> tuple[pl.DataFrame, list[str]]:
    posts = pl.read_parquet(folder / f"{split}.parquet")
    return posts, posts.select("label", "label_name").unique().sort("label")["label_name"].to_list()


@pytest.mark.shared
@pytest.mark.parametrize("name", ["sms", "trec"])
@pytest.mark.parametrize("split", ["train", "valid", "test"])
def test_the_lists_vote_as_published(shared: Path, name: str, split: str) -> None:
    folder = shared / "weak_supervision" / name
    rows = pl.read_csv(folder / "labeling_functions.tsv", separator="\t", infer_schema=False).rows(named=True)
    posts, labels = read(folder, split)
    rules = [regex_rule(LONG.get(row["label_name"], row["label_name"]), f"(?i){row['regex']}", name=row["lf"]) for row in rows]
    votes = codes(pl.DataFrame([ballot.labels for ballot in ballots(rules, posts)]), labels)

    patterns = [(re.compile(row["regex"]), labels.index(LONG.get(row["label_name"], row["label_name"]))) for row in rows]
    texts = [text.lower() for text in posts["text"]]
    by_python = [[label if pattern.search(text) else -1 for pattern, label in patterns] for text in texts]
    assert np.array_equal(votes, by_python)
    if split == "train":  # the votes published with the other splits are not all those of the list
        assert np.array_equal(votes, posts["weak_labels"].to_list())
