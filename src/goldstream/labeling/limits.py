"""A time limit for code that we did not write."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

PATIENCE = 4  #: times that the limit is granted again to what had less than half of it on the processor


class TooSlow(BaseException):
    """The code took longer than it may. Not an `Exception`, so that a rule's own `except Exception` does not swallow it."""


class Alarm:
    """Interrupts what runs inside `with alarm`, by SIGALRM, after `limit_s` seconds.

    What has hardly had the processor in that time, on a machine that is busy elsewhere, has it `PATIENCE` times more: votes
    should not depend on what else runs. What waits or sleeps has it, too.
    Only a process's main thread can be interrupted; in another one there is no limit.
    """

    def __init__(self, limit_s: float) -> None:
        self._limit_s, self._since, self._patience = limit_s, 0.0, 0
        self._armed = threading.current_thread() is threading.main_thread()

    def __enter__(self) -> None:
        """Let the time run."""
        self._since, self._patience = time.process_time(), PATIENCE
        if self._armed:
            signal.setitimer(signal.ITIMER_REAL, self._limit_s)

    def __exit__(self, *error: object) -> None:
        """In time, or not."""
        if self._armed:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _ring(self, number: int, frame: FrameType | None) -> None:
        if self._patience and time.process_time() - self._since < self._limit_s / 2:
            self._patience -= 1
            signal.setitimer(signal.ITIMER_REAL, self._limit_s)
            return
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
