"""The columns of text and label in anybody's table, and what counts as no label."""

from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pyarrow as pa

from goldstream.errors import DataError
from goldstream.tables import column, read_table


class Labelled(NamedTuple):
    """What a table says, without rows that lack a label."""

    texts: pa.StringArray
    values: list[Any]  #: the labels as they sort: numbers where the column's are
    dtype: str  #: of the label's column
    skipped: int


def labelled(file: Path, text: str, label: str) -> Labelled:
    """Return the rows of the table in `file` that have a label. Raises `DataError` that says which column is in the way."""
    table = read_table(file)
    texts, labels = plain_column(table, text, file), labels_in(table, label, file)
    known = labels.is_not_null()
    if not known.any():
        raise DataError(f"{file}: no row has a value in column {label!r}")
    values = [plain(value) for value in labels.filter(known)]
    return Labelled(as_texts(texts.filter(known)), values, table[label].dtype.base_type().__name__, len(table) - len(values))


def plain_column(table: pl.DataFrame, name: str, file: Path) -> pl.Series:
    """Return a column; raises `DataError` when it is not there, or its values are no texts or numbers."""
    found = column(table, name, file)
    if found.dtype.is_nested() or found.dtype in (pl.Binary, pl.Object):
        raise DataError(f"{file}: column {name!r} holds {found.dtype}, not texts or numbers")
    return found


def labels_in(table: pl.DataFrame, name: str, file: Path) -> pl.Series:
    """Return a column of labels, with null where there is none; raises `DataError` as `plain_column` does."""
    return missing_as_null(plain_column(table, name, file))


def missing_as_null(labels: pl.Series) -> pl.Series:
    """Return labels without spaces around them, and null for those that say nothing: blank, NaN, or `nan` among numbers.

    >>> missing_as_null(pl.Series([" yes", "no", "", "  "])).to_list()
    ['yes', 'no', None, None]
    >>> missing_as_null(pl.Series(["0", "1", "nan"])).to_list(), missing_as_null(pl.Series(["naan", "nan"])).to_list()
    (['0', '1', None], ['naan', 'nan'])
    """
    if labels.dtype.is_float():
        return labels.fill_nan(None)
    if labels.dtype not in (pl.String, pl.Categorical, pl.Enum):
        return labels
    bare = labels.cast(pl.String).str.strip_chars().replace("", None)
    told = bare.set(bare.str.to_lowercase() == "nan", None)
    return told if told.cast(pl.Float64, strict=False).null_count() == told.null_count() else bare


def plain(value: Any) -> Any:
    """Return a label as it sorts: whole numbers stay numbers, whatever their column's type."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def as_texts(series: pl.Series) -> pa.StringArray:
    """Return a column as texts; a missing one is empty."""
    return series.cast(pl.String).fill_null("").to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.string())
