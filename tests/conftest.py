"""What the tests share: one embedded server for the session, a fresh schema for each test that asks for a store.

`make test` runs them on several workers, each of which is a session of its own.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from goldstream import settings
from goldstream.run import kafka_broker
from goldstream.store import Store

_numbers = count()

#: What some files share takes long to start, so one worker has them all.
SHARED = {
    "kafka": "broker", "test_demo": "demo", "test_tutorial": "demo", "mlflow": "mlflow", "integration/test_versions": "mlflow",
    "registry/test_registry": "mlflow", "run/test_train": "mlflow", "serving/test_outages": "mlflow",
}  # fmt: skip
LONGEST_FIRST = (
    "broker",
    "mlflow",
    "demo",
    "tests/chaos",
    "tests/acceptance/test_up",
    "tests/acceptance",
    "tests/integration",
    "",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest."""
    items.sort(key=lambda item: next(rank for rank, name in enumerate(LONGEST_FIRST) if _group(item.nodeid).startswith(name)))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep the tests of a file on one worker."""
    from xdist.scheduler import LoadFileScheduling

    class ByGroup(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _group(nodeid)

    config.option.loadscopereorder = False
    return ByGroup(config, log)


def _group(nodeid: str) -> str:
    file = nodeid.split("::")[0]
    return next((group for name, group in SHARED.items() if name in file), file)


MARK = "GOLDSTREAM_TESTS"  #: a variable that every process has that the tests start, and those that these start


def pytest_configure() -> None:
    os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1")  # a broker of a test lives too briefly to compile well
    if "PYTEST_XDIST_WORKER" not in os.environ:
        os.environ[MARK] = f"{os.getpid()} at {time.time()}"


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail when a process outlives the tests, and end it."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    deadline = time.monotonic() + 30
    while (left := _left()) and time.monotonic() < deadline:
        time.sleep(0.1)
    for process, words in left.items():
        print(f"\nleft by the tests, and ended: {process.pid} {words}")
        with suppress(psutil.Error):
            process.kill()
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _left() -> dict[psutil.Process, str]:
    found = {}
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get(MARK) == os.environ[MARK]:
                found[process] = " ".join(process.cmdline())
    return found


@pytest.fixture(scope="session")
def server_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a server that runs for the whole session."""
    folder = tmp_path_factory.mktemp("server")
    with Store.open(settings.Store(schema="session"), folder) as opened:
        with opened.connect(name="hurry") as conn:  # no test cuts its power
            conn.execute("ALTER SYSTEM SET fsync = off")
            conn.execute("SELECT pg_reload_conf()")
        yield folder


@pytest.fixture
def store_settings() -> settings.Store:
    """Settings of a schema that no other test uses."""
    return settings.Store(schema=f"test_{os.getpid()}_{next(_numbers)}")


@pytest.fixture
def store(server_folder: Path, store_settings: settings.Store) -> Iterator[Store]:
    """An open store on a schema of its own."""
    with Store.open(store_settings, server_folder) as opened:
        yield opened
        with opened.connect(name="drop") as conn:
            conn.execute(f"DROP SCHEMA {store_settings.schema} CASCADE".encode())


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[kafka_broker.Broker]:
    """A real Kafka broker for the whole session, where Java and Maven are at hand."""
    if why := kafka_broker.missing():
        pytest.skip(why)
    with kafka_broker.Broker(tmp_path_factory.mktemp("kafka")) as started:
        yield started


