"""How long something takes: what the benchmarks share."""

import statistics
import time
from collections.abc import Callable
from typing import TypeVar

RUNS = 3

_T = TypeVar("_T")


def timed(work: Callable[[], _T]) -> tuple[float, _T]:
    """Return the median of `RUNS` runs in seconds, and what the last one gave."""
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - started)
    return statistics.median(times), result
