"""What all rivals share: the words they are started with, the same model for those with scikit-learn, and the start signal.

It is imported in each rival's own environment, which may hold no goldstream.
"""

import argparse
import functools
import sys
from typing import Any

from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import Pipeline, make_pipeline

TABLE = "public.rival"  #: post_id, label, probability: what every rival fills
PARTITIONS = 4


@functools.cache
def pipeline() -> Pipeline:
    """Words and pairs, hashed, and a linear model."""
    made = make_pipeline(
        HashingVectorizer(ngram_range=(1, 2), n_features=2**20), SGDClassifier(loss="log_loss", random_state=0)
    )
    return made.fit(["w1 w2 w3", "w5 w6"] * 50, [0, 1] * 50)


def label(probability: float) -> str:
    return "ai" if probability >= 0.5 else "other"


def words() -> Any:
    """Return what the command line says: `servers`, `topic`, `dsn` (host, user, dbname), `posts`, `live`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--servers", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--dsn", required=True)
    parser.add_argument("--posts", type=int, required=True)
    parser.add_argument("--live", action="store_true", help="posts are still coming")
    return parser.parse_args()


def ready() -> None:
    """Say that everything is loaded, and wait for the signal."""
    print("ready", flush=True)
    sys.stdin.readline()


def done() -> None:
    """Say that every row is committed, and stay until the judge has read the clocks."""
    print("done", flush=True)
    sys.stdin.readline()
