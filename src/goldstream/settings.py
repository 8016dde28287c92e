"""goldstream.toml as frozen, typed sections. This is the only reader of that file.

An empty file is a working laptop. Unknown keys, wrong types and impossible values are refused with the file, the path
inside it and what is allowed. A secret is a reference, `{ env = "NAME" }`, and is looked up when it is used.

>>> read("", "goldstream.toml").stream.batch_size
16384
>>> read("[stream]\\nbatch-sise = 5", "goldstream.toml")
Traceback (most recent call last):
...
goldstream.errors.SettingsError: goldstream.toml: Object contains unknown field `batch-sise` - at `$.stream`
"""

import os
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from goldstream.errors import SettingsError
from goldstream.names import identifier

FILE = "goldstream.toml"
LONGEST_PREFIX = 26  #: so that the longest name with it, `deduplicated_raw_tweet_dataset_999999`, is one of PostgreSQL's

_S = TypeVar("_S", bound="Section")


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """What every section has in common: frozen, keyword-only, spelled with hyphens, closed to unknown keys."""


class Secret(Section, frozen=True, kw_only=True):
    """A value that stands in the environment and never in a file."""

    env: str  #: name of the environment variable

    def value(self) -> str:
        """Return the value; raises `SettingsError` when the variable is not set."""
        try:
            return os.environ[self.env]
        except KeyError:
            raise SettingsError(f"the environment variable {self.env} is not set; goldstream.toml asks for it") from None


MOST = 2**31 - 1  #: what PostgreSQL's and NumPy's whole numbers hold everywhere

Positive = Annotated[int, Meta(gt=0, le=MOST)]
NotNegative = Annotated[int, Meta(ge=0, le=MOST)]
Seconds = Annotated[float, Meta(gt=0, le=86_400.0)]
Days = Annotated[float, Meta(gt=0, le=36_500.0)]
Label = Annotated[str, Meta(pattern=r"^(?!\s)[^\x00-\x1f]+(?<!\s)$", max_length=200)]
Keyword = Annotated[str, Meta(pattern=r"[^\s*]")]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
LabelModelName = Literal["auto", "majority", "weighted", "generative", "triplet", "dawid-skene"]


class Project(Section, frozen=True, kw_only=True):
    """What this project is called and what it looks for."""

    name: Annotated[str, Meta(pattern="^[a-z][a-z0-9-]{0,39}$")] = "goldstream"
    labels: tuple[Label, ...] = ("keep", "other")  #: every label a post may get
    keep: str = "keep"  #: the label whose posts are kept; one of `labels`


class Store(Section, frozen=True, kw_only=True):
    """Where everything is kept: PostgreSQL in the project's folder, or one of your own."""

    dsn: Secret | str | None = None  #: a PostgreSQL 15 or later; without one, the embedded server is used
    folder: str = ".goldstream"  #: where the embedded server and downloaded models live, relative to this file
    schema: str = "goldstream"  #: PostgreSQL schema that holds our tables


Topic = Annotated[str, Meta(pattern=r"^[a-zA-Z0-9._-]{1,249}$")]


class StrataTopics(Section, frozen=True, kw_only=True):
    """A topic for each stratum; a stratum without one goes to `log.topic`."""

    topic: Topic | None = None
    false_friends: Topic | None = None
    rest: Topic | None = None


class Log(Section, frozen=True, kw_only=True):
    """Posts in arrival order. All but the first two keys are for `type = "kafka"`."""

    type: str = "embedded"
    retention_days: Days = 30.0  #: how long the log keeps posts that every reader has read
    topic: Topic | None = None  #: without one, `<project>.posts`
    strata_topics: StrataTopics = StrataTopics()
    partitions: Positive = 4  #: of a topic that is made; as many workers can share it
    replicas: Positive = 1  #: of a topic that is made
    columns: dict[str, Any] = {}  #: where the fields stand in JSON that others write, as for files; none: our own form
    give_up_s: Seconds = 300.0  #: a process ends when no broker has answered for so long
    kafka: dict[str, Any] = {}  #: librdkafka's own keys, such as `"bootstrap.servers"`; a value may be `{ env = "NAME" }`


class Strata(Section, frozen=True, kw_only=True):
    """How arriving posts are sorted before quotas apply, by keywords: the topic, its false friends, and the rest."""

    topic: tuple[Keyword, ...] = ()  #: whole words or phrases, any case; `*` at the end means "any ending"
    false_friends: tuple[Keyword, ...] = ()  #: likewise; what matches both lists belongs to the topic


class Quotas(Section, frozen=True, kw_only=True):
    """How many posts of each stratum a dataset takes."""

    topic: NotNegative = 25_000
    false_friends: NotNegative = 25_000
    rest: NotNegative = 5_000


class Sizes(Section, frozen=True, kw_only=True):
    """How many rows each split gets; `train` is what is left."""

    test: Positive = 1_000
    dev: Positive = 500
    snorkel_train: NotNegative = 10_000


