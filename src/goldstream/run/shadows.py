"""Shadows on the stream: whichever version is tried as one reads the log in a process of its own, while it is."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any

from goldstream.errors import RegistryError
from goldstream.run.project import Project
from goldstream.store import trials
from goldstream.store.reconnect import OUTAGES
from goldstream.store.trials import Trial

LOOK_S = 1.0  #: how often the trial is looked up
AGAIN_S = 10.0  #: after a shadow's process ended before its trial did

Say = Callable[[str], None]


def shadow_log(project: Project, stop: threading.Event, *, until_end: bool, say: Say) -> dict[str, Any]:
    """Score what stands on the log with the version that is tried as a shadow; return how far it got.

    Raises `RegistryError` when no version is.
    """
    from goldstream.stream.champion import load
    from goldstream.stream.shadow import shadow

    trial = running_shadow(project)
    if trial is None:
        raise RegistryError("no version is tried as a shadow; `goldstream models try VERSION --as shadow` begins that")
    model = load(project.registry(), trial.version, project.data_folder / "models")
    with closing(project.log()) as log:
        posts = shadow(
            log, model, project.store, project.settings.stream, project.settings.project, trial,
            stop=stop, until_end=until_end, say=say,
        )  # fmt: skip
    return {"version": trial.version, "posts": posts}


def running_shadow(project: Project) -> Trial | None:
    """Return the trial that runs, if it is a shadow's."""
    with project.store.connect(name="trials") as conn:
        trial = trials.newest(conn)
    return trial if trial is not None and trial.kind == "shadow" else None


def keep_shadows(project: Project, stop: threading.Event) -> None:
    """Start the part `shadow` while a trial wants one, and end it with the trial, until `stop` is set."""
    child: subprocess.Popen[bytes] | None = None
    of: Trial | None = None
    not_before = 0.0
    while not stop.wait(LOOK_S):
        with suppress(*OUTAGES):
            wanted = running_shadow(project)
            if child is not None and (child.poll() is not None or wanted != of):
                not_before = time.monotonic() + (AGAIN_S if wanted == of else 0.0)
                _end(child)
                child = None
            if child is None and wanted is not None and time.monotonic() >= not_before:
                child, of = _started(project), wanted
    if child is not None:
        _end(child)


def _started(project: Project) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "goldstream.run.part", "shadow", str(project.config)]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, env={**os.environ, "GOLDSTREAM_PARENT": str(os.getpid())})


def _end(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    child.wait()
