"""The pages as one application: a query and a server-rendered template each, and JSON under the same path.

Posts are strangers' text: templates escape everything, links are http or https only, and no script or style but our own
files may run. A page of another site can't reach us: the Host header must be one of `web.allowed-hosts`.
"""

import json
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import anyio
import jinja2
import psycopg
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from goldstream import settings
from goldstream.errors import StoreError
from goldstream.store import Store
from goldstream.web.queries import Queries, plain

HERE = Path(__file__).parent
TICK_S = 0.5
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
STEPS = {
    "waiting for posts": "No posts have come in yet.",
    "collecting": "Posts are being collected until each stratum has enough of them.",
    "removing duplicates and splitting": "The dataset is full; duplicates are being removed.",
    "labelling": "The labelling functions are voting.",
    "training": "The first model is being trained.",
    "classifying": "The champion is reading the stream; no post has been worth keeping so far.",
}



class _Safe(BaseHTTPMiddleware):
    """Refuses requests that were meant for another host, and adds the headers that keep pages closed."""

    def __init__(self, app: Any, hosts: tuple[str, ...]) -> None:
        super().__init__(app)
        self._hosts = hosts

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        host = request.headers.get("host", "").rpartition(":")[0] or request.headers.get("host", "")
        if host not in self._hosts:
            return Response("this address is not one of web.allowed-hosts\n", 400, HEADERS, "text/plain")
        response = await call_next(request)
        response.headers.update(HEADERS)
        return response


def make_app(store: Store, section: settings.Settings) -> Starlette:
    """Return the application for one project."""
    queries = Queries(store, section.stream.reader)
    templates = jinja2.Environment(loader=jinja2.FileSystemLoader(HERE / "templates"), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    templates.filters |= {"time": _time, "percent": lambda value: f"{100 * value:.0f} %", "path": quote, "web": _web_links}
    templates.globals["project"] = section.project.name

    def page(path: str, template: str, ask: Callable[[Request], dict[str, Any] | None]) -> Route:
        async def answer(request: Request) -> Response:
            data = await run_in_threadpool(ask, request)
            if data is None:
                raise HTTPException(404)
            if "application/json" in request.headers.get("accept", ""):
                return JSONResponse(plain(data))
            return HTMLResponse(templates.get_template(template).render(page=template.removesuffix(".html"), **data))

        return Route(path, answer)

    async def wrong(request: Request, error: Exception) -> Response:
        code, message = _explained(error)
        if "application/json" in request.headers.get("accept", ""):
            return JSONResponse({"error": message}, code)
        return HTMLResponse(templates.get_template("error.html").render(page="", message=message, code=code), code)

    def live(request: Request) -> dict[str, Any]:
        counters = queries.counters()
        text = request.query_params.get("q", "")[:200]
        return {"counters": counters, "posts": queries.newest_kept(text=text), "step": STEPS[counters["step"]], "q": text}

    async def events(request: Request) -> Response:
        after = int(request.headers.get("last-event-id") or request.query_params.get("after") or -1)
        card = templates.get_template("card.html")
        return StreamingResponse(_events(queries, card, after, closing), media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    closing = threading.Event()
    app = Starlette(
        routes=[
            page("/", "live.html", live),
            page("/links", "links.html", lambda _: {"counters": queries.counters(), "links": queries.links()}),
            page("/model", "model.html", lambda _: {
                "counters": queries.counters(), "models": queries.models(), "moves": queries.moves(), "labels": queries.label_report(),
            }),
            page("/status", "status.html", lambda _: {"counters": queries.counters(), "status": queries.status()}),
            page("/post/{post_id:path}", "post.html", lambda request: _post(queries, request.path_params["post_id"])),
            Route("/events", events),
            Mount("/static", StaticFiles(directory=HERE / "static")),
        ],
        middleware=[Middleware(_Safe, hosts=section.web.allowed_hosts)],
        exception_handlers={HTTPException: wrong, psycopg.Error: wrong, StoreError: wrong, Exception: wrong},
    )  # fmt: skip
    app.state.closing = closing
    return app


async def _events(queries: Queries, card: jinja2.Template, after: int, closing: threading.Event) -> AsyncIterator[str]:
    """Counters twice a second, and each kept post as it arrives; an event's id is the post's position."""
    while not closing.is_set():
        try:
            posts = await run_in_threadpool(queries.kept_after, after)
            for post in posts:
                after = post["position"]
                yield f"event: post\nid: {after}\ndata: {json.dumps(card.render(post=post))}\n\n"
            yield f"event: counters\ndata: {json.dumps(plain(await run_in_threadpool(queries.counters)))}\n\n"
        except (psycopg.Error, StoreError):
            yield "event: away\ndata: {}\n\n"
        await anyio.sleep(TICK_S)


def _post(queries: Queries, post_id: str) -> dict[str, Any] | None:
    found = queries.post(post_id[:1_000])
    return None if found is None else {"counters": queries.counters(), "post": found}


def _explained(error: Exception) -> tuple[int, str]:
    if isinstance(error, HTTPException):
        return error.status_code, "There is no such page." if error.status_code == 404 else str(error.detail)
    if isinstance(error, psycopg.Error | StoreError):
        return 503, "The database can't be reached just now. The page comes back by itself when it can."
    return 500, "Something went wrong here; the terminal in which goldstream runs says what."


def _time(value: Any) -> str:
    return "" if value is None else f"{value:%Y-%m-%d %H:%M:%S}"


def _web_links(links: list[str]) -> list[str]:
    return [link for link in links if link.startswith(("https://", "http://"))]