class Dataset(Section, frozen=True, kw_only=True):
    """The raw dataset, and how it is cut."""

    prefix: str = ""  #: put before every dataset table's name
    version: Annotated[int, Meta(ge=0, lt=1_000_000)] = 0
    quotas: Quotas = Quotas()
    sizes: Sizes = Sizes()
    near_duplicate_similarity: Annotated[float, Meta(gt=0.5, le=1.0)] = 0.8  #: Jaccard, of shingles of five characters
    seed: NotNegative = 0


class Labeling(Section, frozen=True, kw_only=True):
    """Rules that vote, and the model that turns votes into probabilities."""

    functions: str = "labeling.py"  #: a Python file, relative to this one
    label_model: LabelModelName = "auto"  #: one of the label models, or `auto`: whichever the rule takes by dev
    class_balance: dict[
        str, Annotated[float, Meta(gt=0.0, lt=1.0)]
    ] = {}  #: each label's share, where you know it; else estimated


class Model(Section, frozen=True, kw_only=True):
    """The classifier."""

    type: str = "ngram-bag"
    options: dict[str, Any] = {}  #: what the model's own settings class takes
    seed: NotNegative = 0
    precision: Share | None = None  #: choose the threshold for this precision on the live stream; by default for the best F1
    recall: Share | None = None  #: choose the threshold for this recall on the live stream


class Stream(Section, frozen=True, kw_only=True):
    """How posts are classified as they arrive."""

    engine: Literal["local"] = "local"
    reader: Annotated[str, Meta(pattern="^[a-z][a-z0-9-]{0,39}$")] = "classify"
    batch_size: Positive = 16_384  #: most posts per model call
    poll_s: Seconds = 0.05  #: wait at the log's end, in seconds
    keep_floor: Share = 0.05  #: posts from this probability on are stored, so the threshold can move down to it
    require_link: bool = False  #: keep only posts that carry a link
    max_text_bytes: Positive = 100_000  #: longer posts go to the dead letters


RegisteredName = Annotated[str, Meta(pattern="^[A-Za-z0-9][A-Za-z0-9._ -]{0,99}$")]


class Registry(Section, frozen=True, kw_only=True):
    """Where model versions and aliases live."""

    type: str = "postgres"  #: `postgres`, in the store, or `mlflow`
    uri: Secret | str = "http://127.0.0.1:5000"  #: of an MLflow server, 3 or later; this and what follows is for `mlflow`
    model: RegisteredName | None = None  #: its name there; the project's, if not set
    experiment: RegisteredName | None = None  #: that gets a run for each training; the project's name, if not set
    poll_s: Seconds = 0.5  #: how soon MLflow is asked again for moves that nobody announces; two seconds at most
    webhook_secret: Secret | None = None  #: of MLflow's webhook to `/webhooks/mlflow`, which announces moves


class Web(Section, frozen=True, kw_only=True):
    """The pages."""

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535)] = 8321  #: 0 takes any free port
    allowed_hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "[::1]")  #: names a browser may call us by
    token: Secret | None = None  #: needed for any host but loopback


NotNegativeShare = Annotated[float, Meta(ge=0)]
MIX = {"random": 0.2, "uncertain": 0.35, "rules-in-conflict": 0.15, "model-against-rules": 0.15, "uncovered": 0.15}


class Annotator(Section, frozen=True, kw_only=True):
    """Somebody who answers under a name of their own, and proves it by a token."""

    name: Annotated[str, Meta(pattern="^[\\w][\\w .@-]{0,59}$")]
    token: Secret


class Annotation(Section, frozen=True, kw_only=True):
    """What people are asked."""

    #: share of questions that each strategy asks; `random` is the control arm, through which every post has a chance
    mix: dict[str, NotNegativeShare] = msgspec.field(default_factory=lambda: dict(MIX))
    round: Positive = 1_000  #: posts drawn at a time
    overlap: Positive = 1  #: how many people answer the same question
    blind: bool = False  #: hide suggestions unless a person asks to see them
    guidelines: str = "guidelines.md"  #: Markdown shown beside the post, relative to this file
    annotators: tuple[Annotator, ...] = ()  #: people with tokens; without any, whoever may enter gives a name


