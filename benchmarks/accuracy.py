"""How good the n-gram bag is, beside TF-IDF with logistic regression and fastText: one procedure for all tasks.

    python benchmarks/accuracy.py [--data FOLDER] [--tasks NAME ...] [--who NAME ...] [--json FILE]

FOLDER holds the data sets: `tweeteval/<task>/{train,val,test}.parquet` and single tables that are cut here. Everybody
fits on `train`, chooses its settings on `val` by the task's own metric, and meets `test` once, with what it chose.
goldstream runs as `goldstream fit --dev` does. Figures in FILE that are not asked for again are kept, so the slow rivals
need not run twice. What this does not show: models that were trained on other text first, except as published figures.
"""

import argparse
import itertools
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from sklearn import metrics as sk

DATA = Path(__file__).parents[2] / "shared" / "data"
TWEETEVAL = {
    "emoji": "macro-f1",
    "emotion": "macro-f1",
    "hate": "macro-f1",
    "offensive": "macro-f1",
    "sentiment": "macro-recall",
}
BARRED = ("emoji", "emotion", "offensive", "sentiment")
OTHERS = {"disaster": "f1", "ag-news": "macro-f1", "imdb": "macro-f1", "rotten-tomatoes": "macro-f1", "sms": "f1"}
CUTS = {"sms": 5}  #: one message more or less moves its F1 by .3, so that each fifth is the test once, and the mean counts
PUBLISHED = {  # TweetEval's leaderboard, arXiv 2010.12421
    "fastText, published": {"emoji": 25.8, "emotion": 65.2, "hate": 50.6, "offensive": 73.4, "sentiment": 62.9},
    "RoBERTa-base, published": {"emoji": 30.9, "emotion": 76.1, "hate": 46.6, "offensive": 79.5, "sentiment": 71.3},
}

Part = tuple[list[str], np.ndarray]
Found = tuple[np.ndarray, dict[str, Any]]  # what is said of test, and what was chosen


class Task(NamedTuple):
    """Texts and label numbers to fit on, to choose by and to be measured on."""

    name: str
    metric: str
    train: Part
    val: Part
    test: Part


def measured(metric: str, true: np.ndarray, said: np.ndarray) -> float:
    """The task's own metric, times 100."""
    if metric == "macro-recall":
        return 100 * float(sk.recall_score(true, said, average="macro"))
    return 100 * float(sk.f1_score(true, said, average="macro" if metric == "macro-f1" else "binary"))


def part(table: pl.DataFrame) -> Part:
    return table["text"].to_list(), table["label"].to_numpy().astype(np.int64)


def load(name: str, data: Path) -> list[Task]:
    """The official parts of a tweeteval task; other tables are cut 70/10/20, equal texts on one side, some several times."""
    if name in TWEETEVAL:
        parts = [part(pl.read_parquet(data / "tweeteval" / name / f"{cut}.parquet")) for cut in ("train", "val", "test")]
        return [Task(name, TWEETEVAL[name], *parts)]
    if name == "imdb":
        train, val = cut(pl.read_parquet(data / "reviews/imdb_train.parquet"), (0.2, 0.0))[:2]
        return [Task(name, OTHERS[name], part(train), part(val), part(pl.read_parquet(data / "reviews/imdb_test.parquet")))]
    table = {
        "disaster": lambda: pl.read_parquet(data / "disaster_tweets/train.parquet").rename({"target": "label"}),
        "ag-news": lambda: pl.concat(
            pl.read_parquet(data / f"ag_news/cosine_{cut}_12k.parquet").select("text", "label") for cut in ("dev", "test")
        ),
        "rotten-tomatoes": lambda: pl.read_parquet(data / "reviews/rotten_tomatoes_10662.parquet"),
        "sms": lambda: pl.read_parquet(data / "sms_spam/sms_spam_collection.parquet"),
    }[name]()
    return [Task(name, OTHERS[name], *map(part, cut(table, (0.1, 0.2), turn / 5))) for turn in range(CUTS.get(name, 1))]


def cut(table: pl.DataFrame, shares: tuple[float, float], turn: float = 0.0) -> list[pl.DataFrame]:
    """Three parts: what is left, and the shares for val and test; by distinct text, with a fixed seed, test from `turn` on."""
    texts = table["text"].unique(maintain_order=True)
    places = np.random.default_rng(0).permutation(len(texts)) / len(texts)
    drawn = pl.DataFrame({"text": texts, "_at": (places - turn) % 1})
    known = table.join(drawn, on="text", maintain_order="left")
    val, test = shares
    at = pl.col("_at")
    return [known.filter(keep) for keep in (at >= val + test, (at >= test) & (at < val + test), at < test)]


def goldstream(task: Task, budget: float) -> Found:
    """What `goldstream fit --dev` does, its default settings and the task's metric."""
    from goldstream import settings
    from goldstream.training.fit import Plan
    from goldstream.training.tabular import fit_table, predict_table

    with tempfile.TemporaryDirectory() as folder:
        paths = {name: Path(folder) / f"{name}.parquet" for name in ("train", "val", "test", "said")}
        for name in ("train", "val", "test"):
            texts, labels = getattr(task, name)
            pl.DataFrame({"text": texts, "label": labels}).write_parquet(paths[name])
        report = fit_table(
            paths["train"], "text", "label", Path(folder) / "model", dev=paths["val"], positive=None,
            section=settings.Model(), plan=Plan(task.metric, budget, say=print),
        )  # fmt: skip
        predict_table(Path(folder) / "model", paths["test"], paths["said"])
        return pl.read_parquet(paths["said"])["prediction"].to_numpy(), report["options"] | {
            "tried": len(report["search"]["tried"])
        }


