"""How long the server takes for each page, with a million posts waiting to be asked about, two million votes, 100,000 answers.

    python benchmarks/pages.py --tasks 1000000 --answers 100000 --out pages.json

A dataset of that size is made in an embedded PostgreSQL (`--folder` keeps it for the next run), and the pages are served by
uvicorn in a process of their own. One client asks for each page in turn over HTTP; each round shuffles the order. A labelling
person asks for five questions, answers them one by one, and undoes every tenth. No rival stands beside it: these are our own
pages. At the end every answer must be stored once, and nobody may have been asked about a post twice.
"""

import argparse
import json
import multiprocessing
import random
import tempfile
import threading
import time
from collections import defaultdict
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from goldstream import settings
from goldstream.datasets.tables import Dataset
from goldstream.store import Store
from goldstream.web.server import serve

PAGES = ["/", "/?before=50000", "/?lang=fr", "/links", "/annotate", "/adjudicate", "/people", "/people?name=ann", "/search?q=zebra",
         "/search?q=words", "/rules?function=news", "/model", "/status", "/post/t:77", "/rules",
         "/rules?function=news&show=incorrect", "/rules?function=news&show=conflicts", "/rules?function=news&show=overlaps",
         "/rules?function=news&show=correct&after=t:5", "/search?like=t:77", "/search?rule=news", "/try", "/nowhere"]  # fmt: skip
JSON = {"accept": "application/json"}
SECTION = settings.Settings(
    project=settings.Project(name="bench", labels=("ai", "other"), keep="ai"),
    web=settings.Web(port=0),
    annotation=settings.Annotation(overlap=2),
)

FILL = """
    INSERT INTO models (name, labels, threshold, sha256, evidence) VALUES ('m', '{ai,other}', 0.5, '', '{"metrics": {}}');
    INSERT INTO alias_moves (alias, after, who, why) VALUES ('champion', 1, 'benchmark', 'the only one');
    INSERT INTO raw_tweet_dataset_0 (id, source, kind, revision, text, author, lang, links, tags, media, extra, stratum, lot, weight,
                                     position, representative, split)
    SELECT 't:' || n, 'bench', 'create', 1, 'some words of a post, number ' || n || CASE WHEN n % 1000 = 0 THEN ' zebra' ELSE '' END,
           'author ' || n % 5000, 'en', '{}', '{}', '{}', '{}', 'topic', random(), 1, n, 't:' || n,
           CASE WHEN n <= 1000 THEN 'test' ELSE 'train' END
    FROM generate_series(1, TASKS) n;
    INSERT INTO rounds (pool, drawn, mix, seed) VALUES (TASKS, TASKS, '{"random": 1}', 1);
    INSERT INTO questions (post_id, place, round, strategy, chance, probability, version, soft_label)
    SELECT 't:' || n, 1 + n / (TASKS + 1.0), 1, 'random', 1, random(), 1, random() FROM generate_series(1, TASKS) n;
    INSERT INTO annotations (post_id, revision, label, annotator, strategy, chance, round, seconds)
    SELECT 't:' || 1 + n / 2, 1, CASE WHEN n % 10 = 0 THEN 'other' ELSE 'ai' END, (ARRAY['ann', 'bob'])[1 + n % 2], 'random', 1, 1, 2.5
    FROM generate_series(0, ANSWERS - 1) n;
    UPDATE questions SET answers = 2, open = false WHERE post_id IN (SELECT post_id FROM annotations);
    INSERT INTO conflicts (post_id) SELECT post_id FROM annotations GROUP BY post_id HAVING count(DISTINCT label) > 1;
    INSERT INTO annotators (name, place) VALUES ('ann', 1), ('bob', 1);
    INSERT INTO candidates (post_id, revision, source, text, seen_at, author, lang, links, tags, media, extra, label, probability,
                            version, position)
    SELECT 'c:' || n, 1, 'bench', 'a kept post, number ' || n, now(), 'author ' || n % 5000, CASE WHEN n % 50 = 0 THEN 'fr' ELSE 'en' END,
           '{}', '{}', '{}', '{}', 'ai', 0.05 + 0.95 * random(), 1, n
    FROM generate_series(1, 100000) n;
    INSERT INTO candidate_links SELECT 'c:' || n, 'https://news.example/' || n % 3000, 'news.example', 'author ' || n % 5000, now()
    FROM generate_series(1, 30000) n;
    INSERT INTO label_runs (prefix, dataset, label_model, functions, report)
    VALUES ('', 0, 'majority', '{"news": "1", "wet": "1"}', '{"functions": []}');
    INSERT INTO votes SELECT f, '1', 't:' || n, 1,
           CASE WHEN n % 3 = 0 THEN NULL WHEN n % 100000 = 1 AND f = 'wet' THEN 'other' ELSE 'ai' END
    FROM generate_series(1, TASKS) n, unnest('{news,wet}'::text[]) f;
"""


