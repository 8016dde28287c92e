"""The champion behind REST: in this process, or in several that share one port.

Several workers accept from one socket that the first process holds: while one of them starts again, connections wait for
the others and are not refused. Started as `python -m goldstream.run.serving CONFIG FD FOLDER NUMBER`, this module is one
worker.
"""

import gc
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from goldstream import settings
from goldstream.errors import SchemaError, StoreError
from goldstream.listening import listen
from goldstream.registry.mlflow_webhook import webhook
from goldstream.run.part import watch_parent
from goldstream.run.project import Project
from goldstream.serving.batching import Batcher
from goldstream.serving.counting import Metrics
from goldstream.serving.models import Models
from goldstream.serving.pages import Workers
from goldstream.serving.prediction_store import PredictionStore
from goldstream.serving.server import serve
from goldstream.serving.service import Service
from goldstream.serving.trial import Trials
from goldstream.serving.warming import warm_up
from goldstream.stream.champion import Champion

Say = Callable[[str], None]


SETTLE_S = 30.0  #: how long a start waits for the first look at the registry; connections wait meanwhile, and none is refused
RESTART_S = 0.5  #: how soon a worker that died is started again


def open_port(section: settings.Serving) -> socket.socket:
    """Return a socket that listens where the settings say; raises `SettingsError` when it must not or can't."""
    return listen(section.host, section.port, section="serving", guarded=bool(section.api_keys))


def serve_project(
    project: Project, listener: socket.socket, stop: threading.Event, say: Say, ready: Callable[[], None] | None = None, *,
    workers: Workers | None = None,
) -> None:  # fmt: skip
    """Answer on `listener` with the project's champion, whichever it is, until `stop` is set."""
    section = project.settings.serving
    cache = project.data_folder / "models"
    with Champion(project.registry(), cache, say=say, part="serving", warm_up=warm_up) as champion:
        models = Models(champion, project.registry(), cache, most=section.pinned_versions)
        metrics = Metrics() if section.metrics else None
        batcher = Batcher(together=section.batching, wait_s=section.batch_wait_ms / 1_000, metrics=metrics)
        service = Service(
            name=section.model or project.settings.project.name,
            section=section,
            models=models,
            batcher=batcher,
            metrics=metrics,
            workers=workers,
            predictions=PredictionStore(project.store, section, say) if section.store_predictions else None,
            trials=Trials(project.store, models, batcher, say),
            webhook=webhook(project.store, project.settings),
        )
        champion.settle(SETTLE_S, stop)
        if stop.is_set():
            return  # whoever is asked to end before it has begun answers nobody
        if champion.current is None:
            say("there is no champion yet: requests get 503 until one is loaded; `goldstream train` makes the first")
        gc.collect()
        gc.freeze()  # what is there now stays: to go through all of it again and again would keep requests waiting
        serve(service, listener, stop, ready)


def serve_as_set(
    project: Project, listener: socket.socket, stop: threading.Event, say: Say, ready: Callable[[], None], count: int
) -> None:
    """Answer on `listener` with `count` processes, of which this one may be all, until `stop` is set."""
    if count > 1:
        serve_by_workers(project.config, listener, count, stop, say, ready)
    else:
        serve_project(project, listener, stop, say, ready)


def serve_by_workers(
    config: Path, listener: socket.socket, count: int, stop: threading.Event, say: Say, ready: Callable[[], None]
) -> None:
    """Answer on `listener` with `count` processes, started again when they die, until `stop` is set."""
    with TemporaryDirectory(prefix="goldstream-") as folder:
        workers = [_worker(config, listener, folder, number) for number in range(count)]
        ready()
        try:
            while not stop.wait(RESTART_S):
                for number, worker in enumerate(workers):
                    if worker.poll() is not None:
                        say(f"a worker ended with exit code {worker.returncode}; it starts again")
                        workers[number] = _worker(config, listener, folder, number)
        finally:
            for worker in workers:
                worker.send_signal(signal.SIGTERM)
            for worker in workers:
                worker.wait()


def _worker(config: Path, listener: socket.socket, folder: str, number: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "goldstream.run.serving", str(config), str(listener.fileno()), folder, str(number)]
    environment = {**os.environ, "GOLDSTREAM_PARENT": str(os.getpid())}
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[listener.fileno()], env=environment)


def _main(config: Path, listening: int, workers: Workers) -> None:
    stop = threading.Event()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is the first process's to handle
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    threading.Thread(target=watch_parent, args=(int(os.environ["GOLDSTREAM_PARENT"]),), daemon=True).start()
    with ExitStack() as opened, socket.socket(fileno=listening) as listener:
        project = _opened(opened, config, stop)
        if project is not None:
            serve_project(project, listener, stop, _say, workers=workers)


def _opened(stack: ExitStack, config: Path, stop: threading.Event) -> Project | None:
    """Open the project as soon as its store can be used; None when asked to stop before."""
    said = False
    while not stop.is_set():
        try:
            return stack.enter_context(Project.open(config))
        except SchemaError:
            raise
        except StoreError as error:
            if not said:
                _say(f"a worker can't start yet, and tries again: {error}")
            said = True
            stop.wait(RESTART_S)
    return None


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    _main(Path(sys.argv[1]), int(sys.argv[2]), Workers(Path(sys.argv[3]), int(sys.argv[4])))
