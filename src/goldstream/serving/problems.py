"""What goes wrong, said in the shape that each protocol has for it, and never with a stack trace."""

import logging
from collections.abc import Mapping

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from goldstream.serving.requests import Refused

#: Paths of MLflow's scoring server, which has another shape than all others.
MLFLOW = frozenset({"/invocations", "/ping", "/version", "/health"})
_MLFLOW_CODES = {
    400: "BAD_REQUEST", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "RESOURCE_DOES_NOT_EXIST",
    429: "REQUEST_LIMIT_EXCEEDED", 500: "INTERNAL_ERROR", 503: "TEMPORARILY_UNAVAILABLE",
}  # fmt: skip


_log = logging.getLogger("goldstream.serving")


def problem(path: str, status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return the answer that says so on `path`: `{"error": …}`, or `{"error_code": …, "message": …}` as MLflow does."""
    data = (
        {"error_code": _MLFLOW_CODES.get(status, "BAD_REQUEST"), "message": message} if path in MLFLOW else {"error": message}
    )
    return Response(msgspec.json.encode(data), status, headers, "application/json")


def broken(method: str, path: str, request_id: bytes, error: BaseException) -> Response:
    """Return the answer to a request on which something broke; the log says what, under the id that the client gets."""
    _log.error("%s %s failed (request %s)", method, path, request_id.decode(), exc_info=error)
    return problem(path, 500, "something went wrong here; the terminal that runs goldstream says what")


async def refused(request: Request, error: Refused) -> Response:
    """Answer a request that can't be answered as it is."""
    return problem(request.url.path, error.status, str(error), error.headers)