def fill(store: Store, tasks: int, answers: int) -> None:
    with store.connect(name="benchmark", statement_timeout=0) as conn:
        if conn.execute("SELECT EXISTS (SELECT FROM questions)").fetchone() == (True,):
            return
        dataset = Dataset("", 0)
        dataset.create(conn, {})
        conn.execute("CREATE TABLE predictions_all PARTITION OF predictions DEFAULT")
        conn.execute(FILL.replace("TASKS", str(tasks)).replace("ANSWERS", str(answers)).encode())
        dataset.update(conn, {"collected": tasks}, "split")
        conn.execute("VACUUM ANALYZE")


def work(folder: Path, address: "multiprocessing.Queue[str]", stopped: Event) -> None:
    stop = threading.Event()
    threading.Thread(target=lambda: (stopped.wait(), stop.set()), daemon=True).start()
    with Store.open(SECTION.store, folder) as store:
        serve(store, SECTION, stop, ready=address.put)


def ask(client: httpx.Client, rounds: int) -> dict[str, list[float]]:
    """Return the milliseconds of every request, by page, as HTML and as JSON; each page is asked once before."""
    taken: dict[str, list[float]] = defaultdict(list)

    def get(page: str, headers: dict[str, str], name: str) -> None:
        started = time.perf_counter()
        status = client.get(page, headers=headers).status_code
        taken[name].append(1000 * (time.perf_counter() - started))
        if status != (404 if page == "/nowhere" else 200):
            raise SystemExit(f"{page} answered {status}")

    for page in PAGES:
        get(page, {}, f"first {page}")
    asks = [(page, headers, f"{page}{' (JSON)' if headers else ''}") for page in PAGES for headers in ({}, JSON)]
    order = random.Random(0)
    for _ in range(rounds):
        for one in order.sample(asks, len(asks)):
            get(*one)
    return taken


def label(client: httpx.Client, rounds: int) -> tuple[dict[str, list[float]], int, list[str]]:
    """Answer five posts a round; return milliseconds by act, answers that stand, and every post that was asked about."""
    taken: dict[str, list[float]] = defaultdict(list)
    asked: list[str] = []
    stands = 0

    def post(path: str, data: dict[str, Any]) -> Any:
        started = time.perf_counter()
        answer = client.post(path, json=data)
        taken[f"POST {path}"].append(1000 * (time.perf_counter() - started))
        return answer.raise_for_status().json()

    post("/annotate/name", {"name": "eve"})
    for number in range(rounds):
        time.sleep(0.12)  # one address may change something fifty times a second
        for question in post("/annotate/next", {"limit": 5})["questions"]:
            asked.append(question["id"])
            post(
                "/annotate/answer",
                {"id": question["id"], "revision": question["revision"], "label": "ai", "seconds": 2, "suggested": True},
            )
            stands += 1
        if number % 10 == 9:
            back = post("/annotate/undo", {})["posts"]
            stands -= len(back)
            asked = [each for each in asked if each not in back]
    return taken, stands, asked


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tasks", type=int, default=1_000_000)
    parser.add_argument("--answers", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--folder", type=Path, help="where the data is, or is to be; by default made anew")
    parser.add_argument("--only-fill", action="store_true", help="make the data and ask for nothing")
    parser.add_argument("--out", type=Path, default=Path("pages.json"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        with Store.open(SECTION.store, folder) as store:
            fill(store, options.tasks, options.answers)
            if options.only_fill:
                return
            address: multiprocessing.Queue[str] = multiprocessing.Queue()
            stopped = multiprocessing.Event()
            server = multiprocessing.Process(target=work, args=(folder, address, stopped))
            server.start()
            with store.connect(name="benchmark") as conn, httpx.Client(base_url=address.get(timeout=60), timeout=60) as client:
                before = conn.execute("SELECT count(*) FROM latest_answers WHERE label IS NOT NULL").fetchone()[0]
                taken = ask(client, options.rounds)
                acts, stands, asked = label(client, options.rounds)
                after = conn.execute("SELECT count(*) FROM latest_answers WHERE label IS NOT NULL").fetchone()[0]
            stopped.set()
            server.join()
    if after - before != stands or len(asked) != len(set(asked)):
        raise SystemExit(f"{stands} answers should stand and {after - before} do, or a post was asked about twice")
    report(options, {**taken, **acts})


def report(options: argparse.Namespace, taken: dict[str, list[float]]) -> None:
    rows = []
    for page, times in taken.items():
        p50, p95, most = (round(float(value), 1) for value in np.percentile(times, [50, 95, 100]))
        rows.append({"page": page, "requests": len(times), "p50_ms": p50, "p95_ms": p95, "max_ms": most})
    options.out.write_text(json.dumps({"tasks": options.tasks, "answers": options.answers, "pages": rows}, indent=1))
    for row in rows:
        print(
            f"{row['page']:<52} {row['requests']:>5}  p50 {row['p50_ms']:>7.1f}  p95 {row['p95_ms']:>7.1f}  max {row['max_ms']:>8.1f} ms"
        )


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    main()
