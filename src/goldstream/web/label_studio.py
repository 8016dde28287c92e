"""`/label-studio`: the champion as a machine-learning backend of Label Studio, and its annotations as answers here.

The addresses and shapes are those of label-studio-ml-backend: `/health`, `/setup`, `/predict`, `/webhook`.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple
from xml.etree import ElementTree

import anyio.to_thread
import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from goldstream.annotation import answers
from goldstream.annotation.formats.label_studio import FORMAT, FROM, TO, choice
from goldstream.annotation.posts import known_texts, words
from goldstream.errors import DataError, GoldstreamError
from goldstream.web.bodies import body, clean, said
from goldstream.web.database import Connection
from goldstream.web.judging import LONGEST_TEXT
from goldstream.web.pages.model import champion

MOST_TASKS = 1_000
TAKEN = {"ANNOTATION_CREATED": "answer", "ANNOTATION_UPDATED": "answer", "ANNOTATION_DELETED": "undo"}
_FROM_THERE = """
    SELECT post_id, annotator FROM latest_answers WHERE act <> 'undo' AND (post_id, annotator) IN
        (SELECT post_id, annotator FROM annotations WHERE shown->>'label_studio' = ANY(%s))
"""


class Predict(msgspec.Struct):
    """What Label Studio asks; it sends more than is needed here."""

    tasks: list[dict[str, Any]] = []
    label_config: str | None = None


class Event(msgspec.Struct):
    """What Label Studio tells."""

    action: str = ""
    annotation: dict[str, Any] = {}
    annotations: list[dict[str, Any]] = []  #: of which a deletion tells the ids, and nothing else
    task: dict[str, Any] = {}


class Names(NamedTuple):
    """What a labelling configuration calls its parts."""

    choices: str  #: the name of the choices
    text: str  #: the name of what they are about
    field: str  #: the field of a task's data that holds the text
    labels: tuple[str, ...] | None  #: what can be chosen; None when no configuration was sent


async def health(request: Request) -> Response:
    """Say that all is well."""
    return said({"status": "UP", "model_class": "Goldstream"})


async def setup(request: Request) -> Response:
    """Answer with the version that predicts."""
    found = await request.app.state.database.run(champion)
    return said({"model_version": _version(found)})


async def predict(request: Request) -> Response:
    """Answer with a prediction for each task."""
    state, asked = request.app.state, await body(request, Predict)
    if len(asked.tasks) > MOST_TASKS:
        raise HTTPException(413, f"At most {MOST_TASKS:,} tasks at once.")
    names = configured(asked.label_config)
    texts = [clean(str(_data(task).get(names.field) or ""))[:LONGEST_TEXT] for task in asked.tasks]
    deciding = await state.database.run(champion)
    if deciding is None or not texts:
        return said({"results": [{"result": [], "score": 0.0, "model_version": _version(deciding)} for _ in texts]})
    try:
        scores, labels = await anyio.to_thread.run_sync(_scores, state.judge, deciding["version"], texts)
    except GoldstreamError as error:
        raise HTTPException(503, f"The champion can't be loaded: {error}") from None
    version = _version(deciding)
    return said({"results": [_result(row, labels, names, version) for row in scores]})


async def webhook(request: Request) -> Response:
    """Keep what somebody said there; 201 for what we use, 200 for what we don't."""
    state, event = request.app.state, await body(request, Event)
    if state.named and not request.state.admitted:
        raise HTTPException(403, "Show a token of [annotation] or [web].")
    section, labels = state.settings.annotation, state.settings.project.labels
    if event.action == "ANNOTATIONS_DELETED":
        ids = [str(each.get("id")) for each in event.annotations[:MOST_TASKS]]
        kept = await state.database.run(lambda conn: _take_back(conn, ids, section.overlap))
        return said({"result": {"kept": kept}, "status": "ok"}, 201)
    if event.action not in TAKEN:
        return said({"status": "ok" if event.action == "START_TRAINING" else "Unknown event"})
    kept = await state.database.run(lambda conn: _keep(conn, event, labels, section.overlap))
    return said({"result": {"kept": kept}, "status": "ok"}, 201)