class Serving(Section, frozen=True, kw_only=True):
    """The champion behind REST: `goldstream serve`."""

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535)] = 8322  #: 0 takes any free port
    model: Annotated[str, Meta(pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")] | None = (
        None  #: its name; the project's, if not set
    )
    api_keys: tuple[Secret, ...] = ()  #: one of them must be shown; needed for any host but loopback
    allowed_hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "[::1]")  #: names by which we may be called without a key
    cors_origins: tuple[str, ...] = ()  #: sites whose pages may ask, such as `https://example.org`
    in_up: bool = False  #: also a part of `goldstream up`, which takes the memory of one more process
    workers: Annotated[int, Meta(ge=1, le=256)] = 1  #: processes that answer on the one port
    metrics: bool = True  #: count, for `/metrics`
    access_log: bool = False  #: a line of JSON on standard error for each request
    batching: bool = True  #: score the texts of requests that arrive together in one call
    batch_wait_ms: Annotated[float, Meta(ge=0, le=1_000)] = 0.0  #: how long a request may wait for others to join it
    max_body_mb: Annotated[float, Meta(gt=0, le=1_024)] = 16.0  #: larger requests are refused
    max_texts: Positive = 20_000  #: most texts in one request
    body_timeout_s: Annotated[float, Meta(gt=0)] = (
        20.0  #: how long a client may take to send its request, or to read on in its answer
    )
    requests_per_second: Annotated[float, Meta(gt=0)] | None = None  #: most from one client, with bursts of two seconds' worth
    max_connections: Positive = 1_024
    pinned_versions: Positive = 4  #: how many other versions stay loaded, for requests that name one
    store_predictions: bool = True  #: keep what `/predict` answers, for `/predictions`, `/feedback` and `/statistics`
    texts: Literal["keep", "hash", "drop"] = "keep"  #: what is stored of the texts: they themselves, their SHA-256, nothing
    queue_mb: Annotated[float, Meta(gt=0)] = 256.0  #: memory for answers that the database can't take yet
    drain_s: Annotated[float, Meta(ge=0)] = 0.5  #: how long to go on answering, not ready any more, when asked to stop
    grace_s: Annotated[float, Meta(ge=0)] = 10.0  #: how long open requests may take after that


class Retention(Section, frozen=True, kw_only=True):
    """How long rows are kept."""

    predictions_days: Days = 90.0  #: of the stream and of serving
    dead_letters_days: Days = 30.0


class Settings(Section, frozen=True, kw_only=True):
    """A whole goldstream.toml."""

    project: Project = Project()
    store: Store = Store()
    log: Log = Log()
    sources: tuple[dict[str, Any], ...] = ()  #: each has a `type`; the rest belongs to that plug-in
    strata: Strata = Strata()
    dataset: Dataset = Dataset()
    labeling: Labeling = Labeling()
    model: Model = Model()
    stream: Stream = Stream()
    registry: Registry = Registry()
    web: Web = Web()
    annotation: Annotation = Annotation()
    serving: Serving = Serving()
    retention: Retention = Retention()


def convert(data: Any, section: type[_S], where: str) -> _S:
    """Return `data` (as TOML gives it) as a `section`; `where` names the place in the error."""
    try:
        return msgspec.convert(data, section)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{where}: {error}") from None


def assignments(lines: Iterable[str]) -> dict[str, Any]:
    """Return what lines such as `rate=0.3` say, as TOML reads them; raises `SettingsError` when one can't be read.

    >>> assignments(["rate=0.3", "pairs=false"])
    {'rate': 0.3, 'pairs': False}
    """
    try:
        return tomllib.loads("\n".join(lines))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{', '.join(lines)}: not NAME=VALUE as TOML has it: {error}") from None


def read(text: str, file: str) -> Settings:
    """Return the settings in `text`; raises `SettingsError` with `file` and the path inside it."""
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError(f"{file}: not TOML: {error}") from None
    settings = convert(data, Settings, file)
    _check(settings, file)
    return settings


def load(path: Path) -> Settings:
    """Return the settings in the file at `path`; raises `SettingsError` when it can't be read or used."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SettingsError(f"{path}: no such file; `goldstream init` writes one to start from") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: can't be read: {error}") from None
    return read(text, str(path))


def _check(settings: Settings, file: str) -> None:
    """Refuse what types alone can't."""
    project = settings.project
    if len(project.labels) < 2 or len(set(project.labels)) != len(project.labels):
        raise SettingsError(f"{file}: at least two different labels are needed - at `$.project.labels`")
    if project.keep not in project.labels:
        allowed = ", ".join(project.labels)
        raise SettingsError(f"{file}: {project.keep!r} is not one of {allowed} - at `$.project.keep`")
    if settings.model.precision is not None and settings.model.recall is not None:
        raise SettingsError(f"{file}: ask for a precision or for a recall; a threshold can't promise both - at `$.model`")
    balance = settings.labeling.class_balance
    if balance and (set(balance) != set(project.labels) or abs(sum(balance.values()) - 1) > 1e-6):
        allowed = ", ".join(project.labels)
        raise SettingsError(f"{file}: needs a share for each of {allowed}, together 1 - at `$.labeling.class-balance`")
    for name, where in ((settings.dataset.prefix, "dataset.prefix"), (settings.store.schema, "store.schema")):
        if name or where == "store.schema":
            try:
                identifier(name, "name")
            except SettingsError as error:
                raise SettingsError(f"{file}: {error} - at `$.{where}`") from None
    if len(settings.dataset.prefix) > LONGEST_PREFIX:
        raise SettingsError(f"{file}: a prefix has at most {LONGEST_PREFIX} characters - at `$.dataset.prefix`")
    names = [annotator.name for annotator in settings.annotation.annotators]
    if len(set(names)) != len(names):
        raise SettingsError(f"{file}: two people share a name - at `$.annotation.annotators`")
    if not sum(settings.annotation.mix.values()) > 0:
        raise SettingsError(f"{file}: at least one strategy needs a share above nought - at `$.annotation.mix`")
    for number, source in enumerate(settings.sources):
        if not isinstance(source.get("type"), str):
            raise SettingsError(f"{file}: a source needs a `type` - at `$.sources[{number}]`")
