"""Draws more questions before a person runs out of them, beside the pages and never in a request."""

import threading
import time

from goldstream.annotation.questions import FEW
from goldstream.settings import Settings
from goldstream.store import Store
from goldstream.store.reconnect import OUTAGES

REST_S = 15.0  #: after a draw that found nothing
LONGEST_MS = 120_000
PATIENCE_S = 3.0  #: with a draw that goes on when the pages stop


class Rounds:
    """One draw at a time, in a thread of its own."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store, self._settings = store, settings
        self._lock = threading.Lock()
        self._running: threading.Thread | None = None
        self._rests_until = 0.0

    def keep_up(self, left: int) -> bool:
        """Start a draw when fewer than a screenful of questions is `left`; return whether one goes on."""
        with self._lock:
            if self._running is not None and self._running.is_alive():
                return True
            if left >= FEW or time.monotonic() < self._rests_until:
                return False
            self._running = threading.Thread(target=self._draw, name="draw questions", daemon=True)
            self._running.start()
            return True

    def close(self) -> None:
        """Let a draw that goes on come to its end, for a moment."""
        with self._lock:
            self._rests_until = float("inf")
            running = self._running
        if running is not None:
            running.join(PATIENCE_S)

    def _draw(self) -> None:
        from goldstream.annotation.rounds import draw_round

        project = self._settings.project
        drawn = 0
        try:
            with self._store.connect(name="draw questions", statement_timeout=LONGEST_MS) as conn:
                keep, reader = project.labels.index(project.keep), self._settings.stream.reader
                drawn = draw_round(conn, self._settings.annotation, keep=keep, reader=reader).drawn
        except OUTAGES:
            pass  # the page that asked says that the database is away; the next request draws
        if not drawn:
            self._rests_until = max(self._rests_until, time.monotonic() + REST_S)
