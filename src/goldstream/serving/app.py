"""All protocols as one application: which address is answered by which file."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import psycopg
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match, Route

from goldstream.errors import StoreError
from goldstream.serving import (
    explaining,
    health,
    metrics,
    mlflow_scoring,
    mlflow_webhook,
    open_inference,
    openapi,
    ours,
    predictions,
    tensorflow_serving,
)  # fmt: skip
from goldstream.serving.guard import Gate, Guard
from goldstream.serving.problems import problem, refused
from goldstream.serving.requests import Refused
from goldstream.serving.service import Service
from goldstream.serving.unpacking import Unpacking

PROTOCOLS = (
    ours,
    explaining,
    predictions,
    health,
    tensorflow_serving,
    open_inference,
    mlflow_scoring,
    mlflow_webhook,
    metrics,
    openapi,
)

LAST_S = 2.0  #: how long the end waits for the database to take what a trial has come to


def make_app(service: Service, gate: Gate) -> Starlette:
    """Return the application that answers for `service` whom `gate` lets in."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        if service.predictions is not None:
            service.predictions.open()
        beside = [metrics.keep_publishing(service)] + ([service.trials.follow()] if service.trials is not None else [])
        tasks = [asyncio.create_task(each) for each in beside]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            if service.trials is not None:
                with contextlib.suppress(StoreError, psycopg.Error, TimeoutError):
                    async with asyncio.timeout(LAST_S):
                        await service.trials.write()
            service.batcher.close()
            if service.predictions is not None:
                service.predictions.close()

    app = Starlette(
        routes=[route for protocol in PROTOCOLS for route in protocol.routes(service)],
        middleware=[Middleware(Guard, gate=gate), Middleware(Unpacking, largest_body=service.largest_body)],
        exception_handlers={
            Refused: refused, HTTPException: _not_here, ClientDisconnect: _gone,  # type: ignore[dict-item]
        },
        lifespan=lifespan,
    )  # fmt: skip
    app.router.redirect_slashes = False
    return app


async def _not_here(request: Request, error: HTTPException) -> Response:
    said = {404: "there is no such address", 405: "this address does not take that method"}
    headers = error.headers
    if error.status_code == 405:  # of all that have this address, and not only of the first
        here = [
            each for each in request.app.routes if isinstance(each, Route) and each.matches(request.scope)[0] is not Match.NONE
        ]
        headers = {"allow": ", ".join(sorted({method for route in here for method in route.methods or ()}))}
    return problem(request.url.path, error.status_code, said.get(error.status_code, error.detail), headers)


async def _gone(request: Request, error: ClientDisconnect) -> Response:
    return Response(status_code=499)  # which nobody reads; for the metrics and the log