def configured(config: str | None) -> Names:
    """Return the names in a labelling configuration; ours when there is none. Raises 422 for what can't be read.

    >>> configured('<View><Text name="t" value="$tweet"/><Choices name="c" toName="t"><Choice value="x"/></Choices></View>')
    Names(choices='c', text='t', field='tweet', labels=('x',))
    """
    if not config:
        return Names(FROM, TO, "text", None)
    if "<!" in config:  # no entities of strangers
        raise HTTPException(422, "The labelling configuration may not declare anything.")
    try:
        root = ElementTree.fromstring(config)
    except ElementTree.ParseError as error:
        raise HTTPException(422, f"The labelling configuration can't be read: {error}") from None
    choices = root.find(".//Choices")
    if choices is None:
        raise HTTPException(422, "The labelling configuration has no Choices.")
    text = choices.get("toName", TO)
    shown = next((each for each in root.iter() if each.get("name") == text), None)
    field = (shown.get("value", "$text") if shown is not None else "$text").removeprefix("$")
    return Names(choices.get("name", FROM), text, field, tuple(each.get("value", "") for each in choices.iter("Choice")))


def _scores(judge: Any, version: int, texts: Sequence[str]) -> tuple[list[list[float]], tuple[str, ...]]:
    import pyarrow as pa

    scored = judge.model(version).predict(pa.array(texts, pa.string()))
    return scored.scores.tolist(), scored.labels


def _result(row: list[float], labels: Sequence[str], names: Names, version: str) -> dict[str, Any]:
    """The likeliest label as Label Studio spells it; nothing when it can't be chosen there."""
    score = max(row)
    label = labels[row.index(score)]
    there = label if names.labels is None else next((each for each in names.labels if each.lower() == label.lower()), None)
    result = [] if there is None else [{**choice(there, names.choices, names.text), "score": score}]
    return {"result": result, "score": score, "model_version": version}


def _keep(conn: Connection, event: Event, labels: Sequence[str], overlap: int) -> bool:
    record = {"data": _data(event.task), "annotations": [event.annotation]}
    try:
        given = next(FORMAT.read(record, labels), None)
    except (DataError, KeyError, TypeError, AttributeError, IndexError):
        return False
    if given is None:
        return False
    text = clean(given.text)
    post_id = clean(given.id or "")
    if not words(conn, [post_id]):
        post_id = known_texts(conn, [text]).get(text, "")
    label = next((each for each in labels if each.lower() == (given.label or "").lower()), None)
    undone = TAKEN[event.action] == "undo"
    if not post_id or (label is None and given.act != "skip" and not undone):
        return False
    act: Any = "undo" if undone else "skip" if given.act == "skip" else "answer"
    who = clean(given.annotator or "label-studio")[:60]
    seconds = given.seconds if isinstance(given.seconds, int | float) else None
    shown = {"label_studio": str(event.annotation.get("id"))}
    answers.answer(
        conn, post_id, who, label if act == "answer" else None, act=act, note=given.note, seconds=seconds, shown=shown,
        place="label-studio", overlap=overlap,
    )  # fmt: skip
    return True


def _take_back(conn: Connection, ids: list[str], overlap: int) -> bool:
    """Take back what annotations of Label Studio's said, where it still counts."""
    counting = conn.execute(_FROM_THERE, (ids,)).fetchall()
    for post_id, who in counting:
        answers.answer(conn, post_id, who, None, act="undo", place="label-studio", overlap=overlap)
    return bool(counting)


def _data(task: dict[str, Any]) -> dict[str, Any]:
    data = task.get("data")
    return data if isinstance(data, dict) else {}


def _version(deciding: dict[str, Any] | None) -> str:
    return "" if deciding is None else f"goldstream-{deciding['version']}"


ROUTES = [
    Route("/label-studio/", health),
    Route("/label-studio/health", health),
    Route("/label-studio/setup", setup, methods=["POST"]),
    Route("/label-studio/predict", predict, methods=["POST"]),
    Route("/label-studio/webhook", webhook, methods=["POST"]),
]
