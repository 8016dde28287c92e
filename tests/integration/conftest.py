"""Rows that several tests need, and a real MLflow."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from goldstream import settings
from goldstream.store import Store

Keep = Callable[..., None]


@pytest.fixture
def keep(store: Store) -> Keep:
    """Write a kept post straight into the store."""

    def write(post_id: str, text: str, *, position: int = 0, links: tuple[str, ...] = (), **values: Any) -> None:
        with store.connect(name="test") as conn, conn.transaction():
            conn.execute(
                "INSERT INTO models (name, labels, threshold, sha256, evidence) SELECT 'm', '{ai,other}', 0.5, 'x', "
                """'{"metrics": {}, "evaluated_on": "nothing"}' WHERE NOT EXISTS (SELECT FROM models)"""
            )
            conn.execute(
                """INSERT INTO candidates (post_id, revision, source, text, seen_at, author, links, tags, media, extra, label,
                       probability, version, position)
                   VALUES (%s, 0, 'test', %s, now(), %s, %s, '{}', '{}', '{}', %s, 0.9, (SELECT max(version) FROM models), %s)""",
                (post_id, text, values.get("author", "ann"), list(links), values.get("label", "ai"), position),
            )
            for link in links:
                conn.execute("INSERT INTO candidate_links VALUES (%s, %s, 'example.org', 'ann', now())", (post_id, link))

    return write


@pytest.fixture(scope="session")
def mlflow_uri(server_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real MLflow server, which keeps what it knows in a database of the embedded PostgreSQL."""
    if find_spec("mlflow") is None or find_spec("alembic") is None:
        pytest.skip("a whole MLflow is not installed: pip install mlflow")
    folder = tmp_path_factory.mktemp("mlflow")
    with Store.open(settings.Store(schema="session"), server_folder) as store:
        with psycopg.connect(store.dsn, autocommit=True) as conn:
            conn.execute("CREATE DATABASE mlflow")
        place = conninfo_to_dict(store.dsn)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    database = f"postgresql+psycopg://{place['user']}@/mlflow?host={place['host']}&port={place.get('port', 5432)}"
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--backend-store-uri", database, "--artifacts-destination", str(folder / "artifacts"),
    ]  # fmt: skip
    environment = {
        **os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http", "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",
        "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": urlsafe_b64encode(bytes(32)).decode(),
    }  # fmt: skip
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        uri = f"http://127.0.0.1:{port}"
        _wait_for(f"{uri}/health", process, folder / "log")
        yield uri
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"the server did not start: {log.read_text()[-2_000:]}")
