"""What serving and the stream follow goes away, or goes silent: they go on with what they have, and catch up."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest

from goldstream.records import Post, to_columns
from goldstream.run.project import Project
from goldstream.store import Store
from goldstream.store.server import EmbeddedServer

from ...chaos.proxy import Proxy, port, unix
from .conftest import register
from .processes import Asking, Part, ask, asked, metric, running, serving, wait_until

DOWN_S = 3.0


class Elsewhere:
    """A PostgreSQL that is not the project's, reached over the network, which can be stopped and started."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server = EmbeddedServer(folder)
        self._server.ensure()
        self.line = Proxy(unix(folder / "socket" / ".s.PGSQL.5432"))
        self.dsn = f"host=127.0.0.1 port={self.line.port} user=goldstream dbname=postgres"

    def stop(self) -> None:
        """Shut it down; returns when it is gone."""
        process = psutil.Process(int((self._folder / "postgres" / "postmaster.pid").read_text().split()[0]))
        self._server.close()  # nobody else has a hold on it
        process.wait(30)

    def start(self) -> None:
        self._server = EmbeddedServer(self._folder)
        self._server.ensure()

    def close(self) -> None:
        self.line.close()
        self._server.close()


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Elsewhere]:
    with closing(Elsewhere(tmp_path / "database")) as made:
        yield made


@pytest.fixture
def project(tmp_path: Path, elsewhere: Elsewhere, folders: list[Path]) -> Iterator[Project]:
    """A project in that database, with two versions of a model."""
    config = tmp_path / "goldstream.toml"
    config.write_text(f'[project]\nname = "floods"\n[store]\ndsn = "{elsewhere.dsn}"\n[stream]\nkeep-floor = 0.0\n')
    with Project.open(config) as opened:
        register(opened, folders)
        yield opened


Outage = Callable[[Elsewhere, threading.Event], None]


def append(project: Project, first: int, count: int = 50) -> None:
    posts = [Post(id=f"p{number}", source="t", text="a flood", revision=1) for number in range(first, first + count)]
    with closing(project.log()) as log:
        log.append(to_columns(posts), "t", None)


def answers_with(address: str, version: int) -> bool:
    """Whether that version answers; asks nothing that would be stored."""
    return f'"version":{version}' in ask(address, "/readyz")[1]


def stopped(elsewhere: Elsewhere, over: threading.Event) -> None:
    elsewhere.stop()
    time.sleep(DOWN_S)
    elsewhere.start()
    over.set()


def silent(elsewhere: Elsewhere, over: threading.Event) -> None:
    elsewhere.line.fall_silent(DOWN_S)
    over.set()


