"""`goldstream serve` as people start it: one process, and several on one port."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pyarrow as pa
import pytest

from goldstream.models.folder import save_model
from goldstream.models.ngram_bag import NgramBag, NgramBagSettings
from goldstream.run.project import Project
from goldstream.store import Store


@pytest.fixture
def project(tmp_path: Path, store: Store) -> Iterator[Path]:
    config = tmp_path / "goldstream.toml"
    config.write_text(f'[project]\nname = "floods"\n[store]\ndsn = "{store.dsn}"\nschema = "{store.schema}"\n')
    model = NgramBag(("keep", "other"), NgramBagSettings(bits=12, epochs=2))
    model.fit(pa.array(["a flood", "a cat"] * 10), np.eye(2, dtype=np.float32)[[0, 1] * 10])
    save_model(model, tmp_path / "model", kind="ngram-bag", name="floods", threshold=0.5, positive="keep", made_from={})
    with Project.open(config) as opened:
        registry = opened.registry()
        registry.register(tmp_path / "model", name="floods", labels=("keep", "other"), threshold=0.5, evidence={})
        registry.move("champion", 1, who="test", why="first")
        yield config


@pytest.mark.parametrize("workers", [1, 2])
def test_the_command_serves_until_it_is_asked_to_stop(project, workers):
    command = [sys.executable, "-m", "goldstream", "serve", "-c", str(project), "--port", "0", "--workers", str(workers)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ}) as process:
        address = next(found[1] for line in process.stderr if (found := re.search(r"serving on (\S+)", line)))
        seen = set()
        for _ in range(200):  # connections wait until a worker has its champion
            with httpx.Client(base_url=address, timeout=60) as client:
                answer = client.post("/predict", json={"text": "a flood"})
                assert (answer.status_code, answer.json()["label"]) == (200, "keep")
                seen.add(re.search(r'worker="(\d+)"', client.get("/metrics").text)[1])
            if len(seen) == workers:
                break
        process.send_signal(signal.SIGTERM)
        process.stderr.read()
    assert process.returncode == 0
    assert len(seen) == workers
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{address}/livez")


def test_a_worker_that_is_killed_is_replaced(project):
    command = [sys.executable, "-m", "goldstream", "serve", "-c", str(project), "--port", "0", "--workers", "2"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        address = next(found[1] for line in process.stderr if (found := re.search(r"serving on (\S+)", line)))
        first = re.search(r'worker="(\d+)"', httpx.get(f"{address}/metrics", timeout=60).text)[1]
        os.kill(int(first), signal.SIGKILL)
        assert next(line for line in process.stderr if "starts again" in line)
        for _ in range(20):
            assert httpx.post(f"{address}/predict", json={"text": "a flood"}, timeout=60).status_code == 200
        process.send_signal(signal.SIGTERM)
        process.stderr.read()
    assert process.returncode == 0
