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
                return self.champion
            return await (self.models.version(version) if isinstance(version, int) else self.models.alias(version))
        except UnknownVersion as error:
            raise Refused(404, str(error)) from None
        except Unavailable as error:
            raise _away(error) from None

    @property
    def champion(self) -> Fixed:
        """The model that answers whoever names none; raises `Refused` while there is none."""
        try:
            return self.models.champion
        except Unavailable as error:
            raise _away(error) from None

    def check(self, texts: Sequence[str]) -> None:
        """Raise `Refused` when these are too many for one request."""
        if len(texts) > self.section.max_texts:
            raise Refused(400, f"{len(texts):,} texts in one request are too many; send at most {self.section.max_texts:,}")

    async def score(self, texts: Sequence[str], version: int | str | None = None) -> Judged:
        """Return what the champion, or that version, says of each text; raises `Refused`."""
        model = await self.model(version)
        self.check(texts)
        if not texts:
            return nothing(model)
        try:
            if version is None and self.trials is not None and self.trials.on:
                judged = await self.trials.score(model, list(texts))
            else:
                judged = await self.batcher.score(model, list(texts))
        except Exception as error:
            raise refusal(error, model) from error
        if self.metrics is not None:
            self.metrics.judged(judged)
        return judged


def refusal(error: BaseException, model: Fixed) -> Refused:
    """Return what is said to whoever sent the texts on which `model` failed so."""
    if isinstance(error, ModelError):
        return Refused(500, str(error))
    if isinstance(error, UnicodeEncodeError):
        return Refused(400, "a text holds half of a character pair, which is no text")
    return Refused(500, f"version {model.version} failed on this text: {type(error).__name__}")


def _away(error: Unavailable) -> Refused:
    return Refused(503, str(error), {"retry-after": "1"})
