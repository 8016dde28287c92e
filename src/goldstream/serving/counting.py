"""What a serving process counts: plain integers, changed by its event loop only.

Every label has few values: no text, id or path of a client's own ever becomes one.
"""

import bisect
import re
from collections import defaultdict

import numpy as np

from goldstream.serving.judged import Judged

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
PROBABILITIES = tuple(n / 20 for n in range(1, 21))
SIZES = tuple(float(4**n) for n in range(8))  #: texts in a batch
FEW = 8  #: values that plain Python counts faster than numpy does
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

    def __init__(self, bounds: tuple[float, ...] = SECONDS) -> None:
        self.bounds, self.counts, self.sum = bounds, [0] * (len(bounds) + 1), 0.0

    def add(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect.bisect_left(self.bounds, value)] += 1
        self.sum += value

    def add_all(self, values: np.ndarray) -> None:
        """Count many values."""
        found = np.bincount(np.searchsorted(self.bounds, values), minlength=len(self.counts))
        self.counts = [before + more for before, more in zip(self.counts, found.tolist(), strict=True)]
        self.sum += float(values.sum(dtype=np.float64))


class Metrics:
    """What one process counts; every method is called by its event loop."""

    def __init__(self) -> None:
        self.requests: dict[tuple[str, str, int], int] = defaultdict(int)
        self.durations: dict[str, Histogram] = defaultdict(Histogram)
        self.predictions: dict[tuple[int, str], int] = defaultdict(int)
        self.probabilities = Histogram(PROBABILITIES)  # of the labels that were decided for
        self.batches, self.waits = Histogram(SIZES), Histogram(SECONDS)
        self.feedback: dict[tuple[int, bool], int] = defaultdict(int)  # by version, and whether it was right
        self._routes: dict[str, str] = {}

    def answered(self, path: str, method: str, status: int, seconds: float) -> None:
        """Count one answer."""
        route = self._routes.get(path) or self._route(path)
        self.requests[route, method if method in _METHODS else "other", status] += 1
        self.durations[route].add(seconds)

    def scored(self, texts: int, waited_s: float) -> None:
        """Count one batch, the first request of which waited so long until a model took it."""
        self.batches.add(texts)
        self.waits.add(waited_s)

    def judged(self, judged: Judged) -> None:
        """Count what a model said of one text or of many."""
        labels, version, decided = judged.model.model.labels, judged.model.version, judged.decided
        if len(decided) <= FEW:
            for row, chosen in enumerate(decided.tolist()):
                self.predictions[version, labels[chosen]] += 1
                self.probabilities.add(judged.scores[row, chosen].item())
        else:
            for label, count in zip(labels, np.bincount(decided, minlength=len(labels)).tolist(), strict=True):
                if count:
                    self.predictions[version, label] += count
            self.probabilities.add_all(judged.scores[np.arange(len(decided)), decided])
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
