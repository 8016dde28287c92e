"""`/people/export` and `/people/import`: answers as files, as `goldstream annotations` writes and reads them."""

import tempfile
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from goldstream.errors import DataError
from goldstream.web.bodies import Body, body, clean, said
from goldstream.web.database import Connection
from goldstream.web.people import needs_person

#: Formats, with the ending of their files. Parquet is no text, so it is not read here.
ENDINGS = {
    "csv": ".csv",
    "jsonl": ".jsonl",
    "label-studio": ".json",
    "prodigy": ".jsonl",
    "doccano": ".jsonl",
    "argilla": ".json",
}
LARGEST = 16_000_000  #: letters of a file; larger ones go by the command


class Given(Body, frozen=True, kw_only=True):
    """A file's content."""

    format: str
    content: Annotated[str, Meta(max_length=LARGEST)]


async def export(request: Request) -> Response:
    """Answer with a file of every answer that counts; `format` names how it looks."""
    state, kind = request.app.state, request.query_params.get("format", "csv")
    ending = {**ENDINGS, "parquet": ".parquet"}.get(kind)
    if ending is None:
        raise HTTPException(404, f"There is no format {kind!r}; there are {', '.join(ENDINGS)} and parquet.")
    with tempfile.NamedTemporaryFile(prefix="goldstream-", suffix=ending, delete=False) as made:
        out = Path(made.name)

    def write(conn: Connection) -> None:
        from goldstream.annotation.exchange import export as exported

        exported(conn, out, kind, state.settings.project.labels)

    try:
        await state.database.run(write)
    except BaseException:
        out.unlink(missing_ok=True)
        raise
    name = f"{state.settings.project.name}-answers-{kind}{ending}"
    return FileResponse(out, filename=name, background=BackgroundTask(out.unlink, missing_ok=True))


async def import_(request: Request) -> Response:
    """Add the answers in a file; what names nobody is by the person who sends it. 422 says what can't be read."""
    state, me, given = request.app.state, needs_person(request), await body(request, Given)
    if given.format not in ENDINGS:
        raise HTTPException(422, f"There is no format {given.format!r} to read here; there are {', '.join(ENDINGS)}.")
    section = state.settings

    def read(conn: Connection) -> dict[str, Any]:
        from goldstream.annotation.exchange import import_ as imported

        with tempfile.TemporaryDirectory(prefix="goldstream-") as folder:
            file = Path(folder) / f"file{ENDINGS[given.format]}"
            file.write_text(clean(given.content), encoding="utf-8")
            overlap = section.annotation.overlap
            taken = imported(conn, file, given.format, section.project.labels, annotator=me, overlap=overlap)
            return taken._asdict()

    try:
        return said(await state.database.run(read))
    except DataError as error:
        raise HTTPException(422, str(error).replace(str(Path(tempfile.gettempdir())), "…")) from None
