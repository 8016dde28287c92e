"""A small search over a classifier's options, in an order that is always the same, until its time is used up.

Time is the time that the processor works for us, so that a busy machine does not change what is chosen.

One option after the other is changed, and what is better is kept. The classifier's class says what is worth trying
(`ALTERNATIVES`); options that the person has set stay as they are.
"""

import math
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

Options = dict[str, Any]
Say = Callable[[str], None]

MARGIN = 0.002  #: a change must be better by this much: less is luck


class OutOfTime(Exception):
    """A search's time is used up."""


class Budget:
    """So many seconds of the processor's time, from now on."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.process_time() + seconds

    def needs(self, seconds: float) -> None:
        """Raise `OutOfTime` when fewer seconds are left."""
        if time.process_time() + seconds > self._end:
            raise OutOfTime

    def check(self) -> None:
        """Raise `OutOfTime` when nothing is left."""
        self.needs(0.0)


class Tried(NamedTuple):
    """Options that were tried."""

    options: Options  #: what differs from the options that the search began with
    value: float
    seconds: float


class Found(NamedTuple):
    """What a search found."""

    options: Options  #: what is to be changed
    tried: list[Tried]
    finished: bool  #: False: the time was used up before everything was tried

    def as_json(self, metric: str) -> dict[str, Any]:
        """Return it as plain data."""
        tried = [{"options": each.options, metric: each.value} for each in self.tried]
        return {"metric": metric, "options": self.options, "finished": self.finished, "tried": tried}


def search(
    rounds: Sequence[Sequence[Options]], judge: Callable[[Options], float], *, budget: Budget, say: Say, fixed: Options
) -> Found:
    """Return the best options: those that a person has `fixed`, or that are tried too late, are left alone.

    Nothing is begun that would take longer than what is left of `budget`; `judge` may raise `OutOfTime` too.

    >>> found = search([[{"a": 1}, {"a": 2}], [{"b": 1}]], lambda options: options.get("a", 0) - options.get("b", 0),
    ...                budget=Budget(60), say=lambda line: None, fixed={})
    >>> found.options, len(found.tried)
    ({'a': 2}, 4)
    """
    tried: list[Tried] = []
    best = Tried({}, -math.inf, 0.0)
    better = best
    try:
        for alternatives in [[{}], *rounds]:
            for change in alternatives:
                if fixed.keys() & change.keys():
                    continue
                budget.needs(max((each.seconds for each in tried), default=0.0))
                tried.append(_try({**best.options, **change}, judge, say))
                if tried[-1].value > better.value + MARGIN:
                    better = tried[-1]
            best = better
    except OutOfTime:
        say(f"the search stops here: more would take longer than {budget.seconds:g} s")
        return Found(better.options, tried, finished=False)
    return Found(best.options, tried, finished=True)


def _try(options: Options, judge: Callable[[Options], float], say: Say) -> Tried:
    started = time.process_time()
    value = judge(options)
    seconds = time.process_time() - started
    shown = ", ".join(f"{name} {value}" for name, value in options.items()) or "as set"
    say(f"  {value:.4f}  {shown}  ({seconds:.1f} s)")
    return Tried(options, value, seconds)
