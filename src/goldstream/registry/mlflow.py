"""The registry on an MLflow server, 3 or later: versions and aliases live there, and whoever moves one there is followed.

The store remembers what MLflow forgets: every move of an alias, also one made on MLflow's own pages, and the evidence of
each version that was ever named here. Which version an alias names is always MLflow's to say.
"""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self
from urllib.parse import urlsplit

import msgspec
import psycopg
from psycopg.types.json import Jsonb

from goldstream import settings
from goldstream.errors import RegistryError, RegistryUnreachable, SettingsError
from goldstream.registry import mlflow_model, moves
from goldstream.registry.base import Move, Version
from goldstream.registry.folders import is_unharmed, pack, sha256_of, unpack
from goldstream.registry.mlflow_model import FACTS, FOLDER, Registered
from goldstream.store import Store, refusals

# MLflow reads these itself. Without them a server that is away holds a call up for minutes, and use is reported to its makers.
for _name, _value in {
    "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false", "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}.items():  # fmt: skip
    os.environ.setdefault(_name, _value)
try:
    from mlflow import MlflowClient
    from mlflow.artifacts import download_artifacts
    from mlflow.entities import Dataset, DatasetInput, InputTag, LoggedModelOutput, Metric, Param, Run
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.exceptions import MlflowException
except ImportError:
    raise ImportError("MLflow needs one more package: pip install 'goldstream[mlflow]'") from None

THERE = "MLflow"  #: who moved an alias, when it was nobody here
OURS = "goldstream"  #: tag of a registered model: which project's it is
COMING = "goldstream.coming"  #: tag of a registered model whose versions are still being brought from another registry
SHA256 = "goldstream.sha256"  #: tag of a version
LONGEST_DIGEST = 36

_MISSING = {"RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"}
_REFUSED = {"UNAUTHENTICATED", "PERMISSION_DENIED"}
_VERSION = "version, name, created_at, labels, threshold, sha256, evidence"
_REMEMBER = (
    f"INSERT INTO models ({_VERSION}) OVERRIDING SYSTEM VALUE VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"
)
_NOT_IN_NAMES = str.maketrans(dict.fromkeys("/:.%\"'", "-"))  # of models, says MLflow
_PATIENCE_MS = 60_000  # in the middle of a transaction, while MLflow is asked


class MlflowRegistry:
    """Implements `registry.base.Registry` on an MLflow server, and keeps the history in the store."""

    def __init__(self, store: Store, section: settings.Registry, project: str) -> None:
        self._store, self._project = store, project
        self._uri = _address(section)
        self._model, self._experiment = section.model or project, section.experiment or project
        self._client = MlflowClient(self._uri, self._uri)
        self._announcements = moves.Announcements(store)
        self._poll_s, self._polled_at = section.poll_s, 0.0
        self._seen: dict[str, int] | None = None

    @classmethod
    def open(cls, store: Store, settings: settings.Settings) -> Self:
        """Return the registry that the settings name; MLflow is not asked anything yet."""
        return cls(store, settings.registry, settings.project.name)

    def register(self, folder: Path, *, name: str, labels: Sequence[str], threshold: float, evidence: Mapping[str, Any]) -> int:
        """Log a run with its parameters, metrics, dataset and model, and return the model's new version."""
        with self._connect() as conn:
            self._check_brought(conn)
        return self._register(folder, name=name, labels=labels, threshold=threshold, evidence=evidence)

    def take_over(self, versions: Sequence[tuple[Version, Path]]) -> None:
        """Register each version under its own number, and let the aliases name in MLflow what they name in the store.

        Raises `RegistryError` when MLflow has counted further already.
        """
        with self._asking():
            self._claim_name()
            self._client.set_registered_model_tag(self._model, COMING, "true")
        there = max((found.version for found in self.versions()), default=0)
        for version, folder in versions:
            while there < version.version:  # a number that nobody has here is another copy there
                there = self._register(
                    folder, name=version.name, labels=version.labels, threshold=version.threshold, evidence=version.evidence
                )
        with self._connect() as conn, conn.transaction():
            moves.one_at_a_time(conn)
            for alias, number in moves.aliases(conn).items():
                with self._asking():
                    self._client.set_registered_model_alias(self._model, alias, str(number))
        with self._asking():
            self._client.delete_registered_model_tag(self._model, COMING)

    def attach(self, version: int, folder: Path) -> None:
        """Show the files in `folder` as the report of the version's run."""
        with self._asking():
            run_id = self._client.get_model_version(self._model, str(version)).run_id
            self._client.log_artifacts(run_id, str(folder), "report")

    def fetch(self, version: int, into: Path) -> Path:
        """Write the version's folder below `into`, unless it is there unharmed, and return it; its bytes are checked."""
        known = self._recalled(version) or self.get(version)
        if not known.labels:
            raise RegistryError(f"model version {version} in MLflow was not made by goldstream; promote another version")
        folder = into / known.sha256
        if is_unharmed(folder, known.sha256):
            return folder
        with TemporaryDirectory() as scratch:
            data = pack(self._downloaded(version, FOLDER, scratch))
        if sha256_of(data) != known.sha256:
            raise RegistryError(f"the bytes of model version {version} are damaged or missing; promote another version")
        unpack(data, folder)
        return folder

    def versions(self) -> list[Version]:
        """Return all versions that MLflow has, newest first."""
        found: list[ModelVersion] = []
        token = None
        with self._asking():
            while token != "":
                page = self._client.search_model_versions(f"name='{self._model}'", 1_000, ["version_number DESC"], token)
                found, token = [*found, *page], page.token or ""
        with self._connect() as conn:
            rows = conn.execute(f"SELECT {_VERSION} FROM models".encode()).fetchall()
        known = {row[0]: _version(row) for row in rows}
        return [self._remembered(each, known=known.get(int(each.version))) for each in found]

    def get(self, version: int) -> Version:
        """Return one version; raises `RegistryError` when MLflow has none, or not any more."""
        with self._asking(f"MLflow's {self._model!r} has no model version {version}; `goldstream models list` shows all"):
            found = self._client.get_model_version(self._model, str(version))
        return self._remembered(found)

    def alias(self, alias: str) -> int | None:
        """Return the version that `alias` names in MLflow now."""
        return self._observed().get(alias)

    def move(self, alias: str, version: int, *, who: str, why: str) -> bool:
        """Let `alias` name `version` in MLflow, remember it, and tell whoever follows the alias; False when it does so already."""
        self.get(version)
        with self._moving() as conn:
            if moves.aliases(conn).get(alias) == version:
                return False
            self._move(conn, alias, version, who=who, why=why)
        return True

    def rollback(self, alias: str, *, who: str, why: str) -> int:
        """Take back the newest move that has not been taken back; raises `RegistryError` when none is left."""
        with self._moving() as conn:
            undone = moves.last_standing(conn, alias)
            self._move(conn, alias, undone.before, who=who, why=why, undoes=undone.id)
        return undone.before

    def wait(self, timeout_s: float) -> bool:
        """Return True as soon as an alias or a threshold may have moved, here or in MLflow, False after `timeout_s`.

        Belongs to one thread.
        """
        if self._announcements.wait(timeout_s):
            return True
        if time.monotonic() < self._polled_at + self._poll_s:
            return False
        self._polled_at, before = time.monotonic(), self._seen
        self._seen = self._aliases()
        return self._seen != before

    def close(self) -> None:
        """Stop listening; a second call does nothing."""
        self._announcements.close()

    def thresholds(self) -> Mapping[int, float]:
        """Return the threshold in force for each version: the one it was registered with, unless it was moved since."""
        with self._connect() as conn:
            return moves.thresholds(conn)

    def refuse(self, alias: str, version: int, *, stays: int | None, who: str, why: str) -> None:
        """Remember that `who` follows the alias and would not take `version` over; `stays` goes on."""
        with self._connect() as conn:
            refusals.add(conn, alias, version, stays=stays, who=who, why=why)

    def history(self, alias: str | None = None) -> list[Move]:
        """Return the moves, newest first, those made in MLflow with the time at which they were seen; while it is away, those known."""
        with suppress(RegistryUnreachable):
            self._observed()
        with self._connect() as conn:
            return moves.history(conn, alias)

    def _connect(self) -> psycopg.Connection[Any]:
        return self._store.connect(name="registry", idle_in_transaction_session_timeout=_PATIENCE_MS)

    def _aliases(self) -> dict[str, int]:
        with self._asking():
            try:
                found = self._client.get_registered_model(self._model)
            except MlflowException as error:
                if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                    raise
                return {}
        if COMING in found.tags:
            raise RegistryError(
                "the copy to MLflow did not come to its end: set registry.type to what it was, and run "
                "`goldstream models copy --to mlflow` again"
            )
        return {alias: int(version) for alias, version in found.aliases.items()}

    def _observed(self) -> dict[str, int]:
        """What each alias names in MLflow; a move that nobody here made is remembered first."""
        found = self._aliases()
        with self._connect() as conn:
            if moves.aliases(conn) != found:
                with self._moving():
                    found = self._aliases()
        return found

    @contextmanager
    def _moving(self) -> Iterator[psycopg.Connection[Any]]:
        """A transaction in which nobody else moves aliases, and all that happened before is in the history."""
        with self._connect() as conn, conn.transaction():
            moves.one_at_a_time(conn)
            found, known = self._aliases(), moves.aliases(conn)
            if known and not found:
                self._check_brought(conn)
            for alias in sorted(found.keys() | known.keys()):
                if (after := found.get(alias)) != known.get(alias):
                    if after is not None:
                        self.get(after)
                    moves.record(conn, alias, after, who=THERE, why="moved there" if after else "the alias was deleted there")
            yield conn

    def _check_brought(self, conn: psycopg.Connection[Any]) -> None:
        """Raise `RegistryError` when the store has versions, from another registry, and MLflow has none yet."""
        if conn.execute("SELECT 1 FROM models LIMIT 1").fetchone() and not self.versions():
            raise RegistryError(
                f'MLflow\'s {self._model!r} has no versions, and this project has: set registry.type to "postgres" again and '
                "let `goldstream models copy --to mlflow` bring them"
            )

    def _move(
        self, conn: psycopg.Connection[Any], alias: str, version: int, *, who: str, why: str, undoes: int | None = None
    ) -> None:
        with self._asking(f"model version {version} was deleted in MLflow; `goldstream models list` shows all"):
            self._client.set_registered_model_alias(self._model, alias, str(version))
        moves.record(conn, alias, version, who=who, why=why, undoes=undoes)

    def _register(
        self, folder: Path, *, name: str, labels: Sequence[str], threshold: float, evidence: Mapping[str, Any]
    ) -> int:
        sha256 = sha256_of(pack(folder))
        facts = Registered(name=name, labels=list(labels), threshold=threshold, sha256=sha256, evidence=dict(evidence))
        with self._asking():
            self._claim_name()
            with self._run(facts) as run:
                source = self._log_model(run, folder, facts)
                found = self._client.create_model_version(
                    self._model, source, run.info.run_id, tags={SHA256: sha256}, await_creation_for=0,
                    model_id=source.removeprefix("models:/"), description=evidence.get("evaluated_on"),
                )  # fmt: skip
        return self._remembered(found, facts).version

    def _claim_name(self) -> None:
        try:
            self._client.create_registered_model(self._model, {OURS: self._project}, "Made and followed by goldstream.")
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            found = self._client.get_registered_model(self._model)
            if found.tags.get(OURS) != self._project:
                raise RegistryError(
                    f"the name {self._model!r} is taken in MLflow by {found.tags.get(OURS) or 'a model not made by goldstream'}; "
                    "name another one as registry.model in goldstream.toml"
                ) from None

    @contextmanager
    def _run(self, facts: Registered) -> Iterator[Run]:
        """A run with all that the evidence says, which is finished or failed at the end."""
        client = self._client
        experiment = client.get_experiment_by_name(self._experiment)
        where = experiment.experiment_id if experiment else client.create_experiment(self._experiment)
        run = client.create_run(where, run_name=facts.name, tags={"mlflow.source.name": "goldstream"})
        try:
            client.log_batch(run.info.run_id, params=[Param(*each) for each in mlflow_model.params(facts).items()])
            if (named := _dataset(facts)) is not None:
                table = msgspec.json.encode({"table": f"{self._store.schema}.{named[0]}"}).decode()
                data = Dataset(*named, "goldstream", table)
                client.log_inputs(run.info.run_id, [DatasetInput(data, [InputTag("mlflow.data.context", "training")])])
            yield run
        except BaseException:
            client.set_terminated(run.info.run_id, "FAILED")
            raise
        client.set_terminated(run.info.run_id)

    def _log_model(self, run: Run, folder: Path, facts: Registered) -> str:
        """Give the folder, and how well it does, to MLflow as a model of the run, and return where it is, `models:/m-…`."""
        info = run.info
        name = facts.name.translate(_NOT_IN_NAMES)
        model = self._client.create_logged_model(
            info.experiment_id, name, info.run_id, params=mlflow_model.params(facts), model_type="goldstream"
        )
        at = int(time.time() * 1_000)
        figures = mlflow_model.metrics(facts.evidence).items()
        dataset, digest = _dataset(facts) or (None, None)
        used = (dataset, digest) if digest else (None, None)  # a metric takes both or none
        self._client.log_batch(info.run_id, [Metric(name, value, at, 0, model.model_id, *used) for name, value in figures])
        self._client.log_outputs(info.run_id, [LoggedModelOutput(model.model_id, 0)])
        with TemporaryDirectory() as scratch:
            mlflow_model.write(Path(scratch), folder, facts, model_id=model.model_id, run_id=info.run_id)
            self._client.log_model_artifacts(model.model_id, scratch)
        return str(self._client.finalize_logged_model(model.model_id, "READY").model_uri)

    def _downloaded(self, version: int, path: str, into: str) -> Path:
        with self._asking(f"model version {version} was deleted in MLflow, or its files were"):
            place = self._client.get_model_version_download_uri(self._model, str(version))
            return Path(download_artifacts(artifact_uri=f"{place}/{path}", dst_path=into, tracking_uri=self._uri))

    def _recalled(self, version: int) -> Version | None:
        with self._connect() as conn:
            row = conn.execute(f"SELECT {_VERSION} FROM models WHERE version = %s".encode(), (version,)).fetchone()
        return None if row is None else _version(row)

    def _remembered(self, found: ModelVersion, facts: Registered | None = None, known: Version | None = None) -> Version:
        """What the store knows of a version of MLflow's; it is asked for its evidence only the first time."""
        version, sha256 = int(found.version), found.tags.get(SHA256, "")
        known = known or self._recalled(version)
        if known is None:
            facts = facts or (self._read_facts(version) if sha256 else _STRANGER)
            made_at = datetime.fromtimestamp(found.creation_timestamp / 1_000, UTC)
            row = (version, facts.name, made_at, list(facts.labels), facts.threshold, facts.sha256, Jsonb(dict(facts.evidence)))
            with self._connect() as conn:
                conn.execute(_REMEMBER.encode(), row)
            known = self._recalled(version)
            assert known is not None
        if known.sha256 != sha256:
            raise RegistryError(
                f"this project's store remembers another model version {version} than MLflow has, from another registry: "
                "give one of them another registry.model, and bring versions by `goldstream models copy --to mlflow`"
            )
        return known

    def _read_facts(self, version: int) -> Registered:
        with TemporaryDirectory() as scratch:
            data = self._downloaded(version, FACTS, scratch).read_bytes()
        try:
            return msgspec.json.decode(data, type=Registered)
        except (msgspec.DecodeError, RecursionError) as error:
            raise RegistryError(f"{FACTS} of model version {version} in MLflow can't be read: {error}") from None

    @contextmanager
    def _asking(self, missing: str | None = None) -> Iterator[None]:
        """Say in our words what MLflow refuses; `missing` is what it means that something does not exist."""
        try:
            yield
        except (MlflowException, OSError) as error:
            raise _explained(error, self._uri, missing) from None


_STRANGER = Registered(name="not made by goldstream", labels=(), threshold=0.5, sha256="", evidence={})


def _dataset(facts: Registered) -> tuple[str, str] | None:
    """Name and digest, as short as MLflow has them, of the dataset that a version was made from and judged by."""
    dataset = facts.evidence.get("dataset")
    return None if dataset is None else (dataset, (facts.evidence.get("dataset_sha256") or "")[:LONGEST_DIGEST])


def _version(row: Sequence[Any]) -> Version:
    version, name, created_at, labels, threshold, sha256, evidence = row
    return Version(version, name, created_at, tuple(labels), threshold, sha256, evidence)


def _address(section: settings.Registry) -> str:
    uri = section.uri if isinstance(section.uri, str) else section.uri.value()
    if urlsplit(uri).scheme not in ("http", "https") or not urlsplit(uri).hostname:
        raise SettingsError("registry.uri is the address of an MLflow server, e.g. http://127.0.0.1:5000")
    return uri.rstrip("/")


def _explained(error: MlflowException | OSError, uri: str, missing: str | None) -> RegistryError:
    parts = urlsplit(uri)
    where = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()  # without a password
    said = str(error).replace(uri, where)
    code = error.error_code if isinstance(error, MlflowException) else "INTERNAL_ERROR"
    if code in _MISSING or "404 Client Error" in said:
        return RegistryError(missing or _first_line(said))
    if code in _REFUSED:
        names = "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
        return RegistryUnreachable(f"MLflow at {where} does not let us in; set {names}")
    if code == "ENDPOINT_NOT_FOUND":
        return RegistryUnreachable(f"there is no MLflow 3 at {where}; registry.uri in goldstream.toml says where it is")
    if "failed with exception" in said:
        return RegistryUnreachable(f"no MLflow answers at {where}; `mlflow server` starts one")
    kind = RegistryUnreachable if code in ("INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE") else RegistryError
    return kind(f"MLflow at {where}: {_first_line(said)}")


def _first_line(said: str) -> str:
    return said.partition("\n")[0][:300]
