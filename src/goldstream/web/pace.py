"""How often somebody may ask: a bucket of permissions for each address, refilled at a steady rate."""

import time
from collections import OrderedDict

MOST = 10_000  #: addresses that are remembered


class Pace:
    """Allows `rate` requests a second, and `burst` at once after a rest.

    >>> pace = Pace(rate=0.001, burst=2)
    >>> [pace.allows("10.0.0.1") for _ in range(3)], pace.allows("10.0.0.2")
    ([True, True, False], True)
    """

    def __init__(self, rate: float, burst: int) -> None:
        self._rate, self._burst = rate, float(burst)
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allows(self, address: str) -> bool:
        """Return whether `address` may ask now, and count it if so."""
        now = time.monotonic()
        left, then = self._left.pop(address, (self._burst, now))
        left = min(self._burst, left + (now - then) * self._rate)
        allowed = left >= 1
        self._left[address] = (left - allowed, now)
        while len(self._left) > MOST:
            self._left.popitem(last=False)
        return allowed
