"""What champion and rules say of one text; loaded when somebody first asks, and again when they have changed."""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldstream import plugins
from goldstream.errors import GoldstreamError
from goldstream.settings import Settings
from goldstream.store import Store

if TYPE_CHECKING:  # both bring libraries along that a page which is only read can do without
    from goldstream.labeling.functions import LabelingFunction
    from goldstream.registry.base import Registry
    from goldstream.stream.champion import Fixed

LONGEST_TEXT = 20_000  #: letters that are judged
MOST_TOKENS = 60


class Judge:
    """The newest champion and the project's labelling functions."""

    def __init__(self, store: Store, settings: Settings, folder: Path) -> None:
        self._settings, self._store = settings, store
        #: where fetched models are
        self.cache = folder / settings.store.folder / "models"
        self._rules_file = folder / settings.labeling.functions
        self._lock = threading.Lock()
        self._model: Fixed | None = None
        self._rules: tuple[int, list[LabelingFunction]] = (0, [])

    @contextlib.contextmanager
    def registry(self) -> "Iterator[Registry]":
        """Open the registry that the settings name."""
        found: Registry = plugins.find("registries", self._settings.registry.type).open(self._store, self._settings)
        with contextlib.closing(found):
            yield found

    def model(self, version: int) -> "Fixed":
        """Return the model of that version, loaded; raises `GoldstreamError` when it can't be."""
        from goldstream.stream.champion import load

        with self._lock:
            if self._model is None or self._model.version != version:
                with self.registry() as registry:
                    self._model = load(registry, version, self.cache)
            return self._model

    def votes(self, text: str, links: list[str] | None) -> list[dict[str, Any]]:
        """Return what each labelling function says of a text, whose links are found in it where `links` is None."""
        import polars as pl

        from goldstream.links.extract import in_text
        from goldstream.records import POSTS

        try:
            rules = self._read_rules()
        except GoldstreamError:
            return []
        empty: Any = pl.from_arrow(POSTS.empty_table())
        row = {
            "id": "try:1",
            "source": "try",
            "kind": "create",
            "revision": 0,
            "text": text,
            "links": in_text(text) if links is None else links,
            "tags": [],
            "media": [],
            "extra": "{}",
        }
        posts = pl.DataFrame([{**dict.fromkeys(POSTS.names), **row}], schema=empty.schema)
        return [{"function": rule.name, "vote": rule(posts)[0]} for rule in rules]

    def explain(self, model: "Fixed", text: str, label: str) -> list[dict[str, Any]]:
        """Return what tokens of a text add to a label's logit, in order; none for a model that can't tell."""
        from goldstream.models.explain import explain

        try:
            tokens = explain(model.model, text, top=MOST_TOKENS).tokens.get(label, [])
        except GoldstreamError:
            return []
        return [token._asdict() for token in sorted(tokens, key=lambda token: token.start)]

    def _read_rules(self) -> "list[LabelingFunction]":
        from goldstream.labeling.loading import load

        with self._lock:
            try:
                changed = self._rules_file.stat().st_mtime_ns
            except OSError:
                return []
            if self._rules[0] != changed:
                self._rules = (changed, load(self._rules_file, self._settings.project.labels))
            return self._rules[1]
