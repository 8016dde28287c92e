"""`goldstream serve` and `goldstream classify` as processes, clients who ask them without a pause, and what they may meet."""

import http.client
import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from goldstream.models.folder import save_model
from goldstream.models.ngram_bag import NgramBag, NgramBagSettings

LABELS = ("keep", "other")


class Part:
    """A running `goldstream …`: what it has said, and where it serves."""

    def __init__(self, *words: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "goldstream", *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        self.said: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def heard(self, pattern: str, *, timeout_s: float = 60.0) -> str:
        """Return what matches in what it has said, as soon as it has."""
        found: list[str] = []

        def look() -> bool:
            found[:] = re.findall(pattern, "".join(self.said))
            return bool(found) or self.process.poll() is not None

        wait_until(look, f"it says {pattern!r}", timeout_s)
        assert found, "".join(self.said)
        return found[-1]

    def end(self) -> int:
        """Ask it to end, and return its exit code; one that does not is killed."""
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        self._reader.join()
        return code

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def _read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as lines:
            self.said.extend(lines)


@contextmanager
def running(*words: str) -> Iterator[Part]:
    """`goldstream WORDS` until the block ends: politely where all went well, at once where something failed."""
    part = Part(*words)
    try:
        yield part
        assert part.process.poll() is not None or part.end() == 0, "".join(part.said)
    finally:
        if part.process.poll() is None:
            part.process.terminate()  # its workers end with it
            with suppress(subprocess.TimeoutExpired):
                part.process.wait(5)
            part.kill()


@contextmanager
def serving(config: Path, *options: str) -> Iterator[tuple[Part, str]]:
    """`goldstream serve` on a free port, and the address at which it answers."""
    with running("serve", "-c", str(config), "--port", "0", *options) as part:
        yield part, part.heard(r"serving on http://(\S+)")


class Answer(NamedTuple):
    """What a client got; status 0 is a connection that broke."""

    status: int
    version: int | None
    seconds: float


class Asking(threading.Thread):
    """A client that asks without a pause, on a connection that it keeps, until it is stopped."""

    def __init__(self, address: str) -> None:
        super().__init__(daemon=True)
        self._address, self._over = address, threading.Event()
        self.answers: list[Answer] = []
        self.start()

    def run(self) -> None:
        client = http.client.HTTPConnection(self._address, timeout=60)
        while not self._over.wait(0.002):
            began = time.monotonic()
            try:
                client.request("POST", "/predict", b'{"text": "a flood"}', {"content-type": "application/json"})
                answer = client.getresponse()
                said = json.loads(answer.read())
                self.answers.append(Answer(answer.status, said.get("version"), time.monotonic() - began))
            except (OSError, http.client.HTTPException):
                self.answers.append(Answer(0, None, time.monotonic() - began))
                client.close()
        client.close()

    def end(self) -> list[Answer]:
        self._over.set()
        self.join(90)
        return self.answers


@contextmanager
def asked(*addresses: str) -> Iterator[list[Asking]]:
    """Clients, one for each address."""
    clients = [Asking(address) for address in addresses]
    try:
        yield clients
    finally:
        for client in clients:
            client.end()


def ask(address: str, path: str, body: object = None, *, timeout_s: float = 30.0) -> tuple[int, str]:
    """One request of its own; status and body of the answer."""
    client = http.client.HTTPConnection(address, timeout=timeout_s)
    try:
        if body is None:
            client.request("GET", path)
        else:
            client.request("POST", path, json.dumps(body), {"content-type": "application/json"})
        answer = client.getresponse()
        return answer.status, answer.read().decode()
    finally:
        client.close()


def version(address: str) -> int:
    """The version that answers."""
    status, body = ask(address, "/predict", {"text": "a flood"})
    assert status == 200, body
    return int(json.loads(body)["version"])


def metric(address: str, sample: str) -> float:
    """The value of a sample on /metrics, added up over the workers."""
    _, page = ask(address, "/metrics")
    return sum(float(found) for found in re.findall(rf"^{re.escape(sample)}[^ ]* (\S+)$", page, re.MULTILINE))


def write_models(folder: Path, count: int = 2) -> Sequence[Path]:
    """Folders of small models that keep floods, each with weights of its own."""
    places = [folder / f"model{seed}" for seed in range(count)]
    for seed, place in enumerate(places):
        model = NgramBag(LABELS, NgramBagSettings(bits=12, epochs=2, seed=seed))
        model.fit(pa.array(["a flood", "a cat"] * 10), np.eye(2, dtype=np.float32)[[0, 1] * 10])
        save_model(model, place, kind="ngram-bag", name="floods", threshold=0.5, positive="keep", made_from={})
    return places


def wait_until(true: Callable[[], bool], what: str, timeout_s: float = 60.0) -> None:
    until = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < until, f"waited in vain until {what}"
        time.sleep(0.01)
