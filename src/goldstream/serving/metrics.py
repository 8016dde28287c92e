"""`/metrics` in Prometheus' text form (version 0.0.4): requests, predictions, batches, swaps and the prediction store.

The page is written in a thread of its own, so that a scrape holds up no probe and waits for nothing that asks the database.
Of several workers, whichever is asked answers for all.
"""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from goldstream import build
from goldstream.serving.counting import Histogram, Metrics
from goldstream.serving.pages import Family, Kind, Merge, text
from goldstream.serving.service import Service

TYPE = "text/plain; version=0.0.4; charset=utf-8"
PUBLISH_S = 1.0  #: how often a worker says to the others what it has counted


def routes(service: Service) -> list[BaseRoute]:
    """Return the address of the metrics, unless they are off."""
    if service.metrics is None:
        return []
    thread = ThreadPoolExecutor(1, thread_name_prefix="metrics")

    async def metrics(request: Request) -> Response:
        page = await asyncio.get_running_loop().run_in_executor(thread, exposition, service)
        return Response(page, media_type=TYPE)

    return [Route("/metrics", metrics, methods=["GET"])]


def exposition(service: Service) -> str:
    """Return all numbers as Prometheus reads them."""
    own = families(service)
    return text(own if service.workers is None else service.workers.all(own))


async def keep_publishing(service: Service) -> None:
    """Tell the other workers, again and again, what this one has counted."""
    while service.workers is not None:
        await asyncio.to_thread(service.workers.publish, families(service))
        await asyncio.sleep(PUBLISH_S)


def families(service: Service) -> list[Family]:
    """Return what this process has counted."""
    if service.metrics is None:
        return []
    model = f'model="{_quoted(service.name)}"'
    return [
        *_process(service),
        *_requests(service.metrics),
        *_predictions(service.metrics, model),
        *_models(service, model),
    ] + (_stored(service, service.metrics, model) if service.predictions is not None else [])


def _process(service: Service) -> list[Family]:
    labels = f'version="{build.version()}",git="{build.commit()}"'
    return [
        _gauge("build_info", "What runs here.", {labels: 1}, "max"),
        _gauge("ready", "Whether requests should come here.", {"": int(service.ready)}, "min"),
    ]


def _requests(metrics: Metrics) -> list[Family]:
    answered = {
        f'route="{route}",method="{method}",code="{code}"': n for (route, method, code), n in list(metrics.requests.items())
    }
    durations = {f'route="{route}"': histogram for route, histogram in list(metrics.durations.items())}
    return [
        _counter("http_requests_total", "Requests answered.", answered),
        _histogram("http_request_duration_seconds", "Time from a request's head to its answer.", durations),
    ]


def _predictions(metrics: Metrics, model: str) -> list[Family]:
    said = {f'{model},version="{v}",label="{_quoted(label)}"': n for (v, label), n in list(metrics.predictions.items())}
    return [
        _counter("predictions_total", "Texts judged.", said),
        _histogram("prediction_probability", "Of the label that was decided for.", {model: metrics.probabilities}),
        _histogram("predict_batch_size", "Texts that a model was called with.", {model: metrics.batches}),
        _histogram("predict_queue_seconds", "How long the first request of a batch waited for it.", {model: metrics.waits}),
    ]


def _models(service: Service, model: str) -> list[Family]:
    models, swaps = service.models.loaded, service.models.swaps
    champion = models[0].version if service.models.ready else None
    loaded = {f'{model},version="{each.version}",alias="{_alias(each.version == champion)}"': 1 for each in models}
    done = {'result="done"': swaps.done, 'result="refused"': swaps.refused}
    return [
        _gauge("model_loaded_info", "Versions in memory.", loaded, "max"),
        _counter("model_swaps_total", "Moves of the champion followed.", done),
        _gauge("model_swap_seconds", "What the newest swap took.", {"": swaps.seconds}, "max"),
    ]


def _stored(service: Service, metrics: Metrics, model: str) -> list[Family]:
    kept = service.predictions
    assert kept is not None
    heard = {f'{model},version="{v}",correct="{str(right).lower()}"': n for (v, right), n in list(metrics.feedback.items())}
    return [
        _counter("feedback_total", "Answers that somebody called right or wrong.", heard),
        _counter("predictions_stored_total", "Answers written.", {"": kept.written}),
        _counter("predictions_dropped_total", "Answers dropped, the database away.", {"": kept.dropped}),
        _gauge("predictions_waiting", "Answers that are not written yet.", {"": kept.waiting}, "sum"),
    ]


def _counter(name: str, about: str, samples: Mapping[str, float]) -> Family:
    return _family(name, "counter", about, samples, "sum")


def _gauge(name: str, about: str, samples: Mapping[str, float], merge: Merge) -> Family:
    return _family(name, "gauge", about, samples, merge)


def _family(name: str, kind: Kind, about: str, samples: Mapping[str, float], merge: Merge) -> Family:
    wrapped = {f"{{{labels}}}" if labels else "": value for labels, value in samples.items()}
    return Family(f"goldstream_{name}", kind, about, merge, wrapped)


def _histogram(name: str, about: str, found: Mapping[str, Histogram]) -> Family:
    samples: dict[str, float] = {}
    for labels, histogram in found.items():
        total = 0
        for bound, count in zip((*histogram.bounds, "+Inf"), list(histogram.counts), strict=True):
            total += count
            samples[f'_bucket{{{labels},le="{bound}"}}'] = total
        samples |= {f"_sum{{{labels}}}": histogram.sum, f"_count{{{labels}}}": total}
    return Family(f"goldstream_{name}", "histogram", about, "sum", samples)


def _alias(is_champion: bool) -> str:
    return "champion" if is_champion else ""


def _quoted(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
