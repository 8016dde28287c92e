"""Identifiers of predictions and requests: UUIDs of version 7 (RFC 9562), which sort by the time they were made."""

import os
import time


def new_ids(count: int) -> list[str]:
    """Return `count` new identifiers.

    >>> first, second = new_ids(2)
    >>> len(first), first[14], first != second
    (36, '7', True)
    """
    milliseconds = f"{time.time_ns() // 1_000_000:012x}"
    head = f"{milliseconds[:8]}-{milliseconds[8:]}-7"
    noise = os.urandom(9 * count).hex()
    return [f"{head}{noise[i : i + 3]}-8{noise[i + 3 : i + 6]}-{noise[i + 6 : i + 18]}" for i in range(0, 18 * count, 18)]
