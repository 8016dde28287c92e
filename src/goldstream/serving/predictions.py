"""What was answered, and what people say of it: `/predictions`, `/feedback` and `/statistics`."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
import psycopg
from msgspec import UNSET, Meta, UnsetType
from psycopg.rows import dict_row
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from goldstream.errors import StoreError
from goldstream.intervals import wilson
from goldstream.serving.asking import asked
from goldstream.serving.ids import new_ids, written
from goldstream.serving.prediction_store import Answered, PredictionStore
from goldstream.serving.requests import Refused, decode, read_body
from goldstream.serving.service import Service
from goldstream.store import feedback

Result = TypeVar("Result")

MOST_LISTED = 1_000
LISTED = 100
LATE_S = 3.0  #: how long another worker may take to write what it has answered
QUERY_MS = 10_000
LONGEST_S = 12.0  #: that a request waits for the database


class Ask(msgspec.Struct):
    """A text, and what the person who asks says it is."""

    text: str
    user_label: str | None = None


class Feedback(msgspec.Struct):
    """What somebody says of a prediction: its right label, or only whether it was right."""

    prediction_id: UUID
    label: str | UnsetType = UNSET
    correct: bool | UnsetType = UNSET


class Given(msgspec.Struct, kw_only=True):
    """One stored prediction."""

    id: str
    text: str | None
    user_label: str | None
    label: str
    probability: Annotated[float, Meta(ge=0, le=1)]
    model: str
    version: int
    elapsed_seconds: float | UnsetType = UNSET  #: only of one that was made just now
    created_at: datetime


_ask, _feedback = msgspec.json.Decoder(Ask), msgspec.json.Decoder(Feedback)
_encode = msgspec.json.Encoder().encode

_LIST = """
    SELECT p.id::text, p.text, f.label AS user_label, p.label, round(p.probability::float8::numeric, 7)::float8 AS probability, p.version,
           p.at AS created_at
    FROM served_predictions p
    LEFT JOIN LATERAL (SELECT right_label AS label FROM feedback WHERE prediction_id = p.id AND right_label IS NOT NULL
                       ORDER BY id DESC LIMIT 1) f ON true
    WHERE %(after)s::uuid IS NULL OR p.id < %(after)s::uuid
    ORDER BY p.id DESC LIMIT %(limit)s
"""


def routes(service: Service) -> list[BaseRoute]:
    """Return the addresses of the prediction store; none when nothing is stored."""
    kept = service.predictions
    if kept is None:
        return []

    async def predict(request: Request) -> Response:
        started = time.perf_counter()
        ask = decode(_ask, await read_body(request.receive, service.largest_body))
        judged = await service.score([ask.text])
        labels = judged.model.model.labels
        if ask.user_label is not None and ask.user_label not in labels:
            raise Refused(400, f"no label {ask.user_label!r}; there are {', '.join(labels)}")
        at_us, chosen = time.time_ns() // 1_000, judged.chosen[0]
        ids = new_ids(1)
        await kept.add(Answered(at_us, ids, [ask.text], judged, ask.user_label))
        said = Given(
            id=written(ids), text=ask.text, user_label=ask.user_label, label=labels[chosen],
            probability=judged.probabilities[0][chosen], model=service.name, version=judged.model.version,
            elapsed_seconds=round(time.perf_counter() - started, 6), created_at=datetime.fromtimestamp(at_us / 1e6, UTC),
        )  # fmt: skip
        return Response(_encode(said), media_type="application/json")

    async def listed(request: Request) -> Response:
        wanted = {"limit": _limit(request.query_params.get("limit")), "after": _after(request.query_params.get("after"))}
        rows = await _query(kept, lambda conn: conn.cursor(row_factory=dict_row).execute(_LIST, wanted).fetchall())
        found = [Given(model=service.name, **row) for row in rows]
        following = found[-1].id if len(found) == wanted["limit"] else None
        return Response(_encode({"predictions": found, "next": following}), media_type="application/json")

    async def hear(request: Request) -> Response:
        said = decode(_feedback, await read_body(request.receive, service.largest_body))
        if (said.label is UNSET) == (said.correct is UNSET):
            raise Refused(400, 'say "label", the right one, or "correct", true or false, and not both')
        known = {label for model in service.models.loaded for label in model.model.labels}
        if said.label is not UNSET and said.label not in known:
            raise Refused(400, f"no label {said.label!r}; there are {', '.join(sorted(known))}")
        version, correct = await _say(kept, said)
        if service.metrics is not None:
            service.metrics.feedback[version, correct] += 1
        return Response(b"{}", media_type="application/json")

    async def statistics(request: Request) -> Response:
        found = [rate for rate in await _query(kept, feedback.rates) if rate["place"] == "rest"]
        by_version = [{"version": rate["version"], **_rate(rate["answers"], rate["right"])} for rate in found]
        total = _rate(sum(rate["answers"] for rate in found), sum(rate["right"] for rate in found))
        return Response(_encode({**total, "by_version": by_version}), media_type="application/json")

    return [
        Route("/predictions", predict, methods=["POST"]),
        Route("/predictions", listed, methods=["GET"]),
        Route("/feedback", hear, methods=["POST"]),
        Route("/statistics", statistics, methods=["GET"]),
    ]


async def _query(kept: PredictionStore, ask: Callable[[psycopg.Connection[Any]], Result]) -> Result:
    """Return what the database says, with all that this process has answered in it; raises `Refused` while it is away."""

    def run() -> Result:
        with kept.store.connect(name="serving", statement_timeout=QUERY_MS) as conn:
            return ask(conn)

    try:
        async with asyncio.timeout(LONGEST_S):  # a database that hangs would take longer to give up on
            await kept.flush()
            return await asked(run)
    except (StoreError, psycopg.Error, TimeoutError):
        raise Refused(503, "the database is away; try again later", {"retry-after": "3"}) from None


async def _say(kept: PredictionStore, said: Feedback) -> tuple[int, bool]:
    """Store the feedback; return the version that had answered and whether it was right.

    Raises `Refused` when there is no such prediction, and none can be on its way.
    """
    right = said.correct if said.label is UNSET else said.label
    assert right is not UNSET
    while True:
        heard = await _query(kept, lambda conn: feedback.add_to_prediction(conn, said.prediction_id, right))
        if heard is not None:
            return heard
        made_at = (said.prediction_id.int >> 80) / 1_000
        if not -LATE_S < time.time() - made_at < LATE_S:
            raise Refused(404, f"there is no prediction {said.prediction_id}")
        await asyncio.sleep(0.3)


def _rate(n: int, correct: int) -> dict[str, Any]:
    interval = wilson(correct / n, n) if n else None
    return {"correctness_rate": correct / n if n else None, "n": n, "interval": interval}


def _limit(value: str | None) -> int:
    if value is None:
        return LISTED
    if not value.isascii() or not value.isdigit() or not 1 <= int(value[:9]) <= MOST_LISTED:
        raise Refused(400, f"limit is a number from 1 to {MOST_LISTED:,}")
    return int(value)


def _after(value: str | None) -> UUID | None:
    try:
        return None if value is None else UUID(value)
    except ValueError:
        raise Refused(400, "after is the `next` of an answer") from None
