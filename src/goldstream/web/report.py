"""The report on a model as one page that opens without a network, and as JSON."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
import msgspec

from goldstream.errors import DataError
from goldstream.web import charts


def write(found: Mapping[str, Any], path: Path) -> Path:
    """Write the report as a page to `path`, and as JSON beside it; return the JSON's path. Raises `DataError`."""
    if path.suffix.lower() not in {".html", ".htm"}:
        raise DataError(f"{path}: a report is a page; give it a name that ends in .html")
    beside = path.with_suffix(".json")
    try:
        path.write_text(page(found), encoding="utf-8")
        beside.write_bytes(msgspec.json.format(msgspec.json.encode(found, enc_hook=str), indent=1))
    except OSError as error:
        raise DataError(f"{path}: can't be written: {error.strerror}") from None
    return beside


def page(found: Mapping[str, Any]) -> str:
    """Return the report as HTML."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("goldstream.web"), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.globals.update(charts=charts)
    made.filters.update(share=charts.share, interval=charts.interval, number=charts.number)
    return made.get_template("report.html").render(found)
