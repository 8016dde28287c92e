"""A served model: two versions of a small n-gram bag in a registry of its own, called in process or over a port."""

import os
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from goldstream import settings
from goldstream.listening import listen
from goldstream.models.folder import save_model
from goldstream.models.ngram_bag import NgramBag, NgramBagSettings
from goldstream.registry.postgres import PostgresRegistry
from goldstream.serving.app import make_app
from goldstream.serving.batching import Batcher
from goldstream.serving.counting import Metrics
from goldstream.serving.guard import Gate
from goldstream.serving.models import Models
from goldstream.serving.prediction_store import PredictionStore
from goldstream.serving.server import serve
from goldstream.serving.service import Service
from goldstream.serving.trial import Trials
from goldstream.store import Store
from goldstream.stream.champion import Champion

with warnings.catch_warnings():  # it would like the successor of httpx, which nothing else here needs
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

TEXTS = ["rain and flood tonight", "the river floods the valley", "a new phone", "my cat sleeps all day"] * 5
LABELS = ("keep", "other")


def write_model(folder: Path, *, seed: int = 0, labels: tuple[str, ...] = LABELS) -> Path:
    """A model that keeps floods."""
    model = NgramBag(labels, NgramBagSettings(bits=12, epochs=3, seed=seed))
    truth = np.tile([0, 0, 1, 1], 5)
    model.fit(pa.array(TEXTS), np.eye(len(labels), dtype=np.float32)[truth])
    save_model(model, folder, kind="ngram-bag", name="floods", threshold=0.5, positive=labels[0], made_from={})
    return folder


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return [write_model(tmp_path_factory.mktemp("model") / str(seed), seed=seed) for seed in range(2)]


def register(store: Store, folders: list[Path]) -> PostgresRegistry:
    """Versions 1 and 2; 1 is champion."""
    made = PostgresRegistry(store)
    for folder in folders:
        made.register(folder, name="floods", labels=LABELS, threshold=0.5, evidence={})
    made.move("champion", 1, who="test", why="first")
    return made


@pytest.fixture
def registry(store: Store, folders: list[Path]) -> PostgresRegistry:
    """A registry of this test's own."""
    return register(store, folders)


@pytest.fixture(scope="session")
def shared_store(server_folder: Path, folders: list[Path]) -> Iterator[Store]:
    """The same, for all tests that only ask."""
    with Store.open(settings.Store(schema=f"serving_{os.getpid()}"), server_folder) as opened:
        register(opened, folders)
        yield opened


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the versions of `shared_store` are fetched to."""
    return tmp_path_factory.mktemp("cache")


class Served:
    """One serving process in this one."""

    def __init__(self, store: Store, cache: Path, section: settings.Serving) -> None:
        self.said: list[str] = []
        self.champion = Champion(PostgresRegistry(store), cache, say=self.said.append)
        models = Models(self.champion, PostgresRegistry(store), cache, most=section.pinned_versions)
        metrics = Metrics() if section.metrics else None
        batcher = Batcher(together=section.batching, wait_s=section.batch_wait_ms / 1_000, metrics=metrics)
        kept = PredictionStore(store, section, self.said.append) if section.store_predictions else None
        self.service = Service("floods", section, models, batcher, kept, metrics)
        self.service.trials = Trials(store, models, batcher, self.said.append)

    def client(self) -> TestClient:
        return TestClient(make_app(self.service, Gate(self.service)), "http://127.0.0.1:8322", raise_server_exceptions=False)


Serve = Callable[..., Served]


@pytest.fixture
def served(store: Store, tmp_path: Path) -> Serve:
    """Makes a service by its settings; it has looked for its champion once and does not follow it by itself."""

    def make(**options: object) -> Served:
        made = Served(store, tmp_path / "cache", settings.convert(options, settings.Serving, "test"))
        made.champion.look()
        return made

    return make


@pytest.fixture
def open_client(shared_store: Store, shared_cache: Path) -> Iterator[Callable[..., TestClient]]:
    """Makes a client of a service with these settings."""
    with ExitStack() as stack:

        def make(**options: object) -> TestClient:
            made = Served(shared_store, shared_cache, settings.convert(options, settings.Serving, "test"))
            made.champion.look()
            return stack.enter_context(made.client())

        yield make


@pytest.fixture
def client(open_client: Callable[..., TestClient]) -> TestClient:
    return open_client()


Port = tuple[str, int]


@pytest.fixture
def running(registry: PostgresRegistry, served: Serve) -> Iterator[Callable[..., tuple[Served, Port]]]:
    """Makes a service by its settings, on a port of its own and following its champion, until the test ends."""
    stop = threading.Event()
    with ExitStack() as stack:

        def make(**options: object) -> tuple[Served, Port]:
            made, ready = served(**{"drain-s": 0, **options}), threading.Event()
            listener = stack.enter_context(listen("127.0.0.1", 0, section="serving", guarded=False))
            thread = threading.Thread(target=serve, args=(made.service, listener, stop, ready.set))
            made.stop, made.thread = stop, thread
            stack.callback(thread.join, 30)
            stack.callback(stop.set)
            stack.enter_context(made.champion)
            port = listener.getsockname()[:2]
            thread.start()
            assert ready.wait(30)
            return made, port

        yield make