def test_serving_and_the_stream_outlive_a_database_that_goes_away(project: Project, elsewhere: Elsewhere) -> None:
    champions = (2, 1)
    with (
        serving(project.config) as (part, address),
        running("classify", "--follow", "-c", str(project.config)) as stream,
        asked(address, address) as clients,
        closing(project.registry()) as registry,
    ):
        append(project, 0)
        stream.heard("champion is now version 1")
        wait_until(lambda: metric(address, "goldstream_predictions_stored_total") > 0, "answers are stored")
        for number, (outage, champion) in enumerate(zip((stopped, silent), champions, strict=True), 1):
            outlive(outage, elsewhere, address, clients, 3 - champion)
            registry.move("champion", champion, who="test", why="after the outage")
            wait_until(lambda: answers_with(address, champion), "the move is followed")  # noqa: B023
            stream.heard(f"champion is now version {champion}")
            append(project, 50 * number)
        answers = [answer for client in clients for answer in client.end()]
        wait_until(lambda: metric(address, "goldstream_predictions_waiting") == 0, "all answers are stored")
        with project.store.connect(name="test") as conn:
            wait_until(
                lambda: conn.execute("SELECT count(*) FROM predictions").fetchone() == (150,), "all posts are classified"
            )
            rows = conn.execute("SELECT position, version FROM predictions ORDER BY position").fetchall()
            stored = conn.execute("SELECT version, count(*)::int FROM served_predictions GROUP BY 1").fetchall()
        part.heard("answers are kept in memory")
        part.heard("the registry can't be read, the model stays as it is")
        part.heard("the registry can be read again")
        part.heard("the database takes answers again")
    assert {answer.status for answer in answers} == {200}
    assert rows == [(position, (1, *champions)[position // 50]) for position in range(150)]
    assert dict(stored) == Counter(answer.version for answer in answers)


def outlive(outage: Outage, elsewhere: Elsewhere, address: str, clients: list[Asking], champion: int) -> None:
    """See that all goes on while the database is away, and that only who needs it must wait, or is told to come again."""
    over = threading.Event()
    away = threading.Thread(target=outage, args=(elsewhere, over))
    hangs = [threading.Thread(target=ask, args=(address, "/statistics")) for _ in range(12)]
    away.start()
    wait_until(lambda: metric(address, "goldstream_predictions_waiting") > 100, "answers wait in memory")
    for each in hangs:
        each.start()
    before = [len(client.answers) for client in clients]
    while not over.wait(0.1):
        assert [ask(address, path, timeout_s=2)[0] for path in ("/livez", "/readyz", "/metrics")] == [200, 200, 200]
        assert answers_with(address, champion)
    assert all(len(client.answers) > count for client, count in zip(clients, before, strict=True))
    for each in (away, *hangs):
        each.join()


def test_a_worker_that_starts_during_an_outage_waits_and_the_others_answer(project: Project, elsewhere: Elsewhere) -> None:
    with serving(project.config, "--workers", "2") as (part, address):
        wait_until(lambda: "".join(part.said).count("champion is now version 1") == 2, "both workers have it")
        with elsewhere.line.refusing():
            part.heard("the registry can't be read")
            psutil.Process(part.process.pid).children()[0].kill()
            part.heard("a worker can't start yet, and tries again: PostgreSQL can't be reached")
            assert all(ask(address, "/predict", {"text": "a flood"})[0] == 200 for _ in range(50))
        wait_until(lambda: "".join(part.said).count("champion is now version 1") == 3, "the new worker has it")
        assert "Traceback" not in "".join(part.said)


def test_a_move_that_nobody_announces_is_found_and_from_then_on_announced(project: Project, elsewhere: Elsewhere) -> None:
    with serving(project.config) as (part, address), project.store.connect(name="test") as conn:
        wait_until(lambda: len(listeners(conn)) == 1, "it listens")
        before = listeners(conn)
        (listens,) = lasting_connections(part, elsewhere.line.port)
        elsewhere.line.lose(listens)  # it hears nothing any more, and is not told so
        project.registry().move("champion", 2, who="test", why="not heard")
        wait_until(lambda: answers_with(address, 2), "it looks by itself")
        wait_until(lambda: len(listeners(conn) - before) == 1, "it listens anew")


def listeners(conn: psycopg.Connection) -> set[int]:
    """The processes of PostgreSQL that tell somebody of moves."""
    rows = conn.execute("SELECT pid FROM pg_stat_activity WHERE application_name = 'goldstream registry follower'")
    return {pid for (pid,) in rows}


def lasting_connections(part: Part, server: int) -> set[int]:
    """The ports of a process's connections to a server, those left out that come and go."""
    found: list[set[int]] = []
    for _ in range(3):
        lines = psutil.Process(part.process.pid).net_connections("tcp")
        found.append({line.laddr.port for line in lines if line.raddr and line.raddr.port == server})
        time.sleep(0.3)
    return set.intersection(*found)


def test_serving_and_the_stream_outlive_an_mlflow_that_goes_away(
    store: Store, mlflow_uri: str, folders: list[Path], tmp_path: Path
) -> None:
    mlflow, server = pytest.importorskip("mlflow"), urlsplit(mlflow_uri).port
    assert server is not None
    with closing(Proxy(port(server))) as line, ExitStack() as parts:
        config = tmp_path / "goldstream.toml"
        config.write_text(
            f'[project]\nname = "outage"\n[store]\ndsn = "{store.dsn}"\nschema = "{store.schema}"\n[stream]\nkeep-floor = 0.0\n'
            f'[registry]\ntype = "mlflow"\nuri = "http://127.0.0.1:{line.port}"\n'
        )
        project = parts.enter_context(Project.open(config))
        register(project, folders)
        part, address = parts.enter_context(serving(config))
        stream = parts.enter_context(running("classify", "--follow", "-c", str(config)))
        stream.heard("champion is now version 1")
        clients = parts.enter_context(asked(address))
        conn = parts.enter_context(project.store.connect(name="test"))
        for number, (outage, champion) in enumerate(((line.cut_off, 2), (line.fall_silent, 1))):
            away = threading.Thread(target=outage, args=(DOWN_S,))
            away.start()
            time.sleep(0.5)
            append(project, 50 * number)
            wait_until(lambda: count_of(conn) == 50 * (number + 1), "posts are classified")  # noqa: B023
            mlflow.MlflowClient(mlflow_uri).set_registered_model_alias("outage", "champion", str(champion))  # on its own pages
            while away.is_alive():
                assert ask(address, "/readyz", timeout_s=5)[0] == 200
            wait_until(lambda: answers_with(address, champion), "serving follows")  # noqa: B023
            stream.heard(f"champion is now version {champion}")
        part.heard("the registry can't be read, the model stays as it is: no MLflow answers")
        assert conn.execute("SELECT version, count(*) FROM predictions GROUP BY 1 ORDER BY 1").fetchall() == [(1, 50), (2, 50)]
        assert {answer.status for answer in clients[0].end()} == {200}


def count_of(conn: psycopg.Connection) -> int:
    row = conn.execute("SELECT count(*) FROM predictions").fetchone()
    return 0 if row is None else row[0]
