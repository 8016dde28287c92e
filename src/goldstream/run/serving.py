"""The champion behind REST: one worker in this process."""

import socket
import threading
from collections.abc import Callable

from goldstream import settings
from goldstream.listening import listen
from goldstream.run.project import Project
from goldstream.serving.batching import Batcher
from goldstream.serving.models import Models
from goldstream.serving.prediction_store import PredictionStore
from goldstream.serving.server import serve
from goldstream.serving.service import Service
from goldstream.stream.champion import Champion

Say = Callable[[str], None]


def open_port(section: settings.Serving, *, shared: bool = False) -> socket.socket:
    """Return a socket that listens where the settings say; raises `SettingsError` when it must not or can't."""
    return listen(section.host, section.port, section="serving", guarded=bool(section.api_keys), shared=shared)


def serve_project(
    project: Project, listener: socket.socket, stop: threading.Event, say: Say, ready: Callable[[], None] | None = None
) -> None:
    """Answer on `listener` with the project's champion, whichever it is, until `stop` is set."""
    section = project.settings.serving
    cache = project.data_folder / "models"
    with Champion(project.registry(), cache, say=say) as champion:
        service = Service(
            name=section.model or project.settings.project.name,
            section=section,
            models=Models(champion, project.registry(), cache, most=section.pinned_versions),
            batcher=Batcher(together=section.batching, wait_s=section.batch_wait_ms / 1_000),
            predictions=PredictionStore(project.store, section, say) if section.store_predictions else None,
        )
        serve(service, listener, stop, ready)
