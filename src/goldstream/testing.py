"""Parts that run in memory or on loopback, for our tests and for yours."""

import json
import threading
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import numpy as np
import polars as pl
import pyarrow as pa
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve


class FakeJetstream:
    """A Jetstream, v1 and v2: serves `events` from the cursor on, and fails as real ones do.

    `drop_after` closes each connection after so many events; `garbage` is sent before the first one; a numbered cursor
    (v2) before `oldest` is refused, as one that is too old.
    """

    def __init__(
        self,
        events: list[dict[str, Any]],
        *,
        drop_after: int | None = None,
        garbage: bytes | None = None,
        oldest: int = 0,
    ) -> None:
        self._events, self._drop_after, self._garbage, self._oldest = events, drop_after, garbage, oldest
        self.queries: list[dict[str, list[str]]] = []
        self._server: Server = serve(
            self._talk,
            "127.0.0.1",
            0,
            compression=None,
            process_request=self._judge,
            select_subprotocol=lambda _, offered: next(iter(offered), None),
        )
        self.url = f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}"  #: what to connect to
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()

    def _judge(self, socket: ServerConnection, request: Request) -> Response | None:
        cursor = int(parse_qs(urlsplit(request.path).query).get("cursor", ["0"])[0])
        too_old = 0 < cursor < self._oldest
        return socket.respond(HTTPStatus.BAD_REQUEST, '{"error":"CursorTooOld"}') if too_old else None

    def _talk(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        query = parse_qs(urlsplit(socket.request.path).query)
        self.queries.append(query)
        after = int(query.get("cursor", ["0"])[0])
        waiting = [event for event in self._events if _place(event, after) >= after]
        try:
            if self._garbage is not None:
                socket.send(self._garbage)
            for event in waiting[: self._drop_after]:
                socket.send(json.dumps(event))
            if self._drop_after is None or len(waiting) <= self._drop_after:
                socket.recv()  # until the client goes
        except ConnectionClosed:
            pass


def _place(event: dict[str, Any], cursor: int) -> int:
    """Where an event stands, in the numbers of the cursor: from 1e15 on, they are microseconds."""
    if "time_us" in event:
        return int(event["time_us"])
    payload = event["payload"]
    if cursor < 1_000_000_000_000_000:
        return int(payload.get("seq", cursor))
    return int(datetime.fromisoformat(payload["time"]).timestamp() * 1_000_000) if "time" in payload else cursor


class Keywords:
    """A classifier that needs no training: certain of its first label when a text holds one of the words.

    >>> import pyarrow as pa
    >>> Keywords("flood").predict_proba(pa.array(["a Flood!", "dry"])).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """

    threshold = 0.5

    def __init__(self, *words: str, labels: tuple[str, ...] = ("keep", "other")) -> None:
        self.words, self.labels = words, labels

    def fit(self, texts: pa.StringArray, targets: np.ndarray, weights: np.ndarray | None = None) -> None:
        """Nothing is learnt."""

    def predict_proba(self, texts: pa.StringArray) -> np.ndarray:
        """Return a row per text and a column per label."""
        found = pl.Series(texts, dtype=pl.String).str.contains_any(list(self.words), ascii_case_insensitive=True).to_numpy()
        scores = np.zeros((len(found), len(self.labels)), np.float32)
        scores[:, 0], scores[:, 1] = found, ~found
        return scores

    def save(self, folder: Path) -> None:
        """Write the words."""
        (folder / "keywords.json").write_text(json.dumps({"words": self.words, "labels": self.labels}))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the model that `save` wrote."""
        read = json.loads((folder / "keywords.json").read_text())
        return cls(*read["words"], labels=tuple(read["labels"]))
