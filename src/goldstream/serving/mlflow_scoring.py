"""MLflow's scoring server, whose addresses SageMaker's containers share: `/ping`, `/health`, `/version`, `/invocations`.

Source: mlflow `pyfunc/scoring_server`. A body is JSON with exactly one of four keys, CSV with a header, or Parquet.
"""

import csv
import io
from importlib.metadata import version as installed_version
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from msgspec import UNSET
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from goldstream.serving.requests import Refused, decode, read_body
from goldstream.serving.service import Service
from goldstream.serving.texts import INPUT, column, rows

MOST_ROWS = 1_000_000  #: of a table; how many texts a request may hold is a setting
MOST_BYTES = 1 << 28  #: of its texts, when they are unfolded
KEYS = ("dataframe_split", "dataframe_records", "instances", "inputs")


class Split(msgspec.Struct):
    """A table as its column names and its rows."""

    columns: list[str]
    data: list[list[Any]]


class Ask(msgspec.Struct):
    """Exactly one of the four; `params` is for models that have some, which ours have not."""

    dataframe_split: Split | msgspec.UnsetType = UNSET
    dataframe_records: list[Any] | msgspec.UnsetType = UNSET
    instances: Any = UNSET
    inputs: Any = UNSET
    params: dict[str, Any] | None = None


_ask = msgspec.json.Decoder(Ask)


def routes(service: Service) -> list[BaseRoute]:
    """Return the addresses of this protocol."""

    async def ping(request: Request) -> Response:
        status = 404 if not service.models.ready else 503 if service.draining else 200
        return Response(b"\n", status, media_type="application/json")

    async def version(request: Request) -> Response:
        return Response(installed_version("goldstream"), media_type="text/plain")

    async def invocations(request: Request) -> Response:
        kind = _kind(request.headers.get("content-type", ""))
        texts = _READERS[kind](await read_body(request.receive, service.largest_body))
        judged = await service.score(texts)
        return Response(msgspec.json.encode({"predictions": judged.answers()}), media_type="application/json")

    return [
        *(Route(path, ping, methods=["GET"]) for path in ("/ping", "/health")),
        Route("/version", version, methods=["GET"]),
        Route("/invocations", invocations, methods=["POST"]),
    ]


def _kind(content_type: str) -> str:
    kind, _, rest = content_type.partition(";")
    kind, charset = kind.strip().lower(), rest.strip().lower()
    if kind not in _READERS or charset not in ("", "charset=utf-8", 'charset="utf-8"'):
        raise Refused(415, f"send one of {', '.join(_READERS)}, in UTF-8, not {content_type or 'a body without a type'}")
    return kind


def _of_json(body: bytes) -> list[str]:
    ask = decode(_ask, body)
    given = [key for key in KEYS if getattr(ask, key) is not UNSET]
    if len(given) != 1:
        raise Refused(400, f"send exactly one of {', '.join(KEYS)}; there are {', '.join(given) or 'none'}")
    if isinstance(ask.dataframe_split, Split):
        return _of_split(ask.dataframe_split)
    if given[0] == "inputs":
        return column(ask.inputs, "inputs")
    return rows(getattr(ask, given[0]), given[0])


def _of_split(table: Split) -> list[str]:
    at = _place(table.columns)
    if any(len(row) != len(table.columns) for row in table.data):
        raise Refused(400, f"dataframe_split: a row has not {len(table.columns)} values")
    return rows([row[at] for row in table.data], "dataframe_split.data")


def _of_csv(body: bytes) -> list[str]:
    try:
        table = list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")))
    except (UnicodeDecodeError, csv.Error) as error:
        raise Refused(400, f"the body is no CSV: {error}") from None
    if not table:
        raise Refused(400, "the body is empty; a CSV begins with a header")
    return _of_split(Split(table[0], [row for row in table[1:] if row]))


def _of_parquet(body: bytes) -> list[str]:
    try:
        facts = pq.ParquetFile(pa.BufferReader(body))
        name = facts.schema_arrow.names[_place(facts.schema_arrow.names)]
        groups = [facts.metadata.row_group(number) for number in range(facts.metadata.num_row_groups)]
        _check_bytes(sum(group.column(at).total_uncompressed_size for group in groups for at in range(group.num_columns)))
        if facts.metadata.num_rows > MOST_ROWS:
            raise Refused(400, f"{facts.metadata.num_rows:,} rows in one request are too many")
        table = pq.ParquetFile(pa.BufferReader(body), read_dictionary=[name]).read([name])
        return rows(_unfolded(table[name].combine_chunks()).to_pylist(), name)
    except (pa.ArrowException, OSError) as error:
        raise Refused(400, f"the body is no Parquet: {str(error).splitlines()[0]}") from None


def _unfolded(column: pa.Array) -> pa.Array:
    """Each text as often as it stands there, unless that is more than anybody should hold."""
    if not pa.types.is_dictionary(column.type):
        return column
    _check_bytes(pc.sum(pc.take(pc.binary_length(column.dictionary), column.indices)).as_py() or 0)
    return column.dictionary_decode()


def _check_bytes(count: int) -> None:
    if count > MOST_BYTES:
        raise Refused(413, f"the texts are longer than {MOST_BYTES:,} bytes together")


_READERS = {"application/json": _of_json, "text/csv": _of_csv, "application/vnd.apache.parquet": _of_parquet}


def _place(columns: list[str]) -> int:
    """Which column holds the text: the one of that name, or the only one."""
    if INPUT in columns or len(columns) == 1:
        return columns.index(INPUT) if INPUT in columns else 0
    raise Refused(400, f"there is no column {INPUT!r}; there are {', '.join(columns) or 'none'}")
