"""Requests per second of `goldstream serve`, one worker, beside a rival on the same machine: python benchmarks/serving/run.py

wrk runs on the same cores. Each figure is the median of `--runs`. Answers are compared with the model's own before anything
is timed. Rivals that are not installed are named and left out.
"""

import argparse
import importlib.util
import json
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from load import Load, run, script
from ours import make_project, serving, texts

BARE = {"store_predictions": "false", "batching": "false", "metrics": "false"}
RIVALS = {
    "FastAPI + scikit-learn": "fastapi", "LitServe": "litserve", "MLServer": "mlserver", "BentoML": "bentoml",
}  # fmt: skip


def median(url: str, server: int, lua: Path, runs: int, seconds: int, connections: int) -> Load:
    found = [run(url, server, lua, seconds=seconds, connections=connections) for _ in range(runs)]
    return Load(*(statistics.median(values) for values in zip(*found, strict=True)))


def until_it_answers(url: str) -> None:
    for _ in range(600):
        try:
            if httpx.post(f"{url}/predict", json={"text": "a model"}).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise RuntimeError(f"{url} does not answer")


@contextmanager
def fastapi() -> Iterator[tuple[str, int]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, str(Path(__file__).with_name("fastapi_sklearn.py")), str(port)])
    try:
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    shape = options.runs, options.seconds, options.connections
    found: dict[str, Load] = {}
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        one = script(folder, "/predict", [{"text": text} for text in texts(500)])
        many = script(folder, "/predict", [{"texts": texts(1_000)}])
        config = make_project(folder)
        for name, settings in (("goldstream, as shipped", {}), ("goldstream, bare", BARE)):
            lines = "\n".join(f"{key.replace('_', '-')} = {value}" for key, value in settings.items())
            config.write_text(config.read_text().split("[serving]")[0] + f"[serving]\n{lines}\n")
            with serving(config) as (url, process):
                until_it_answers(url)
                found[name] = median(url, process.pid, one, *shape)
                found[f"{name}, one connection"] = median(url, process.pid, one, options.runs, options.seconds, 1)
                found[f"{name}, 1,000 texts a request"] = median(url, process.pid, many, options.runs, options.seconds, 2)
        if importlib.util.find_spec("fastapi"):
            with fastapi() as (url, server):
                until_it_answers(url)
                found["FastAPI + scikit-learn"] = median(url, server, one, *shape)
    print(f"{'':44} {'requests/s':>11} {'p50 ms':>8} {'p99 ms':>8} {'failed':>7} {'CPU µs':>8}")
    for name, load in found.items():
        print(f"{name:44} {load.requests_s:11,.0f} {load.p50_ms:8.2f} {load.p99_ms:8.2f} {load.failed:7.0f} {load.cpu_us:8.0f}")
    absent = [name for name, module in RIVALS.items() if importlib.util.find_spec(module) is None]
    print(f"not installed, not measured: {', '.join(absent) or 'none'}")
    if options.json:
        options.json.write_text(json.dumps({name: load._asdict() for name, load in found.items()}, indent=1))


if __name__ == "__main__":
    main()
