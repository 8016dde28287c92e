from pathlib import Path

import polars as pl
import pytest

from goldstream import settings
from goldstream.datasets.tables import Dataset
from goldstream.errors import DataError
from goldstream.run.imports import import_dataset
from goldstream.store import Store


def test_a_table_becomes_a_dataset_with_its_gold_labels(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "posts.csv"
    pl.DataFrame({"id": ["1", "2", "3"], "said": ["rain", " ", "sun"], "gold": ["wet", "wet", None]}).write_csv(file)
    with store.connect(name="test") as conn:
        counts = import_dataset(conn, settings.Settings(), file, {"text": "said"})
        assert (counts["collected"], counts["skipped"]) == (2, 1)
        posts = Dataset("", 0).posts(conn, "true")
        assert posts.select("id", "text", "gold").rows() == [("import:1", "rain", "wet"), ("import:3", "sun", None)]
        with pytest.raises(DataError, match="exists"):
            import_dataset(conn, settings.Settings(), file, {"text": "said"})


def test_a_table_that_cannot_be_used_leaves_nothing_behind(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "posts.csv"
    file.write_text("text,gold\n ,wet\n")
    with store.connect(name="test") as conn:
        with pytest.raises(DataError, match="no row has a text"):
            import_dataset(conn, settings.Settings(), file, {})
        assert Dataset("", 0).state(conn) is None
