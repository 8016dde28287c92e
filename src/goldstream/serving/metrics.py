"""`/metrics` in Prometheus' text form (version 0.0.4): requests, predictions, batches, swaps and the prediction store.

The page is written in a thread, so that a scrape holds up no probe. With several workers each answers for itself; `worker`
tells them apart.
"""

import asyncio
import os
from collections.abc import Mapping
from importlib.metadata import version as installed_version

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from goldstream.serving.counting import BUCKETS, Histogram
from goldstream.serving.service import Service

TYPE = "text/plain; version=0.0.4; charset=utf-8"


def routes(service: Service) -> list[BaseRoute]:
    """Return the address of the metrics, unless they are off."""
    if service.metrics is None:
        return []

    async def metrics(request: Request) -> Response:
        return Response(await asyncio.to_thread(exposition, service), media_type=TYPE)

    return [Route("/metrics", metrics, methods=["GET"])]


def exposition(service: Service) -> str:
    """Return all numbers as Prometheus reads them."""
    metrics, name, worker = service.metrics, _quoted(service.name), f'worker="{os.getpid()}"'
    assert metrics is not None
    page = _Page(worker)
    page.family("goldstream_build_info", "gauge", "What runs here.", {f'version="{installed_version("goldstream")}"': 1})
    page.family(
        "goldstream_http_requests_total", "counter", "Requests answered.",
        {f'route="{route}",method="{method}",code="{code}"': n for (route, method, code), n in list(metrics.requests.items())},
    )  # fmt: skip
    page.histograms("goldstream_http_request_duration_seconds", "Time from a request's head to its answer.", metrics.durations)
    page.family(
        "goldstream_predictions_total", "counter", "Texts judged.",
        {f'model="{name}",version="{v}",label="{_quoted(label)}"': n for (v, label), n in list(metrics.predictions.items())},
    )  # fmt: skip
    batcher, swaps = service.batcher, service.models.swaps
    page.family("goldstream_predict_batches_total", "counter", "Calls of a model.", {f'model="{name}"': batcher.calls})
    page.family("goldstream_predict_batch_texts_total", "counter", "Texts in them.", {f'model="{name}"': batcher.texts})
    champion = service.models.loaded[0].version if service.models.ready else None
    loaded = {
        f'model="{name}",version="{each.version}",alias="{"champion" if each.version == champion else ""}"': 1
        for each in service.models.loaded
    }
    page.family("goldstream_model_loaded_info", "gauge", "Versions in memory.", loaded)
    page.family("goldstream_ready", "gauge", "Whether requests should come here.", {"": int(service.ready)})
    done = {'result="done"': swaps.done, 'result="refused"': swaps.refused}
    page.family("goldstream_model_swaps_total", "counter", "Moves of the champion followed.", done)
    page.family("goldstream_model_swap_seconds", "gauge", "What the newest swap took.", {"": swaps.seconds})
    if (kept := service.predictions) is not None:
        page.family(
            "goldstream_feedback_total", "counter", "Answers that somebody called right or wrong.",
            {f'model="{name}",version="{v}",correct="{str(right).lower()}"': n for (v, right), n in list(metrics.feedback.items())},
        )  # fmt: skip
        page.family("goldstream_predictions_stored_total", "counter", "Answers written.", {"": kept.written})
        page.family(
            "goldstream_predictions_dropped_total", "counter", "Answers dropped, the database away.", {"": kept.dropped}
        )
        page.family(
            "goldstream_predictions_waiting", "gauge", "Requests whose answers are not written yet.", {"": kept.waiting}
        )
    return page.text()


class _Page:
    def __init__(self, worker: str) -> None:
        self._worker, self._lines = worker, [""]

    def family(self, name: str, kind: str, about: str, samples: Mapping[str, float]) -> None:
        self._lines += [f"# HELP {name} {about}", f"# TYPE {name} {kind}"]
        self._lines += [f"{name}{{{self._labels(labels)}}} {value}" for labels, value in samples.items()]

    def histograms(self, name: str, about: str, found: Mapping[str, Histogram]) -> None:
        self._lines += [f"# HELP {name} {about}", f"# TYPE {name} histogram"]
        for route, histogram in list(found.items()):
            labels, total = self._labels(f'route="{route}"'), 0
            for bound, count in zip((*BUCKETS, "+Inf"), list(histogram.counts), strict=True):
                total += count
                self._lines.append(f'{name}_bucket{{{labels},le="{bound}"}} {total}')
            self._lines += [f"{name}_sum{{{labels}}} {histogram.sum}", f"{name}_count{{{labels}}} {total}"]

    def text(self) -> str:
        return "\n".join(self._lines[1:]) + "\n"

    def _labels(self, labels: str) -> str:
        return f"{labels},{self._worker}" if labels else self._worker


def _quoted(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
