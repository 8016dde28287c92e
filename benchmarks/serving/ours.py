"""Makes a project with a champion and runs `goldstream serve` on it; used by run.py and swaps.py."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa

from goldstream.models.folder import save_model
from goldstream.models.ngram_bag import NgramBag, NgramBagSettings
from goldstream.run.project import Project
from goldstream.sources.sample import Sample, SampleSettings

LABELS = ("ai", "other")


def texts(count: int = 4_000) -> list[str]:
    """Posts of the bundled sample, in their order."""
    found: list[str] = []
    source = Sample(SampleSettings())
    for arrival in source.read(None):
        found += [text for text in arrival.posts.column("text").to_pylist() if text]
        if len(found) >= count:
            break
    source.close()
    return found[:count]


def is_about_ai(text: str) -> bool:
    """What all models here learn."""
    return re.search(r"\b(ai|llm|model|gpt)\b", text, re.IGNORECASE) is not None


def make_project(folder: Path, seeds: int = 2, dsn: str | None = None, **serving: str) -> Path:
    """A project with `seeds` versions of a model of the default size; the first is champion. `dsn` names another PostgreSQL."""
    config = folder / "goldstream.toml"
    lines = [f"{name.replace('_', '-')} = {value}" for name, value in serving.items()]
    store = "" if dsn is None else f'[store]\ndsn = "{dsn}"\n'
    config.write_text(
        f'[project]\nname = "bench"\nlabels = ["ai", "other"]\nkeep = "ai"\n{store}[serving]\n' + "\n".join(lines)
    )
    words = texts()
    truth = np.array([0 if is_about_ai(text) else 1 for text in words])
    with Project.open(config) as project:
        registry = project.registry()
        for seed in range(seeds):
            model = NgramBag(LABELS, NgramBagSettings(seed=seed, epochs=2))
            model.fit(pa.array(words), np.eye(2, dtype=np.float32)[truth])
            saved = folder / f"model{seed}"
            save_model(model, saved, kind="ngram-bag", name="bench", threshold=0.5, positive="ai", made_from={})
            registry.register(saved, name="bench", labels=LABELS, threshold=0.5, evidence={})
        if registry.alias("champion") is None:
            registry.move("champion", 1, who="benchmark", why="first")
    return config


@contextmanager
def serving(config: Path, *options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """`goldstream serve` on a free port: its address, and the process."""
    command = [sys.executable, "-m", "goldstream", "serve", "-c", str(config), "--port", "0", *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if found := re.search(r"serving on (http://\S+)", line):
                threading.Thread(target=_drain, args=(process.stderr,), daemon=True).start()
                yield found[1], process
                break
        else:
            raise RuntimeError("it did not start")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _drain(stream: object) -> None:
    for line in stream:  # type: ignore[attr-defined]
        if os.environ.get("BENCHMARK_VERBOSE"):
            sys.stderr.write(line)
