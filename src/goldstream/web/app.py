"""The pages as one application: which address is answered by which page."""

import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from goldstream.registry.mlflow_webhook import PATH, webhook
from goldstream.running import Part
from goldstream.settings import Settings
from goldstream.store import Store
from goldstream.web import label_studio
from goldstream.web.counters import Counters, Refresher
from goldstream.web.database import Away, Database
from goldstream.web.doubts import Doubts
from goldstream.web.events import events
from goldstream.web.expected import Expected
from goldstream.web.guard import ENTER, HEADERS, Guard
from goldstream.web.judging import Judge
from goldstream.web.pace import Pace
from goldstream.web.pages import annotate, exchange, mlflow_webhook, search, trying
from goldstream.web.pages.adjudicate import adjudicate
from goldstream.web.pages.enter import GUESSES, enter
from goldstream.web.pages.links import Ranking, links
from goldstream.web.pages.live import live
from goldstream.web.pages.model import model, promote, rollback
from goldstream.web.pages.people import Agreement, people
from goldstream.web.pages.post import post
from goldstream.web.pages.rules import Rules, rules, scratch
from goldstream.web.pages.status import DeadLetters, arrivals, status, threshold
from goldstream.web.people import tickets
from goldstream.web.posts import Choices
from goldstream.web.rendering import environment, respond
from goldstream.web.rounds import Rounds
from goldstream.web.team import Team

STATIC = Path(__file__).parent / "static"

Parts = Callable[[], Sequence[Part]]

_MESSAGES = {
    404: ("There is no such page", "The address may be old, or have a letter too many."),
    405: ("That can't be done here", "This page can be read, and nothing else."),
    500: ("Something went wrong here", "The stream goes on. The terminal that runs goldstream says what happened."),
}
_OTHER = ("That can't be answered", "The request was not one that a page of ours would send.")


def make_app(store: Store, settings: Settings, parts: Parts | None = None, folder: Path = Path()) -> Starlette:
    """Return the pages over `store`; `parts` tells the state of every part by name, where somebody knows.

    `folder` is the project's: guidelines and fetched models are there.
    """
    proofs = tickets(settings)
    app = Starlette(
        routes=[
            Route("/", live),
            Route("/events", events),
            Route("/links", links),
            Route("/model", model),
            Route("/post/{id:post_id}", post),
            Route("/status", status),
            Route("/status/threshold", threshold, methods=["POST"]),
            Route("/model/promote", promote, methods=["POST"]),
            Route("/model/rollback", rollback, methods=["POST"]),
            *label_studio.ROUTES,
            Route(PATH, mlflow_webhook.deliver, methods=["POST"]),
            Route("/search", search.search),
            Route("/search/label", search.label, methods=["POST"]),
            Route("/search/undo", search.undo, methods=["POST"]),
            Route("/rules", rules),
            Route("/rules/try", scratch, methods=["POST"]),
            Route("/try", trying.trying),
            Route("/try/answer", trying.answer, methods=["POST"]),
            Route("/feedback", trying.feedback, methods=["POST"]),
            Route("/adjudicate", adjudicate),
            Route("/people", people),
            Route("/people/export", exchange.export),
            Route("/people/import", exchange.import_, methods=["POST"]),
            Route("/annotate", annotate.annotate),
            Route("/annotate/name", annotate.name, methods=["POST"]),
            Route("/annotate/next", annotate.ahead, methods=["POST"]),
            Route("/annotate/answer", annotate.answer, methods=["POST"]),
            Route("/annotate/undo", annotate.undo, methods=["POST"]),
            Route(ENTER, enter, methods=["GET", "POST"]),
            Mount("/static", _Static(directory=STATIC)),
        ],
        middleware=[
            Middleware(Guard, allowed_hosts=settings.web.allowed_hosts, tickets=proofs, closed=settings.web.token is not None)
        ],
        exception_handlers={HTTPException: _refused, Away: _away, Exception: _failed},  # type: ignore[dict-item]
        lifespan=_lifespan,
    )
    app.state.database = Database(store)
    app.state.refresher = refresher = Refresher(store)
    app.state.templates = environment(settings.project.name, settings.project.keep)
    app.state.counters, app.state.ranking, app.state.dead_letters = (
        Counters(settings.stream.reader, refresher),
        Ranking(refresher),
        DeadLetters(refresher),
    )
    app.state.guesses = Pace(*GUESSES)
    app.state.parts, app.state.tickets, app.state.embedded = parts, proofs, settings.store.dsn is None
    app.state.settings, app.state.named = settings, bool(settings.annotation.annotators)
    app.state.judge = Judge(store, settings, folder)
    app.state.doubts = Doubts(app.state.judge, settings, refresher)
    app.state.expected = Expected(settings.project.keep, settings.stream.reader, refresher)
    app.state.rules = Rules(refresher)
    app.state.alike = search.Alike(app.state.rules)
    app.state.arrivals, app.state.choices = arrivals(refresher), Choices(refresher)
    app.state.webhook = webhook(store, settings)
    app.state.guidelines = folder / settings.annotation.guidelines
    app.state.rounds, app.state.team, app.state.agreement = Rounds(store, settings), Team(refresher), Agreement(refresher)
    app.state.stopping, app.state.streams = threading.Event(), 0
    return app


class _Static(StaticFiles):
    """Our own files; a browser may keep them, if it asks whether they have changed."""

    def file_response(self, *arguments: object, **named: object) -> Response:
        response = super().file_response(*arguments, **named)  # type: ignore[arg-type]
        response.headers["cache-control"] = "no-cache"
        return response


@contextlib.asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    try:
        yield
    finally:
        app.state.stopping.set()
        app.state.rounds.close()
        app.state.refresher.close()
        app.state.database.close()


async def _refused(request: Request, error: HTTPException) -> Response:
    silent = error.detail == HTTPStatus(error.status_code).phrase  # nobody said more than the number does
    title, detail = _MESSAGES.get(error.status_code, _OTHER) if silent else ("That can't be answered", error.detail)
    return _problem(request, error.status_code, title, detail)


async def _away(request: Request, error: Away) -> Response:
    return _problem(
        request,
        503,
        "The database is away",
        f"{error}. This page tries again by itself.",
        {"refresh": "3", "retry-after": "3"},
    )


async def _failed(request: Request, error: Exception) -> Response:
    return _problem(request, 500, *_MESSAGES[500], HEADERS)  # this one does not pass the guard


def _problem(request: Request, status: int, title: str, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    return respond(
        request, "problem.html", {"status": status, "title": title, "detail": detail}, status=status, headers=headers
    )
