"""Parts that run in memory or on loopback, for our tests and for yours."""

import json
import threading
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import numpy as np
import polars as pl
import pyarrow as pa
import zstandard
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve


class FakeJetstream:
    """A Jetstream, v1 and v2: serves `events` from the cursor on, and fails as real ones do.

    `drop_after` closes each connection after so many events, `silent_after` leaves it open and says no more; `garbage` is
    sent before the first one; a numbered cursor (v2) before `oldest` is refused, as one that is too old. With a
    `dictionary`, which may be changed while it runs, frames are compressed for those who ask.
    """

    def __init__(
        self,
        events: list[dict[str, Any]],
        *,
        drop_after: int | None = None,
        silent_after: int | None = None,
        garbage: bytes | None = None,
        oldest: int = 0,
        dictionary: bytes | None = None,
    ) -> None:
        self._events, self._drop_after, self._silent_after = events, drop_after, silent_after
        self._garbage, self._oldest, self.dictionary = garbage, oldest, dictionary
        self.queries: list[dict[str, list[str]]] = []
        self._server: Server = serve(
            self._talk,
            "127.0.0.1",
            0,
            compression=None,
            close_timeout=1,
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
        url = urlsplit(request.path)
        if url.path.endswith("getZstdDictionary"):
            status = HTTPStatus.OK if self.dictionary else HTTPStatus.NOT_FOUND
            return Response(status, status.phrase, Headers({"Connection": "close"}), self.dictionary or b"")
        query = parse_qs(url.query)
        if "zstdDictionary" in query and int(query["zstdDictionary"][0]) != self._dictionary_id():
            return socket.respond(HTTPStatus.BAD_REQUEST, '{"error":"UnknownZstdDictionary"}')
        too_old = 0 < int(query.get("cursor", ["0"])[0]) < self._oldest
        return socket.respond(HTTPStatus.BAD_REQUEST, '{"error":"CursorTooOld"}') if too_old else None

    def _talk(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        query = parse_qs(urlsplit(socket.request.path).query)
        self.queries.append(query)
        pack = self._packer(query)
        after = int(query.get("cursor", ["0"])[0])
        waiting = [event for event in self._events if _place(event, after) >= after]
        try:
            if self._garbage is not None:
                socket.send(self._garbage)
            for event in waiting[: self._drop_after][: self._silent_after]:
                socket.send(pack(json.dumps(event)))
            if self._drop_after is None or len(waiting) <= self._drop_after:
                socket.recv()  # until the client goes
        except ConnectionClosed:
            pass

    def _dictionary_id(self) -> int:
        return zstandard.ZstdCompressionDict(self.dictionary).dict_id() if self.dictionary else 0

    def _packer(self, query: dict[str, list[str]]) -> Callable[[str], str | bytes]:
        if self.dictionary is None or not ({"compress", "zstdDictionary"} & set(query)):
            return str
        engine = zstandard.ZstdCompressor(dict_data=zstandard.ZstdCompressionDict(self.dictionary))
        return lambda text: engine.compress(text.encode())


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

    threshold = chosen_threshold = 0.5

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
