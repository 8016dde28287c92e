"""Requests per second of `goldstream serve`, one worker, beside other servers: python benchmarks/serving/run.py

Each rival gets an environment of its own below `--environments`, made the first time (some minutes and 3 GB), one worker,
and TF-IDF with a logistic regression fitted to the posts that goldstream's model is fitted to. wrk runs on the same cores and
sends the same texts to each, thousands of different ones; at half load h2load sends at a steady rate. Figures are medians of
`--runs`. Nothing is timed before a server has answered with a probability. Rivals that can't be installed or do not start are
named with the reason.

Once the clock has stopped, answers are compared with what the model says when asked without a server, and the rows of the
prediction store are counted: one for each text that was answered.
"""

import argparse
import json
import socket
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

import httpx
import numpy as np
import pyarrow as pa
from followers import stored
from load import Load, run, script
from ours import is_about_ai, make_project, serving, texts
from rivals import RIVALS, installed, running, write_posts
from swaps import Load as SteadyLoad

from goldstream.models.folder import load_model
from goldstream.run.project import Project

BARE = {"store_predictions": "false", "batching": "false", "metrics": "false"}
SINGLE, MANY = 4_000, 20  #: different requests with one text, and with a thousand
IN_FLIGHT = 4  #: requests with a thousand texts, so that both cores have one to score while others are read and written
CHECKED = 300  #: answers that are compared with the model's own

ROW = f"{'':44} {'requests/s':>11} {'p50 ms':>8} {'p99 ms':>8} {'failed':>7} {'CPU µs':>8}"


def median(name: str, url: str, server: int, lua: Path, options: argparse.Namespace, connections: int) -> Load:
    found = [run(url, server, lua, seconds=options.seconds, connections=connections) for _ in range(options.runs)]
    middle = Load(*(statistics.median(values) for values in zip(*found, strict=True)))
    show(name, middle)
    return middle._replace(requests=sum(each.requests for each in found))


def half(name: str, url: str, folder: Path, full: Load, options: argparse.Namespace) -> Load:
    """What requests wait when they come half as fast as they can be answered."""
    found = [SteadyLoad(url, folder, full.requests_s / 2, options.seconds).result() for _ in range(options.runs)]
    p50, p99 = (statistics.median(float(np.quantile(took, q)) for took, _ in found) for q in (0.5, 0.99))
    requests = sum(len(took) for took, _ in found)
    half_load = Load(
        requests, requests / options.runs / options.seconds, p50, p99, sum(failed for _, failed in found), float("nan")
    )
    show(name, half_load)
    return half_load


def show(name: str, load: Load) -> None:
    print(
        f"{name:44} {load.requests_s:11,.0f} {load.p50_ms:8.2f} {load.p99_ms:8.2f} {load.failed:7.0f} {load.cpu_us:8.0f}",
        flush=True,
    )


def check_answers(url: str, model: Path, words: list[str]) -> None:
    """Stop unless texts get the label and the probability that the model gives them without a server, one by one and together."""
    loaded = load_model(model)
    scores = loaded.predict_proba(pa.array(words))
    together = httpx.post(f"{url}/predict", json={"texts": words}).json()["predictions"]
    alone = [httpx.post(f"{url}/predict", json={"text": text}).json() for text in words]
    for said in (together, alone):
        assert [each["label"] for each in said] == [loaded.labels[chosen] for chosen in loaded.decide(scores)]
        assert np.allclose([list(each["probabilities"].values()) for each in said], scores, atol=1e-6)


def written(url: str, project: Project) -> int:
    """How many predictions stand in the store, once all is written that was answered."""
    while httpx.get(f"{url}/predictions", timeout=60).status_code != 200:
        time.sleep(0.5)
    return stored(project.store)


def check_stored(rows: int, loads: list[Load], options: argparse.Namespace) -> None:
    """Stop unless each text that was answered has its row; what wrk no longer waits for at the end of a run is stored, too."""
    *single, bulk = loads
    answered = sum(load.requests for load in single) + 1_000 * bulk.requests
    cut = options.runs * (2 * options.connections + 1 + 1_000 * IN_FLIGHT)
    assert answered <= rows <= answered + cut, f"{rows:,} rows of {answered:,} answers"
    print(f"  {rows:,} predictions are stored; {answered:,} of them were answered before the clients went away")


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
    words = texts(1_000 * MANY)
    config = make_project(folder)
    for name, settings in (("goldstream, as shipped", {}), ("goldstream, bare", BARE)):
        lines = "\n".join(f"{key.replace('_', '-')} = {value}" for key, value in settings.items())
        config.write_text(config.read_text().split("[serving]")[0] + f"[serving]\n{lines}\n")
        with Project.open(config) as project, serving(config) as (url, process):
            until_it_answers(url)
            run(url, process.pid, singles(folder, words), seconds=1, connections=options.connections)  # warm
            before = None if settings else written(url, project)
            ours = measure_one(name, url, process.pid, folder, words, options)
            if before is not None:
                check_stored(written(url, project) - before, list(ours.values()), options)
            check_answers(url, folder / "model0", words[:CHECKED])
        found |= ours
    return found


def measure_one(
    name: str, url: str, server: int, folder: Path, words: list[str], options: argparse.Namespace
) -> dict[str, Load]:
    """One text a request, at full speed, over one connection and at half load, and a thousand texts a request, in this order."""
    one = singles(folder, words)
    many = script(folder, "/predict", [{"texts": words[start : start + 1_000]} for start in range(0, 1_000 * MANY, 1_000)])
    full = median(name, url, server, one, options, options.connections)
    return {
        name: full,
        (alone := f"{name}, one connection"): median(alone, url, server, one, options, 1),
        (steady := f"{name}, half load"): half(steady, url, folder, full, options),
        (bulk := f"{name}, 1,000 texts a request"): median(bulk, url, server, many, options, IN_FLIGHT),
    }


def singles(folder: Path, words: list[str]) -> Path:
    return script(folder, "/predict", [{"text": text} for text in words[:SINGLE]])


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
        lua = script(folder, rival.path, [rival.ask(text) for text in words[:SINGLE]])
        try:
            with running(rival, options.environments, posts, free_port()) as (url, server):
                run(url, server, lua, seconds=1, connections=options.connections)  # warm
                found[rival.name] = median(rival.name, url, server, lua, options, options.connections)
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
    print(ROW)
    with TemporaryDirectory() as scratch:
        found = measure_ours(Path(scratch), options)
        rivals, absent = measure_rivals(Path(scratch), options)
    found |= rivals
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
