"""The other servers: each gets an environment of its own, made from the requirements beside it, and the same model to serve."""

import json
import os
import shutil
import signal
import subprocess
import time
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import psutil

FOLDER = Path(__file__).with_name("rivals")
PATIENCE_S = 120


class Rival(NamedTuple):
    """How a rival is asked."""

    name: str
    folder: str
    path: str
    ask: Callable[[str], Any]  #: from a text to the body of a request
    chance: Callable[[Any], float]  #: from an answer to the probability of what it answers


def _v2(text: str) -> dict[str, Any]:
    tensor = {"name": "text", "shape": [1], "datatype": "BYTES", "data": [text]}
    return {"inputs": [tensor], "outputs": [{"name": "predict_proba"}]}


RIVALS = [
    Rival("FastAPI + scikit-learn", "fastapi", "/predict", lambda text: {"text": text}, lambda said: said["probability"]),
    Rival(
        "mlflow models serve",
        "mlflow",
        "/invocations",
        lambda text: {"inputs": [text]},
        lambda said: max(said["predictions"][0]),
    ),
    Rival("LitServe", "litserve", "/predict", lambda text: {"text": text}, lambda said: said["probability"]),
    Rival("MLServer", "mlserver", "/v2/models/judge/infer", _v2, lambda said: max(said["outputs"][0]["data"])),
    Rival("BentoML", "bentoml", "/predict", lambda text: {"text": text}, lambda said: said["probability"]),
]


def installed(rival: Rival, environments: Path) -> str | None:
    """Make the rival's environment, unless it is there; return why it can't be made, or None."""
    wanted = FOLDER / rival.folder / "requirements.txt"
    place = environments / rival.folder
    done = place / "installed.txt"
    if done.exists() and done.read_text() == wanted.read_text():
        return None
    shutil.rmtree(place, ignore_errors=True)
    venv.create(place, with_pip=True)
    command = [str(place / "bin/pip"), "install", "--quiet", "--disable-pip-version-check", "-r", str(wanted)]
    said = subprocess.run(command, capture_output=True, text=True)
    if said.returncode:
        return (said.stderr.strip().splitlines() or ["pip said nothing"])[-1]
    shutil.copy(wanted, done)
    return None


def write_posts(folder: Path, texts: list[str], truth: list[int]) -> Path:
    """Write what the rivals' model is fitted to."""
    file = folder / "posts.json"
    file.write_text(json.dumps({"texts": texts, "truth": truth}))
    return file


@contextmanager
def running(rival: Rival, environments: Path, posts: Path, port: int) -> Iterator[tuple[str, int]]:
    """The rival on `port`, fitted to `posts`: its address, and its process, once it has answered with a probability."""
    command = [str(environments / rival.folder / "bin/python"), str(FOLDER / rival.folder / "serve.py"), str(posts), str(port)]
    environment = {**os.environ, "PATH": f"{environments / rival.folder / 'bin'}:{os.environ['PATH']}"}
    shown = None if os.environ.get("BENCHMARK_VERBOSE") else subprocess.DEVNULL
    process = subprocess.Popen(command, env=environment, stdout=shown, stderr=shown)
    try:
        address = f"http://127.0.0.1:{port}"
        _wait(rival, address, process)
        yield address, process.pid
    finally:
        _end(process)


def _wait(rival: Rival, address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{rival.name} ended with exit code {process.returncode}")
        try:
            answer = httpx.post(f"{address}{rival.path}", json=rival.ask("a new model"), timeout=10)
            if answer.status_code == 200:
                assert 0.5 <= rival.chance(answer.json()) <= 1, answer.text
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise RuntimeError(f"{rival.name} did not answer within {PATIENCE_S} s")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the server and what it has started."""
    family = (
        [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)] if process.poll() is None else []
    )
    for each in family:
        _signal(each, signal.SIGTERM)
    _, left = psutil.wait_procs(family, timeout=10)
    for each in left:
        _signal(each, signal.SIGKILL)
    process.wait()


def _signal(process: psutil.Process, number: int) -> None:
    with suppress(psutil.NoSuchProcess):
        process.send_signal(number)
