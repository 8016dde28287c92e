"""Snorkel's own objects where it is installed; its form, by a class that has no more than it, everywhere."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from goldstream.errors import LabelingError
from goldstream.labeling import LabelingFunction, load
from goldstream.labeling.snorkel import from_snorkel

LABELS = ("ham", "spam")
POSTS = pl.DataFrame({
    "id": ["a:1", "a:2", "a:3"], "source": "a", "text": ["Win a PRIZE now", "see you at lunch", ""],
    "links": [["https://example.org"], [], []],
})  # fmt: skip

FILE = """
from snorkel.labeling import LabelingFunction, labeling_function
from snorkel.preprocess import preprocessor

ABSTAIN, HAM, SPAM = -1, 0, 1

@preprocessor(memoize=True)
def lower(x):
    x.lowered = x.text.lower()
    return x

@labeling_function(pre=[lower])
def prize(x):
    return SPAM if "prize" in x.lowered else ABSTAIN

@labeling_function()
def first_word(x):
    return HAM if x["text"].split()[0] == "see" else ABSTAIN

def keyword_lookup(x, keywords, label):
    return label if any(word in x.text.lower() for word in keywords) else ABSTAIN

def make_keyword_lf(keywords, label=SPAM):
    return LabelingFunction(name=f"keyword_{keywords[0]}", f=keyword_lookup, resources=dict(keywords=keywords, label=label))

lfs = [prize, make_keyword_lf(["win", "now"]), make_keyword_lf(["lunch"], HAM)]
"""


class Lookalike:
    """What goldstream needs of a `snorkel.labeling.LabelingFunction`, and no more."""

    def __init__(self, f: Any, pre: tuple[Any, ...] = (), **resources: Any) -> None:
        self.name, self._f, self._resources, self._pre = "f", f, resources, pre

    def __call__(self, x: Any) -> Any:
        return self._f(x, **self._resources)


def ours(f: Any, **resources: Any) -> LabelingFunction:
    return from_snorkel(Lookalike(f, **resources), LABELS)


def test_snorkels_functions_run_unchanged(tmp_path: Path) -> None:
    labeling = pytest.importorskip("snorkel.labeling", reason="snorkel is not installed: pip install 'goldstream[benchmark]'")
    (tmp_path / "labeling.py").write_text(FILE)
    functions = load(tmp_path / "labeling.py", LABELS)
    assert [each.name for each in functions] == ["prize", "first_word", "keyword_win", "keyword_lunch"]
    ballots = [each.vote(POSTS) for each in functions]
    assert [ballot.labels.to_list() for ballot in ballots] == [
        ["spam", None, None], [None, "ham", None], ["spam", None, None], [None, "ham", None],
    ]  # fmt: skip
    assert ballots[1].first_errors == ["a:3: IndexError: list index out of range"]

    space: dict[str, Any] = {}
    exec(FILE, space)
    theirs = labeling.PandasLFApplier(space["lfs"]).apply(_pandas(), progress_bar=False)
    numbers = [[-1 if vote is None else LABELS.index(vote) for vote in ballots[j].labels] for j in (0, 2, 3)]
    assert np.array_equal(theirs, np.array(numbers).T)


def _pandas() -> Any:
    return pytest.importorskip("pandas", reason="pandas is not installed").DataFrame(POSTS.to_dict(as_series=False))


def test_numbers_are_labels_in_order() -> None:
    assert ours(lambda x: {"W": 1, "s": 0, "": -1}[x.text[:1]])(POSTS).to_list() == ["spam", "ham", None]
    assert ours(lambda x: np.int64(1))(POSTS).to_list() == ["spam"] * 3
    assert ours(lambda x: len(x.links) > 0)(POSTS).to_list() == ["spam", "ham", "ham"]  # as in Snorkel, False is 0


@pytest.mark.parametrize("answer", [2, -2, 0.5])
def test_a_number_that_is_no_label_is_refused(answer: object) -> None:
    with pytest.raises(LabelingError, match="return -1 to 1, a label or None"):
        ours(lambda x: answer)(POSTS)


def test_without_labels_numbers_mean_nothing() -> None:
    with pytest.raises(LabelingError, match="returned 1 for a post"):
        from_snorkel(Lookalike(lambda x: 1), ())(POSTS)


def test_a_data_point_has_columns_as_attributes_and_items_and_no_truth() -> None:
    seen: list[Any] = []
    ours(lambda x: seen.append(x) or -1)(POSTS.with_columns(gold=pl.lit("spam"), extra=pl.lit("{}")))
    assert (seen[0]["id"], seen[0].links) == ("a:1", ["https://example.org"])
    seen[0]["length"] = 5
    assert seen[0].length == 5
    assert not {"gold", "extra"} & set(vars(seen[0]))


def test_the_version_follows_code_resources_preprocessors_and_labels() -> None:
    def rule(x: Any, words: list[str]) -> int:
        return 1 if words[0] in x.text else -1

    class Shorten:
        name, memoize, _pre = "shorten", False, ()

        def __init__(self, length: int) -> None:
            self.length, self._cache = length, {object(): object()}

    def version(words: str = "prize", length: int = 3, labels: tuple[str, ...] = LABELS) -> str:
        return from_snorkel(Lookalike(rule, (Shorten(length),), words=[words]), labels).version

    assert version() == version()
    assert len({version(), version(words="win"), version(length=4), version(labels=("spam", "ham"))}) == 4
