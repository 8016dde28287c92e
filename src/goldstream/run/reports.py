"""The reports that training leaves in the project's folder: a page and JSON for each version."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import psycopg
from psycopg import sql

from goldstream.clock import now
from goldstream.errors import DataError, RegistryError
from goldstream.registry.base import ShowsReports
from goldstream.run.evaluate import report_version
from goldstream.run.project import Project
from goldstream.web.report import write

FOLDER = "reports"


def new_name(model: str) -> str:
    """Return a name for the report on a model that was made now; the model folder remembers it."""
    return f"{model}-{now():%Y%m%d-%H%M%S}.html"


def save(project: Project, registered: Mapping[str, Any], say: Callable[[str], None]) -> None:
    """Write the report on a version that was just registered, if there is gold to judge it by."""
    page = project.data_folder / FOLDER / registered["report"]
    try:
        found = report_version(project, registered["version"])
        page.parent.mkdir(exist_ok=True)
        write(found, page)
        _show(project, registered["version"], found)
    except (DataError, RegistryError, OSError) as error:
        say(f"no report on version {registered['version']}: {error}")
    else:
        say(f"the report stands in {page}")


def _show(project: Project, version: int, found: Mapping[str, Any]) -> None:
    """Give the report to a registry that shows such, without the posts in it: a deletion could not follow them there."""
    registry = project.registry()
    if isinstance(registry, ShowsReports):
        with TemporaryDirectory() as folder:
            write({**found, "mistakes": []}, Path(folder) / "report.html")
            registry.attach(version, Path(folder))


def path(project: Project, evidence: Mapping[str, Any]) -> Path | None:
    """Return where the report on a version stands, by its evidence; None where there is none, as on another machine."""
    name = evidence.get("report")
    page = project.data_folder / FOLDER / Path(str(name)).name
    return page if name and page.is_file() else None


def forget_deleted(project: Project) -> None:
    """Take posts that were deleted since out of the reports: they show those on which a model was mistaken."""
    with project.store.connect(name="reports") as conn:
        for file in sorted((project.data_folder / FOLDER).glob("*.json")):
            report = msgspec.json.decode(file.read_bytes())
            standing = _standing(conn, report["trace"]["dataset"], [mistake["id"] for mistake in report["mistakes"]])
            if len(standing) < len(report["mistakes"]):
                report["mistakes"] = [mistake for mistake in report["mistakes"] if mistake["id"] in standing]
                write(report, file.with_suffix(".html"))


def _standing(conn: psycopg.Connection[Any], table: str, ids: list[str]) -> set[str]:
    """Those of the posts that are still there; none, when the whole dataset was dropped."""
    query = sql.SQL("SELECT id FROM {} WHERE id = ANY(%s) AND kind <> 'delete'").format(sql.Identifier(table))
    try:
        return {post_id for (post_id,) in conn.execute(query, (ids,))}
    except psycopg.errors.UndefinedTable:
        return set()


def drop(project: Project) -> None:
    """Drop all reports."""
    shutil.rmtree(project.data_folder / FOLDER, ignore_errors=True)
