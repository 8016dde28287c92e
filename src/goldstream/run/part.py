"""One part of a running project as a process: `python -m goldstream.run.part NAME CONFIG`.

Started by the supervisor. Ctrl-C in the terminal is the supervisor's to handle; SIGTERM ends the part between two
batches; and when the supervisor is gone, so is the part.
"""

import os
import signal
import sys
import threading
import time
from pathlib import Path

from goldstream.errors import GoldstreamError

ORPHANED = 70  # exit code


def main(name: str, config: Path) -> int:
    """Run the part `name` of the project at `config` until it is through or asked to stop; return the exit code."""
    stop = threading.Event()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    threading.Thread(target=watch_parent, args=(int(os.environ["GOLDSTREAM_PARENT"]),), daemon=True).start()
    from goldstream.run.parts import BESIDE, PARTS, STEPS, WHEN_ASKED
    from goldstream.run.project import Project
    from goldstream.store.reconnect import OUTAGES

    try:
        with Project.open(config) as project:
            goes_on_as = {**PARTS, **WHEN_ASKED, **STEPS, **BESIDE}[name](project, stop)
    except GoldstreamError as error:
        print(error, file=sys.stderr, flush=True)
        return 1
    except OUTAGES as error:  # before the part's own loop began, which waits through an outage by itself
        print(f"the store can't be used: {str(error).splitlines()[0]}", file=sys.stderr, flush=True)
        return 1
    if goes_on_as is not None and not stop.is_set():  # anew: what this part has loaded and held in memory goes
        os.execv(sys.executable, [sys.executable, "-m", "goldstream.run.part", goes_on_as, str(config)])
    return 0


def watch_parent(parent: int) -> None:
    """End this process as soon as its parent has ended."""
    while os.getppid() == parent:
        time.sleep(0.25)
    os._exit(ORPHANED)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
