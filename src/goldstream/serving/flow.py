"""How fast bytes go in and out of a connection: nothing more is read than can be answered, and nobody is waited for who reads nothing."""

import asyncio
import math
from collections.abc import Callable

from uvicorn.protocols.http.flow_control import FlowControl

LEAST_READ = 16_384  #: bytes of a waiting answer that a client takes within our patience, unless there are fewer


class Flow(FlowControl):
    """Pauses and resumes a transport, and knows since when its client takes nothing."""

    def __init__(self, transport: asyncio.Transport, is_full: Callable[[], bool]) -> None:
        super().__init__(transport)
        self._is_full = is_full  # whether requests wait, so that no more should be read
        self._waiting, self._taken_at = math.inf, 0.0  # bytes, and when they were last fewer by `LEAST_READ`

    def resume_reading(self) -> None:
        """Read on, unless requests wait already."""
        if not self._is_full():
            super().resume_reading()

    def is_stuck(self, now: float, patience_s: float) -> bool:
        """Whether the client has not taken what waits for it for longer than `patience_s`; asked again and again."""
        waiting = self._transport.get_write_buffer_size()
        if not waiting or waiting <= self._waiting - LEAST_READ:
            self._waiting, self._taken_at = waiting, now
        self._waiting = max(self._waiting, waiting)
        return now - self._taken_at > patience_s
