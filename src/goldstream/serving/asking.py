"""What waits for the database or the registry, in threads of its own: when one hangs, nothing else must wait for a thread."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")

MOST = 8  #: who asks the database at once; the next one waits for a thread

_threads = ThreadPoolExecutor(MOST, thread_name_prefix="ask")


async def asked(work: Callable[[], Result]) -> Result:
    """Return what `work` returns, which asks the database or the registry and may hang."""
    return await asyncio.get_running_loop().run_in_executor(_threads, work)