def logistic_regression(task: Task, budget: float) -> Found:
    """TF-IDF of words 1-2 and characters 3-5; C, sublinear counts and class weights chosen on val."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_union

    best: tuple[float, Any, dict[str, Any]] = (-1.0, None, {})
    for sublinear in (False, True):
        vectors = make_union(
            TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=sublinear),
            TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=sublinear, min_df=2),
        )
        known, seen, asked = (
            vectors.fit_transform(task.train[0]),
            vectors.transform(task.val[0]),
            vectors.transform(task.test[0]),
        )
        for weight in (None, "balanced"):
            model = LogisticRegression(class_weight=weight, max_iter=150, tol=1e-3, warm_start=True)
            for strength in (0.5, 1.0, 3.0, 10.0):
                model.set_params(C=strength).fit(known, task.train[1])
                value = measured(task.metric, task.val[1], model.predict(seen))
                if value > best[0]:
                    best = (
                        value,
                        model.predict(asked),
                        {"C": strength, "class_weight": weight, "sublinear": sublinear, "val": value},
                    )
        if len(task.train[0]) > 20_000:
            break
    return best[1], best[2]


def fast_text(task: Task, budget: float) -> Found:
    """Word n-grams, subwords, rate and epochs chosen on val."""
    import fasttext

    lines = {name: [" ".join(text.split()) for text in getattr(task, name)[0]] for name in ("train", "val", "test")}
    best: tuple[float, Any, dict[str, Any]] = (-1.0, None, {})
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.writelines(f"__label__{label} {line}\n" for line, label in zip(lines["train"], task.train[1], strict=True))
        file.flush()
        large = len(task.train[0]) > 20_000
        for low, high in ((0, 0), (3, 6)):
            for words, rate, epochs in itertools.product((2,) if large else (1, 2), (0.1, 0.5), (5, 25)):
                if large and low and epochs > 5:
                    continue
                model = fasttext.train_supervised(
                    file.name, wordNgrams=words, minn=low, maxn=high, lr=rate, epoch=epochs,
                    bucket=500_000, dim=50 if large else 100, thread=1, seed=0, verbose=0,
                )  # fmt: skip
                value = measured(task.metric, task.val[1], said_by(model, lines["val"]))
                if value > best[0]:
                    chosen = {"wordNgrams": words, "minn": low, "maxn": high, "lr": rate, "epoch": epochs, "val": value}
                    best = value, said_by(model, lines["test"]), chosen
    return best[1], best[2]


def said_by(model: Any, lines: list[str]) -> np.ndarray:
    answers = (model.f.predict(line + "\n", 1, 0.0, "strict") for line in lines)
    return np.array([int(answer[0][1].removeprefix("__label__")) if answer else 0 for answer in answers])


WHO: dict[str, Callable[[Task, float], Found]] = {
    "TF-IDF + logistic regression": logistic_regression,
    "fastText": fast_text,
    "goldstream": goldstream,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--tasks", nargs="+", default=[*TWEETEVAL, *OTHERS], choices=[*TWEETEVAL, *OTHERS])
    parser.add_argument("--who", nargs="+", default=list(WHO), choices=list(WHO))
    parser.add_argument("--budget", type=float, default=60.0, help="Seconds for goldstream's search.")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows: dict[str, dict[str, Any]] = json.loads(options.json.read_text()) if options.json and options.json.exists() else {}
    for name in options.tasks:
        tasks = load(name, options.data)
        for who in options.who:
            started = time.perf_counter()
            found = [WHO[who](task, options.budget) for task in tasks]
            values = [measured(task.metric, task.test[1], said) for task, (said, _) in zip(tasks, found, strict=True)]
            row = {
                "value": float(np.mean(values)), "cuts": values, "metric": tasks[0].metric,
                "seconds": time.perf_counter() - started, "chosen": [chosen for _, chosen in found],
            }  # fmt: skip
            rows.setdefault(who, {})[name] = row
            print(
                f"{name:16} {row['metric']:13} {who:30} {row['value']:6.2f}  {row['seconds']:7.1f} s  {row['chosen']}",
                flush=True,
            )
            if options.json:
                options.json.write_text(json.dumps(rows, indent=1, default=str))
    print(table(rows))


def table(rows: dict[str, dict[str, Any]]) -> str:
    """A line for each classifier, a column for each task, and the mean over the four tasks that count."""
    shown = {who: {name: found["value"] for name, found in by_task.items()} for who, by_task in rows.items()} | PUBLISHED
    names = [name for name in (*TWEETEVAL, *OTHERS) if any(name in values for values in rows.values())]
    lines = ["| | " + " | ".join(names) + " | mean of 4 |", "|---" * (len(names) + 2) + "|"]
    for who, values in shown.items():
        mean = np.mean([values[name] for name in BARRED]) if all(name in values for name in BARRED) else None
        cells = [f"{values[name]:.1f}" if name in values else "" for name in names]
        lines.append(f"| {who} | {' | '.join(cells)} | {'' if mean is None else f'{mean:.1f}'} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
