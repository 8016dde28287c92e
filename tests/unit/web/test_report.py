"""The report is whole, safe to open, and says where its figures come from."""

import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from goldstream.errors import DataError
from goldstream.models.folder import GOLDEN_TEXTS, Loaded, load_model, save_model
from goldstream.models.ngram_bag import NgramBag, NgramBagSettings
from goldstream.training.report import report, rows_hash
from goldstream.web.report import page, write

HOSTILE = '<script>alert("x")</script> rain {{ 7 * 7 }} <img src=x onerror=alert(1)>'


def loaded(folder: Path, labels: int) -> Loaded:
    names = tuple("abcdefgh"[:labels])
    model = NgramBag(names, NgramBagSettings(bits=12, epochs=2))
    model.fit(pa.array(GOLDEN_TEXTS), np.eye(labels, dtype=np.float32)[np.arange(len(GOLDEN_TEXTS)) % labels])
    save_model(model, folder, kind="ngram-bag", name="<bag>", threshold=0.5, positive="b", made_from={})
    return load_model(folder)


def posts(labels: int, rows: int = 60) -> pl.DataFrame:
    return pl.DataFrame({
        "text": [f"{HOSTILE} {GOLDEN_TEXTS[at % len(GOLDEN_TEXTS)]} {at}" for at in range(rows)],
        "gold": ["abcdefgh"[at % labels] for at in range(rows)],
        "source": ["bluesky" if at % 3 else "files" for at in range(rows)], "weight": [1.0 + at % 2 for at in range(rows)],
    })  # fmt: skip


@pytest.mark.parametrize("labels", [2, 4])
def test_the_page_needs_no_network_and_runs_nothing(tmp_path: Path, labels: int) -> None:
    html = page(report(loaded(tmp_path, labels), posts(labels), trace={"dataset": "raw_tweet_dataset_0"}))
    assert not re.findall(r"<(script|link(?! rel=\"icon\" href=\"data:,\")|iframe|img)", html)
    assert not re.findall(r"<[^>]*(?:src|href)=(?!\"(?:#|data:))|url\(", html)
    assert "&lt;script&gt;" in html and "{{ 7 * 7 }}" in html and "&lt;bag&gt;" in html
    for part in ("mistaken", "curves", "slices", "mistakes", "ngrams", "data", "trace"):
        assert f'id="{part}"' in html


def test_figures_are_traced_to_the_rows_and_the_code(tmp_path: Path) -> None:
    known = posts(2)
    found = report(loaded(tmp_path, 2), known, trace={"dataset": "raw_tweet_dataset_0", "dataset_sha256": "abc"})
    assert found["trace"]["dataset_sha256"] == "abc" and found["trace"]["rows_sha256"] == rows_hash(known)
    assert {"goldstream", "numpy", "numba", "polars"} == set(found["trace"]["code"])
    assert rows_hash(known) != rows_hash(known.reverse())


def test_the_json_beside_the_page_holds_the_same(tmp_path: Path) -> None:
    found = report(loaded(tmp_path / "m", 2), posts(2), trace={})
    beside = write(found, tmp_path / "report.html")
    data = json.loads(beside.read_text())
    assert beside == tmp_path / "report.json" and data["metrics"] == found["metrics"]
    assert f"{found['metrics']['f1']:.3f}" in (tmp_path / "report.html").read_text()


def test_what_was_told_of_gold_labels_alone_stands_on_the_page(tmp_path: Path) -> None:
    model = loaded(tmp_path, 2)
    curve = [{"n": 15, "score": 0.5, "lowest": 0.4, "highest": 0.6}, {"n": 60, "score": 0.7, "lowest": 0.7, "highest": 0.7}]
    told = {
        "gold_alone": {
            "gold": {"rows": 60, "average_precision": 0.7}, "weak": {"rows": 900, "average_precision": 0.8},
            "crossover": {"gold_labels": 240, "interval": [100, None], "foretold": True, "curve": curve},
        },
        "leakage": {"naive": 0.8, "ours": 0.7, "cost": 0.1, "interval": [0.05, 0.2], "learnt_from": 60, "repeats": 7},
    }  # fmt: skip
    model.facts.made_from.update(told)
    html = page(report(model, posts(2), trace={}))
    assert "gold alone would match at about 240 gold labels (100 to more than can be foretold)" in html
    assert "+0.100" in html and 'id="rules"' in html


def test_one_row_and_one_label_make_a_report_too(tmp_path: Path) -> None:
    assert "1 rows are few" in page(report(loaded(tmp_path, 2), posts(2, rows=1), trace={}))


def test_rows_without_known_labels_are_said_to_judge_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nothing to judge it by"):
        report(loaded(tmp_path, 2), posts(2).with_columns(gold=pl.lit("z")), trace={})


def test_a_report_is_not_written_over_a_table(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"ends in \.html"):
        write({}, tmp_path / "posts.csv")
