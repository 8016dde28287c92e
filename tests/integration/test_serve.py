"""`goldstream serve` as people start it: one process, and several on one port."""

import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

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
        for _ in range(20):  # connections wait until a worker has its champion
            answer = httpx.post(f"{address}/predict", json={"text": "a flood"}, timeout=60)
            assert (answer.status_code, answer.json()["label"]) == (200, "keep")
        _until(lambda: _predictions(address) == 20)  # whichever worker is asked, it says what all have counted
        process.send_signal(signal.SIGTERM)
        assert process.stderr.read().splitlines()[-1] == "stopped"
    assert process.returncode == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{address}/livez")


def test_a_worker_that_is_killed_is_replaced(project):
    command = [sys.executable, "-m", "goldstream", "serve", "-c", str(project), "--port", "0", "--workers", "2"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        address = next(found[1] for line in process.stderr if (found := re.search(r"serving on (\S+)", line)))
        httpx.post(f"{address}/predict", json={"text": "a flood"}, timeout=60)
        counted = _predictions(address)
        os.kill(_children(process.pid)[0], signal.SIGKILL)
        assert next(line for line in process.stderr if "starts again" in line)
        for _ in range(20):
            assert httpx.post(f"{address}/predict", json={"text": "a flood"}, timeout=60).status_code == 200
        assert _predictions(address) > counted
        process.send_signal(signal.SIGTERM)
        process.stderr.read()
    assert process.returncode == 0


def _children(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def _predictions(address: str) -> int:
    page = httpx.get(f"{address}/metrics", timeout=60).text
    found = re.findall(r"^goldstream_predictions_total.* (\S+)$", page, re.MULTILINE)
    return int(sum(map(float, found)))


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_without_a_champion_it_says_so_and_takes_the_first_one(project):
    empty = project.with_name("empty.toml")
    empty.write_text(project.read_text().replace('schema = "', 'schema = "empty_'))
    command = [sys.executable, "-m", "goldstream", "serve", "-c", str(empty), "--port", "0"]
    with Project.open(empty) as opened, subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert "there is no champion yet" in process.stderr.readline()
            address = re.search(r"serving on (\S+)", process.stderr.readline())[1]
            assert httpx.post(f"{address}/predict", json={"text": "a flood"}).status_code == 503
            opened.registry().register(
                project.parent / "model", name="floods", labels=("keep", "other"), threshold=0.5, evidence={}
            )
            opened.registry().move("champion", 1, who="test", why="first")
            assert next(line for line in process.stderr if "champion is now version 1" in line)
            assert httpx.post(f"{address}/predict", json={"text": "a flood"}, timeout=60).json()["version"] == 1
        finally:
            process.send_signal(signal.SIGTERM)
            process.stderr.read()
            opened.store.reset()


def test_on_a_terminal_nothing_is_drawn_over_what_it_says(project):
    command = [sys.executable, "-m", "goldstream", "serve", "-c", str(project), "--port", "0"]
    terminal, there = pty.openpty()
    with (
        subprocess.Popen(command, stderr=there, stdin=there, stdout=there) as process,
        open(terminal, "rb", buffering=0) as seen,
    ):
        os.close(there)
        said = _read(seen, until=b"/docs")
        address = re.search(rb"serving on (\S+)", said)[1].decode()
        assert httpx.get(f"{address}/readyz").status_code == 200
        process.send_signal(signal.SIGINT)
        said += _read(seen, until=b"stopped")
    assert [line.split(b"  ")[0] for line in said.splitlines()] == [
        b"champion is now version 1", f"serving on {address}".encode(), f"what can be asked: {address}/docs".encode(), b"stopped"
    ]  # fmt: skip


def _read(seen: IO[bytes], until: bytes) -> bytes:
    said = b""
    while until not in said:
        said += seen.read(4_096)
    return said
