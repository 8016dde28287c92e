"""Requests per second of `goldstream serve`, one worker, beside other servers: python benchmarks/serving/run.py

Each rival gets an environment of its own below `--environments`, made the first time (some minutes and 3 GB), one worker,
and TF-IDF with a logistic regression fitted to the posts that goldstream's model is fitted to. wrk runs on the same cores and
sends the same texts to each. Figures are medians of `--runs`. Nothing is timed before a server has answered with a
probability. Rivals that can't be installed or do not start are named with the reason.
"""

import argparse
import json
import socket
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

import httpx
from load import Load, run, script
from ours import is_about_ai, make_project, serving, texts
from rivals import RIVALS, installed, running, write_posts

BARE = {"store_predictions": "false", "batching": "false", "metrics": "false"}


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


def free_port() -> int:
    with socket.socket() as free:  # rivals take the two after it too
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def measure_ours(folder: Path, options: argparse.Namespace) -> dict[str, Load]:
    found: dict[str, Load] = {}
    one = script(folder, "/predict", [{"text": text} for text in texts(500)])
    many = script(folder, "/predict", [{"texts": texts(1_000)}])
    config = make_project(folder)
    for name, settings in (("goldstream, as shipped", {}), ("goldstream, bare", BARE)):
        lines = "\n".join(f"{key.replace('_', '-')} = {value}" for key, value in settings.items())
        config.write_text(config.read_text().split("[serving]")[0] + f"[serving]\n{lines}\n")
        with serving(config) as (url, process):
            until_it_answers(url)
            found[name] = median(url, process.pid, one, options.runs, options.seconds, options.connections)
            found[f"{name}, one connection"] = median(url, process.pid, one, options.runs, options.seconds, 1)
            found[f"{name}, 1,000 texts a request"] = median(url, process.pid, many, options.runs, options.seconds, 2)
    return found


def measure_rivals(folder: Path, options: argparse.Namespace) -> tuple[dict[str, Load], dict[str, str]]:
    """What each rival did, and why those that did nothing did not."""
    found: dict[str, Load] = {}
    absent: dict[str, str] = {}
    words = texts()
    posts = write_posts(folder, words, [int(is_about_ai(text)) for text in words])
    for rival in RIVALS:
        if why := installed(rival, options.environments):
            absent[rival.name] = why
            continue
        lua = script(folder, rival.path, [rival.ask(text) for text in texts(500)])
        try:
            with running(rival, options.environments, posts, free_port()) as (url, server):
                run(url, server, lua, seconds=1, connections=options.connections)  # warm
                found[rival.name] = median(url, server, lua, options.runs, options.seconds, options.connections)
        except RuntimeError as error:
            absent[rival.name] = str(error)
    return found, absent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--environments", type=Path, default=Path(gettempdir()) / "goldstream-rivals", help="Where rivals go.")
    options = parser.parse_args()
    with TemporaryDirectory() as scratch:
        found = measure_ours(Path(scratch), options)
        rivals, absent = measure_rivals(Path(scratch), options)
    found |= rivals
    print(f"{'':44} {'requests/s':>11} {'p50 ms':>8} {'p99 ms':>8} {'failed':>7} {'CPU µs':>8}")
    for name, load in found.items():
        print(f"{name:44} {load.requests_s:11,.0f} {load.p50_ms:8.2f} {load.p99_ms:8.2f} {load.failed:7.0f} {load.cpu_us:8.0f}")
    for name in rivals:
        print(
            f"goldstream as shipped answers {found['goldstream, as shipped'].requests_s / rivals[name].requests_s:.1f} × {name}"
        )
    for name, why in absent.items():
        print(f"not measured: {name}: {why}")
    if options.json:
        options.json.write_text(json.dumps({name: load._asdict() for name, load in found.items()}, indent=1))


if __name__ == "__main__":
    main()
