"""A small search over a classifier's options, in an order that is always the same, until its time is used up.

Time is the time that the processor works for us, so that a busy machine does not change what is chosen.

One option after the other is changed, and what is better is kept. The classifier's class says what is worth trying
(`ALTERNATIVES`); options that the person has set stay as they are.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

Options = dict[str, Any]
Say = Callable[[str], None]

MARGIN = 0.002  #: a change must be better by this much: less is luck


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
    rounds: Sequence[Sequence[Options]], judge: Callable[[Options], float], *, budget_s: float, say: Say, fixed: Options
) -> Found:
    """Return the best options: those that a person has `fixed`, or that are tried too late, are left alone.

    >>> found = search([[{"a": 1}, {"a": 2}], [{"b": 1}]], lambda options: options.get("a", 0) - options.get("b", 0),
    ...                budget_s=60, say=lambda line: None, fixed={})
    >>> found.options, len(found.tried)
    ({'a': 2}, 4)
    """
    started = time.process_time()
    best = _try({}, judge, say)
    tried = [best]
    for alternatives in rounds:
        better = best
        for change in alternatives:
            if fixed.keys() & change.keys():
                continue
            if time.process_time() - started + max(each.seconds for each in tried) > budget_s:
                say(f"the search stops here: more would take longer than {budget_s:g} s")
                return Found(better.options, tried, finished=False)
            tried.append(_try({**best.options, **change}, judge, say))
            if tried[-1].value > better.value + MARGIN:
                better = tried[-1]
        best = better
    return Found(best.options, tried, finished=True)


def _try(options: Options, judge: Callable[[Options], float], say: Say) -> Tried:
    started = time.process_time()
    value = judge(options)
    seconds = time.process_time() - started
    shown = ", ".join(f"{name} {value}" for name, value in options.items()) or "as set"
    say(f"  {value:.4f}  {shown}  ({seconds:.1f} s)")
    return Tried(options, value, seconds)
