"""A time limit for code that we did not write."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class TooSlow(BaseException):
    """The code took longer than it may. Not an `Exception`, so that a rule's own `except Exception` does not swallow it."""


class Alarm:
    """Interrupts what runs inside `with alarm`, by SIGALRM, after `limit_s` seconds.

    Only a process's main thread can be interrupted; in another one there is no limit.
    """

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._armed = threading.current_thread() is threading.main_thread()

    def __enter__(self) -> None:
        """Let the time run."""
        if self._armed:
            signal.setitimer(signal.ITIMER_REAL, self._limit_s)

    def __exit__(self, *error: object) -> None:
        """In time, or not."""
        if self._armed:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _ring(self, number: int, frame: FrameType | None) -> None:
        raise TooSlow(f"not done after {self._limit_s:g} s")

    @classmethod
    @contextmanager
    def set(cls, limit_s: float) -> Iterator["Alarm"]:
        """Give an alarm, and put whatever stood on the signal back in the end."""
        alarm = cls(limit_s)
        before = signal.signal(signal.SIGALRM, alarm._ring) if alarm._armed else None
        try:
            yield alarm
        finally:
            if alarm._armed:
                signal.signal(signal.SIGALRM, before)
