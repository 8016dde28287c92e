"""MLflow and our serving side by side: its client asks us, its server serves our model, its webhook announces a move."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pytest

from goldstream.models.folder import save_model
from goldstream.models.ngram_bag import NgramBag, NgramBagSettings
from goldstream.registry.base import Registry
from goldstream.run.project import Project
from goldstream.run.serving import open_port, serve_project
from goldstream.store import Store
from goldstream.web.server import serve as serve_pages

mlflow = pytest.importorskip("mlflow", reason="MLflow's client is not installed: pip install 'goldstream[mlflow]'")

TEXTS = ["the flood comes tonight", "my new phone", ""]
_projects = count()


class Served(NamedTuple):
    """A project whose champion is version 1 of two, behind REST."""

    project: Project
    registry: Registry
    port: int

    def post(self, path: str, body: bytes, **headers: str) -> tuple[int, bytes]:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", body, headers)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()


@pytest.fixture
def served(store: Store, mlflow_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setenv("WEBHOOK_SECRET", "not to be guessed")
    config = tmp_path / "goldstream.toml"
    config.write_text(f"""
        project.name = "served-{next(_projects)}"
        store = {{ dsn = "{store.dsn}", schema = "{store.schema}" }}
        registry = {{ type = "mlflow", uri = "{mlflow_uri}", poll-s = 3600.0, webhook-secret = {{ env = "WEBHOOK_SECRET" }} }}
        serving.port = 0
        web.port = 0
    """)
    ready, stop = threading.Event(), threading.Event()
    with Project.open(config) as project, closing(project.registry()) as registry:
        for seed in range(2):
            folder = write_model(tmp_path / f"model{seed}", seed)
            registry.register(folder, name="floods", labels=("keep", "other"), threshold=0.5, evidence={"seed": seed})
        registry.move("champion", 1, who="ann", why="first")
        with open_port(project.settings.serving) as listener:
            serving = threading.Thread(target=serve_project, args=(project, listener, stop, print, ready.set))
            serving.start()
            try:
                assert ready.wait(60)
                wait_until_answered(f"http://127.0.0.1:{listener.getsockname()[1]}/readyz", serving.is_alive)
                yield Served(project, registry, listener.getsockname()[1])
            finally:
                stop.set()
                serving.join()


def write_model(folder: Path, seed: int) -> Path:
    model = NgramBag(("keep", "other"), NgramBagSettings(bits=12, epochs=3, seed=seed))
    model.fit(pa.array(TEXTS[:2] * 10), np.eye(2, dtype=np.float32)[[0, 1] * 10])
    save_model(model, folder, kind="ngram-bag", name="floods", threshold=0.5, positive="keep", made_from={})
    return folder


def test_mlflows_client_understands_our_answers(served: Served) -> None:
    pandas = pytest.importorskip("pandas")
    client = pytest.importorskip("mlflow.pyfunc.scoring_server.client")
    scoring = client.ScoringServerClient("127.0.0.1", served.port)
    scoring.wait_server_ready(timeout=10, scoring_server_proc=subprocess)
    answers = scoring.invoke(pandas.DataFrame({"text": TEXTS})).get_predictions()
    assert list(answers["label"])[:2] == ["keep", "other"]
    assert list(answers.columns) == ["label", "probability", "probabilities"]


def test_mlflow_serves_our_model_with_the_same_answers(served: Served, mlflow_uri: str, tmp_path: Path) -> None:
    pytest.importorskip("mlflow.pyfunc.scoring_server")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    model = f"models:/{served.project.settings.project.name}@champion"
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", model, "-p", str(port), "--env-manager", "local"]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # where it looks for uvicorn
    environment = {**os.environ, "PATH": path, "MLFLOW_TRACKING_URI": mlflow_uri, "MLFLOW_DISABLE_TELEMETRY": "true"}
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, start_new_session=True)
    theirs = served._replace(port=port)
    kind = {"Content-Type": "application/json"}
    try:
        wait_until_answered(f"http://127.0.0.1:{port}/ping", lambda: process.poll() is None)
        for body in (
            {"dataframe_split": {"columns": ["text"], "data": [[text] for text in TEXTS]}},
            {"dataframe_records": [{"text": text} for text in TEXTS]},
            {"instances": [{"text": text} for text in TEXTS]},
            {"inputs": {"text": TEXTS}},
        ):
            asked = json.dumps(body).encode()
            (status, ours), (their_status, answer) = (each.post("/invocations", asked, **kind) for each in (served, theirs))
            assert (status, their_status) == (200, 200), answer
            assert json.loads(ours) == json.loads(answer)
        table = b"text\nthe flood comes tonight\nmy new phone\n"
        both = [each.post("/invocations", table, **{"Content-Type": "text/csv"}) for each in (served, theirs)]
        assert json.loads(both[0][1]) == json.loads(both[1][1])
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()


@pytest.fixture
def pages(served: Served) -> Iterator[int]:
    """The port of the project's pages."""
    stop, ready = threading.Event(), threading.Event()
    found = []

    def start(address: str) -> None:
        found.append(int(address.rpartition(":")[2]))
        ready.set()

    project = served.project
    answering = threading.Thread(
        target=serve_pages, args=(project.store, project.settings, stop), kwargs={"folder": project.folder, "ready": start}
    )
    answering.start()
    try:
        assert ready.wait(60)
        yield found[0]
    finally:
        stop.set()
        answering.join()


@pytest.mark.parametrize("at", ["serving", "pages"])
def test_a_move_in_mlflow_is_announced_by_its_webhook(served: Served, pages: int, mlflow_uri: str, at: str) -> None:
    client, name = mlflow.MlflowClient(mlflow_uri, mlflow_uri), served.project.settings.project.name
    url = f"http://127.0.0.1:{served.port if at == 'serving' else pages}/webhooks/mlflow"
    hook = client.create_webhook(name, url, ["model_version_alias.created"], secret="not to be guessed")
    try:
        assert client.test_webhook(hook.webhook_id).success
        with closing(served.project.registry()) as waiter:
            while waiter.wait(0.5):  # what was before
                pass
            client.set_registered_model_alias(name, "champion", "2")
            assert waiter.wait(30)  # in an hour, it would have looked by itself
            assert waiter.alias("champion") == 2
        wait_until(lambda: json.loads(served.post("/predict", b'{"text": "flood"}')[1])["version"] == 2)
        assert [move.who for move in served.registry.history("champion")] == ["MLflow", "ann"]
    finally:
        client.delete_webhook(hook.webhook_id)


def test_a_delivery_without_mlflows_signature_is_refused(served: Served) -> None:
    event = b'{"entity":"model_version_alias","action":"created","timestamp":"2026-11-20T10:00:00+00:00","data":{}}'
    for headers in ({}, {"X-MLflow-Signature": "v1,AAAA", "X-MLflow-Delivery-Id": "1", "X-MLflow-Timestamp": "1795000000"}):
        status, body = served.post("/webhooks/mlflow", event, **headers)
        assert (status, list(json.loads(body))) == (401, ["error"])


def wait_until(true: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(600):
        if true():
            return
        pause.wait(0.05)
    raise AssertionError("it never came to it")


def wait_until_answered(url: str, alive: Callable[[], bool]) -> None:
    """Wait for 200 at `url`, at most a minute."""
    pause = threading.Event()
    for _ in range(600):
        assert alive()
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            pause.wait(0.1)
    raise AssertionError(f"nothing answers at {url}")
