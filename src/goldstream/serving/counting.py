"""What a serving process counts: plain integers, changed by its event loop only.

Every label has few values: no text, id or path of a client's own ever becomes one.
"""

import bisect
import re
from collections import defaultdict

import numpy as np

from goldstream.serving.judged import Judged

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)  #: seconds
MOST_SERIES = 64  #: of predictions; the versions of long ago go first

_FIXED = frozenset({
    "/predict", "/explain", "/predictions", "/feedback", "/statistics", "/livez", "/readyz", "/metrics", "/openapi.json", "/docs",
    "/invocations", "/ping", "/health", "/version", "/v1/models", "/v2", "/v2/health/live", "/v2/health/ready", "/v2/models",
    "/v2/repository/index", "/webhooks/mlflow",
})  # fmt: skip
_SHAPES = [
    (re.compile(r"/versions/\d+/(predict|explain)"), r"/versions/N/\1"),
    (re.compile(r"/v1/models/[^:]*(:predict|:classify|:regress|:explain)?"), r"/v1/models/NAME\1"),
    (re.compile(r"/v2/models/[^/]+(?:/versions/[^/]+)?(/infer|/ready)?"), r"/v2/models/NAME\1"),
    (re.compile(r"/v2/repository/models/[^/]+(/load|/unload)"), r"/v2/repository/models/NAME\1"),
]
_METHODS = frozenset({"GET", "POST", "HEAD", "OPTIONS"})


class Histogram:
    """How many values lie below each bound."""

    def __init__(self) -> None:
        self.counts, self.sum = [0] * (len(BUCKETS) + 1), 0.0

    def add(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect.bisect_left(BUCKETS, value)] += 1
        self.sum += value


class Metrics:
    """What one process counts; every method is called by its event loop."""

    def __init__(self) -> None:
        self.requests: dict[tuple[str, str, int], int] = defaultdict(int)
        self.durations: dict[str, Histogram] = defaultdict(Histogram)
        self.predictions: dict[tuple[int, str], int] = defaultdict(int)
        self.feedback: dict[tuple[int, bool], int] = defaultdict(int)  # by version, and whether it was right
        self._routes: dict[str, str] = {}

    def answered(self, path: str, method: str, status: int, seconds: float) -> None:
        """Count one answer."""
        route = self._routes.get(path) or self._route(path)
        self.requests[route, method if method in _METHODS else "other", status] += 1
        self.durations[route].add(seconds)

    def judged(self, judged: Judged) -> None:
        """Count what a model said."""
        labels, version = judged.model.model.labels, judged.model.version
        for label, count in zip(labels, np.bincount(judged.decided, minlength=len(labels)).tolist(), strict=True):
            if count:
                self.predictions[version, label] += count
        while len(self.predictions) > max(MOST_SERIES, 2 * len(labels)):
            self.predictions.pop(next(iter(self.predictions)))

    def _route(self, path: str) -> str:
        route = path if path in _FIXED else route_of(path)
        if len(self._routes) < 256:
            self._routes[path] = route
        return route


def route_of(path: str) -> str:
    """Return what stands for all paths of its kind.

    >>> route_of("/v2/models/floods/versions/3/infer"), route_of("/wp-admin.php")
    ('/v2/models/NAME/infer', 'other')
    """
    for pattern, shape in _SHAPES:
        if found := pattern.fullmatch(path):
            return shape.replace(r"\1", found[1] or "")
    return "other"
