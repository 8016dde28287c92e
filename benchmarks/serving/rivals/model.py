"""What every rival serves: TF-IDF of words and pairs, and a logistic regression, fitted to the posts that goldstream's model saw."""

import json
from pathlib import Path

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

LABELS = ("other", "ai")


def fitted(posts: Path) -> Pipeline:
    """Return the model, fitted to `posts`: JSON with `texts` and `truth` (1 for what is about AI)."""
    read = json.loads(posts.read_text())
    return make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression()).fit(read["texts"], read["truth"])
