"""What all protocols share: the settings, which model answers, and how texts are scored."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from goldstream import settings
from goldstream.errors import ModelError
from goldstream.serving.batching import Batcher
from goldstream.serving.counting import Metrics
from goldstream.serving.judged import Judged, nothing
from goldstream.serving.models import Models, Unavailable, UnknownVersion
from goldstream.serving.pages import Workers
from goldstream.serving.prediction_store import PredictionStore
from goldstream.serving.requests import Refused
from goldstream.serving.trial import Trials
from goldstream.stream.champion import Fixed

if TYPE_CHECKING:
    from goldstream.registry.mlflow_webhook import Webhook


@dataclass
class Service:
    """One serving process, as its protocols see it."""

    name: str  #: by which clients call the model
    section: settings.Serving
    models: Models
    batcher: Batcher
    predictions: PredictionStore | None = None  #: where answers are kept, if they are
    metrics: Metrics | None = None  #: what is counted, if anything is
    workers: Workers | None = None  #: that answer on the same port, if there are several
    trials: Trials | None = None  #: of other versions on live requests
    webhook: "Webhook | None" = None  #: by which MLflow says that an alias has moved
    draining: bool = False  #: asked to stop: answers, and is not ready any more

    @property
    def ready(self) -> bool:
        """Whether requests should be sent here."""
        return self.models.ready and not self.draining

    @property
    def largest_body(self) -> int:
        """Bytes."""
        return int(self.section.max_body_mb * 1_000_000)

    async def model(self, version: int | str | None = None) -> Fixed:
        """Return the champion, or the model of that number or alias; raises `Refused`."""
        try:
            if version is None:
                return self.models.champion
            return await (self.models.version(version) if isinstance(version, int) else self.models.alias(version))
        except UnknownVersion as error:
            raise Refused(404, str(error)) from None
        except Unavailable as error:
            raise Refused(503, str(error), {"retry-after": "1"}) from None

    async def score(self, texts: Sequence[str], version: int | str | None = None) -> Judged:
        """Return what the champion, or that version, says of each text; raises `Refused`."""
        model = await self.model(version)
        if len(texts) > self.section.max_texts:
            raise Refused(400, f"{len(texts):,} texts in one request are too many; send at most {self.section.max_texts:,}")
        if not texts:
            return nothing(model)
        try:
            if version is None and self.trials is not None and self.trials.on:
                judged = await self.trials.score(model, list(texts))
            else:
                judged = await self.batcher.score(model, list(texts))
        except ModelError as error:
            raise Refused(500, str(error)) from None
        except UnicodeEncodeError:
            raise Refused(400, "a text holds half of a character pair, which is no text") from None
        except Exception as error:
            raise Refused(500, f"version {model.version} failed on this text: {type(error).__name__}") from error
        if self.metrics is not None:
            self.metrics.judged(judged)
        return judged
