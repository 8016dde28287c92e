"""What several workers have counted, as one page for Prometheus.

A scrape reaches any one of them. Each therefore leaves its numbers in a file beside those of the others, every second and
when it is asked itself, and the page is made of all files: no counter on it ever falls, whoever answers. A worker that takes
the place of one that died goes on from its counters.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Literal

import msgspec

Kind = Literal["counter", "gauge", "histogram"]
Merge = Literal["sum", "min", "max"]

_MERGE: dict[Merge, Callable[[Sequence[float]], float]] = {"sum": sum, "min": min, "max": max}


class Family(msgspec.Struct, frozen=True):
    """One metric."""

    name: str
    kind: Kind
    about: str
    merge: Merge  #: what the same sample of several workers becomes
    samples: dict[str, float]  #: by what stands behind the name: `{labels}`, for histograms after `_bucket`, `_sum`, `_count`


_decode = msgspec.json.Decoder(list[Family]).decode


class Workers:
    """All workers on this port; this one is `number`."""

    def __init__(self, folder: Path, number: int) -> None:
        self._folder, self._file = folder, folder / f"{number}.json"
        before = _decode(self._file.read_bytes()) if self._file.exists() else []
        self._before = [family for family in before if family.kind != "gauge"]
        self._writing = threading.Lock()

    def publish(self, own: list[Family]) -> None:
        """Leave what this worker has counted for the others."""
        written = self._file.with_suffix(".part")
        with self._writing:
            written.write_bytes(msgspec.json.encode(merged([own, self._before])))
            written.replace(self._file)

    def all(self, own: list[Family]) -> list[Family]:
        """Return what all workers together have counted."""
        self.publish(own)
        return merged([_decode(file.read_bytes()) for file in sorted(self._folder.glob("*.json"))])


def merged(pages: Iterable[list[Family]]) -> list[Family]:
    """Return the families of all pages, each once.

    >>> pages = [[Family("a_total", "counter", "", "sum", {"": 2})], [Family("a_total", "counter", "", "sum", {"": 3})]]
    >>> merged(pages)[0].samples
    {'': 5.0}
    """
    found: dict[str, list[Family]] = {}
    for page in pages:
        for family in page:
            found.setdefault(family.name, []).append(family)
    return [_merged(families) for families in found.values()]


def text(families: Iterable[Family]) -> str:
    """Return the page.

    >>> print(text([Family("a_total", "counter", "All.", "sum", {'{b="c"}': 2})]), end="")
    # HELP a_total All.
    # TYPE a_total counter
    a_total{b="c"} 2
    """
    lines = []
    for family in families:
        lines += [f"# HELP {family.name} {family.about}", f"# TYPE {family.name} {family.kind}"]
        lines += [f"{family.name}{labels} {value}" for labels, value in family.samples.items()]
    return "\n".join(lines) + "\n"


def _merged(families: list[Family]) -> Family:
    samples: dict[str, list[float]] = {}
    for family in families:
        for labels, value in family.samples.items():
            samples.setdefault(labels, []).append(value)
    combine = _MERGE[families[0].merge]
    return msgspec.structs.replace(families[0], samples={labels: float(combine(values)) for labels, values in samples.items()})