@pytest.fixture
def kafka(broker: kafka_broker.Broker) -> Callable[..., settings.Settings]:
    """Make the settings of a project whose topics no other test uses."""

    def make(**log: object) -> settings.Settings:
        section = {"type": "kafka", "kafka": {"bootstrap.servers": broker.servers}, **log}
        project = settings.Project(name=f"test-{next(_numbers)}")
        return settings.Settings(project=project, log=settings.Log(**section))  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("GOLDSTREAM_SHARED", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no folder of real data at {folder}; set GOLDSTREAM_SHARED")
    return folder


class Fill:
    """Puts rows where the loops would, for tests of what reads them."""

    def __init__(self, conn: psycopg.Connection[Any]) -> None:
        self.conn, self._position = conn, 0

    @staticmethod
    def json(data: Any) -> Jsonb:
        """What is stored as JSON."""
        return Jsonb(data)

    def champion(self, threshold: float = 0.5) -> int:
        """Register a model that decides from `threshold` on, and promote it."""
        evidence = {
            "metrics": {
                "precision": 0.91, "recall": 0.84, "f1": 0.873, "keyword_f1": 0.66, "f1_interval": [0.85, 0.89],
            },
            "evaluated_on": "test_dataset_0: 1,000 posts with gold labels",
            "trained_on": 9_800, "dataset": "raw_tweet_dataset_0",
        }  # fmt: skip
        row = self.conn.execute(
            "INSERT INTO models (name, labels, threshold, sha256, evidence) "
            "VALUES ('ai-links-ngram-bag', '{ai,other}', %s, '', %s) RETURNING version",
            (threshold, Jsonb(evidence)),
        ).fetchone()
        assert row is not None
        self.conn.execute(
            "INSERT INTO alias_moves (alias, after, who, why) VALUES ('champion', %s, 'test', 'first model')",
            row,
        )
        return int(row[0])

    def keep(
        self, post_id: str, text: str = "hello", *, links: Sequence[str] = (), probability: float = 0.9, **columns: Any
    ) -> int:
        """Store a classified post under the newest model and return its position."""
        self._position += 1
        values = {
            "post_id": post_id, "revision": 1, "source": "sample", "text": text, "seen_at": datetime.now(UTC),
            "author": "ada", "links": list(links), "tags": [], "media": [], "extra": Jsonb({}), "label": "ai",
            "probability": probability, "position": self._position, **columns,
        }  # fmt: skip
        names = sql.SQL(", ").join(map(sql.Identifier, values))
        query = sql.SQL("INSERT INTO candidates ({}, version) SELECT {}, max(version) FROM models").format(
            names, sql.SQL(", ").join(map(sql.Placeholder, values))
        )
        self.conn.execute(query, values)
        for link in links:
            self.conn.execute(
                "INSERT INTO candidate_links (post_id, url, domain, author, seen_at) VALUES (%s, %s, %s, %s, %s)",
                (post_id, link, link.split("/")[2], values["author"], values["seen_at"]),
            )
        return self._position


@pytest.fixture
def fill(store: Store) -> Iterator[Fill]:
    """Puts rows into `store`."""
    with store.connect(name="fill") as conn:
        yield Fill(conn)


@pytest.fixture
def register(store: Store, tmp_path: Path) -> Callable[..., int]:
    """Registers a small model that tells "model" from "rain", and returns its version; it is nobody's champion yet."""
    import numpy as np
    import pyarrow as pa

    from goldstream.models.folder import save_model
    from goldstream.models.ngram_bag import NgramBag, NgramBagSettings
    from goldstream.registry.postgres import PostgresRegistry

    def made(labels: tuple[str, str] = ("ai", "other")) -> int:
        model = NgramBag(labels, NgramBagSettings(bits=12))
        texts = pa.array(["a new model", "open model weights", "rain again", "more rain today"] * 4)
        model.fit(texts, np.eye(2, dtype=np.float32)[[0, 0, 1, 1] * 4])
        folder = tmp_path / f"model{next(_numbers)}"
        save_model(model, folder, kind="ngram-bag", name="small", threshold=0.5, positive=labels[0], made_from={})
        evidence = {"metrics": {"f1": 0.8}, "evaluated_on": "nothing"}
        return PostgresRegistry(store).register(folder, name="small", labels=labels, threshold=0.5, evidence=evidence)

    return made
