"""What only a registry on MLflow has: runs, moves made there, other people's models, and a server that can be away."""

import http.server
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from itertools import count
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from goldstream import settings
from goldstream.errors import RegistryError, RegistryUnreachable, SettingsError
from goldstream.models.folder import load_model, save_model
from goldstream.models.ngram_bag import NgramBag, NgramBagSettings
from goldstream.registry.postgres import PostgresRegistry
from goldstream.store import Store
from goldstream.stream.champion import Champion

mlflow = pytest.importorskip("mlflow", reason="MLflow's client is not installed: pip install 'goldstream[mlflow]'")

from goldstream.registry.mlflow import MlflowRegistry  # noqa: E402

TEXTS = ["the flood comes tonight", "my new phone"]
EVIDENCE = {
    "metrics": {"f1": 0.8, "f1_interval": [0.7, 0.9], "stream": {"recall": 0.5}}, "evaluated_on": "test_dataset_0: 1,000 posts",
    "dataset": "raw_tweet_dataset_0", "dataset_sha256": "ab" * 32, "seed": 7, "parent": None,
    "functions": {"says_flood": "9f", "says 'rain'?": "a0"},
}  # fmt: skip
_projects = count()


@pytest.fixture
def project() -> str:
    return f"mlflow-{next(_projects)}"


@pytest.fixture
def registry(store: Store, mlflow_uri: str, project: str) -> Iterator[MlflowRegistry]:
    with closing(MlflowRegistry(store, settings.Registry(type="mlflow", uri=mlflow_uri, poll_s=0.2), project)) as opened:
        yield opened


@pytest.fixture
def client(mlflow_uri: str) -> "mlflow.MlflowClient":
    """Whoever works on MLflow's own pages."""
    return mlflow.MlflowClient(mlflow_uri, mlflow_uri)


def write_model(folder: Path, seed: int) -> Path:
    model = NgramBag(("keep", "other"), NgramBagSettings(bits=12, epochs=3, seed=seed))
    model.fit(pa.array(TEXTS * 10), np.eye(2, dtype=np.float32)[[0, 1] * 10])
    save_model(model, folder, kind="ngram-bag", name="floods", threshold=0.5, positive="keep", made_from={})
    return folder


@pytest.fixture
def register(registry: MlflowRegistry, tmp_path: Path) -> Callable[..., int]:
    """Register a model that keeps floods."""

    def run(seed: int = 0) -> int:
        folder = write_model(tmp_path / f"model{next(_projects)}", seed)
        return registry.register(folder, name="floods", labels=("keep", "other"), threshold=0.5, evidence=EVIDENCE)

    return run


def test_a_version_is_a_run_with_parameters_metrics_dataset_and_model(registry, register, client, project):
    found = client.get_model_version(project, str(register()))
    run = client.get_run(found.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.metrics == {"f1": 0.8, "f1_interval.low": 0.7, "f1_interval.high": 0.9, "stream.recall": 0.5}
    assert run.data.params["seed"] == "7"
    assert (run.data.params["functions.says_flood"], run.data.params["functions.says _rain__"]) == ("9f", "a0")
    (used,) = run.inputs.dataset_inputs
    assert (used.dataset.name, used.dataset.digest) == ("raw_tweet_dataset_0", "ab" * 18)
    assert found.description == EVIDENCE["evaluated_on"]
    model = client.get_logged_model(found.source.removeprefix("models:/"))
    assert (model.status, model.source_run_id) == ("READY", found.run_id)
    assert {metric.key: metric.value for metric in model.metrics} == run.data.metrics
    assert {(metric.dataset_name, metric.dataset_digest) for metric in model.metrics} == {("raw_tweet_dataset_0", "ab" * 18)}
    assert model.params == run.data.params
    assert [output.model_id for output in run.outputs.model_outputs] == [model.model_id]


def test_the_model_is_a_pyfunc_with_the_same_probabilities(registry, register, project, mlflow_uri, monkeypatch, tmp_path):
    pandas, pyfunc = pytest.importorskip("pandas"), pytest.importorskip("mlflow.pyfunc")
    version = register()
    registry.move("champion", version, who="ann", why="first")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_uri)
    monkeypatch.chdir(tmp_path)
    loaded = pyfunc.load_model(f"models:/{project}@champion")
    ours = load_model(registry.fetch(version, tmp_path / "cache")).predict_proba(pa.array(TEXTS))
    for given in (pandas.DataFrame({"text": TEXTS}), pandas.DataFrame({"id": [1, 2], "text": TEXTS})):
        answers = loaded.predict(given)
        assert [answer["label"] for answer in answers] == ["keep", "other"]
        np.testing.assert_allclose([list(answer["probabilities"].values()) for answer in answers], ours, atol=1e-7)
    assert loaded.metadata.get_input_schema().input_names() == ["text"]


def test_a_move_made_in_mlflow_is_followed_and_remembered(registry, register, client, project, tmp_path):
    one, two = register(1), register(2)
    registry.move("champion", one, who="ann", why="first")
    said: list[str] = []
    with Champion(registry, tmp_path / "cache", say=said.append) as champion:
        wait_until(lambda: champion.version == one)
        client.set_registered_model_alias(project, "champion", str(two))
        started = time.monotonic()
        wait_until(lambda: champion.version == two)
        print(f"followed after {time.monotonic() - started:.2f} s")
    moves = [(move.before, move.after, move.who, move.why) for move in registry.history("champion")]
    assert moves == [(one, two, "MLflow", "moved there"), (None, one, "ann", "first")]
    assert registry.rollback("champion", who="ann", why="worse") == one
    assert client.get_registered_model(project).aliases == {"champion": str(one)}


def test_an_alias_that_was_deleted_in_mlflow_is_nobodys(registry, register, client, project):
    registry.move("champion", register(), who="ann", why="first")
    client.delete_registered_model_alias(project, "champion")
    assert registry.alias("champion") is None
    assert registry.history()[0].why == "the alias was deleted there"
    assert registry.rollback("champion", who="ann", why="by mistake") == 1


def test_a_version_that_was_deleted_in_mlflow_is_said_so(registry, register, client, project, tmp_path):
    one, two = register(1), register(2)
    for version in (one, two):
        registry.move("champion", version, who="ann", why="better")
    client.delete_model_version(project, str(one))
    for ask in (
        lambda: registry.get(one),
        lambda: registry.move("champion", one, who="ann", why="again"),
        lambda: registry.rollback("champion", who="ann", why="worse"),
    ):
        with pytest.raises(RegistryError, match=r"has no model version 1|was deleted in MLflow"):
            ask()
    assert registry.alias("champion") == two
    assert [found.version for found in registry.versions()] == [two]


def test_a_model_that_goldstream_did_not_make_is_refused_and_the_champion_stays(registry, register, client, project, tmp_path):
    one = register()
    registry.move("champion", one, who="ann", why="first")
    run = client.create_run(client.get_experiment_by_name(project).experiment_id).info
    strange = client.create_model_version(project, f"{run.artifact_uri}/model", run.run_id, await_creation_for=0).version
    said: list[str] = []
    champion = Champion(registry, tmp_path / "cache", say=said.append)
    champion.look()
    client.set_registered_model_alias(project, "champion", strange)
    champion.look()
    assert champion.version == one
    assert "was not made by goldstream" in said[-1]
    assert registry.history()[0].after == int(strange)


def test_versions_of_another_replica_are_known_with_their_evidence(
    registry, register, mlflow_uri, project, server_folder, tmp_path
):
    version = register()
    registry.move("champion", version, who="ann", why="first")
    with Store.open(settings.Store(schema=f"other_{project}".replace("-", "_")), server_folder) as other:
        with closing(MlflowRegistry(other, settings.Registry(uri=mlflow_uri), project)) as replica:
            assert replica.alias("champion") == version
            assert replica.get(version) == registry.get(version)
            assert load_model(replica.fetch(version, tmp_path / "replica")).labels == ("keep", "other")
        with other.connect(name="drop") as conn:
            conn.execute(f"DROP SCHEMA {other.schema} CASCADE".encode())


def test_a_name_that_is_taken_is_not_written_to(registry, register, client, project):
    client.create_registered_model(project)
    with pytest.raises(RegistryError, match="is taken in MLflow by a model not made by goldstream"):
        register()
    assert client.get_registered_model(project).latest_versions == []


def test_a_project_moves_to_mlflow_and_back(registry, register, store, client, project, tmp_path):
    here = PostgresRegistry(store)
    for number in range(3):
        folder = write_model(tmp_path / str(number), number)
        here.register(folder, name="floods", labels=("keep", "other"), threshold=0.5, evidence=EVIDENCE)
    with store.connect(name="test") as conn:
        conn.execute("DELETE FROM models WHERE version = 2")  # such gaps are left by what failed
    for version in (1, 3):
        here.move("champion", version, who="ann", why="better")
    for ask in (lambda: registry.alias("champion"), register):
        with pytest.raises(RegistryError, match="models copy --to mlflow"):
            ask()
    registry.take_over([(found, here.fetch(found.version, tmp_path / "cache")) for found in reversed(here.versions())])
    assert client.get_registered_model(project).aliases == {"champion": "3"}
    assert [found.sha256 for found in registry.versions()] == [here.get(number).sha256 for number in (3, 3, 1)]
    assert [(move.before, move.after) for move in registry.history()] == [(1, 3), (None, 1)]
    registry.move("champion", register(seed=7), who="ann", why="better")
    here.take_over([(registry.get(4), registry.fetch(4, tmp_path / "cache"))])
    assert (here.alias("champion"), load_model(here.fetch(4, tmp_path / "back")).labels) == (4, ("keep", "other"))
    assert here.register(folder, name="floods", labels=("keep", "other"), threshold=0.5, evidence={}) == 5


def test_a_copy_that_broke_off_takes_no_alias_away(registry, register, store, client, project, tmp_path):
    here = PostgresRegistry(store)
    folders = [write_model(tmp_path / str(number), number) for number in range(2)]
    for folder in folders:
        here.register(folder, name='a.b: 100 %/"c\'s"', labels=("keep", "other"), threshold=0.5, evidence=EVIDENCE)
    here.move("champion", 2, who="ann", why="better")
    versions = [(found, folder) for found, folder in zip(reversed(here.versions()), folders, strict=True)]
    with pytest.raises(FileNotFoundError):
        registry.take_over([versions[0], (versions[1][0], tmp_path / "unplugged")])
    with pytest.raises(RegistryError, match="copy to MLflow did not come to its end"):
        registry.alias("champion")
    assert here.alias("champion") == 2
    registry.take_over(versions)
    assert (registry.alias("champion"), len(registry.versions()), len(registry.history())) == (2, 2, 1)


def test_a_store_that_knows_other_versions_is_not_mixed_up(registry, register, store):
    register()
    with store.connect(name="test") as conn:  # as if version 1 had been made before the project used MLflow
        conn.execute("UPDATE models SET sha256 = 'other'")
    with pytest.raises(RegistryError, match="from another registry"):
        registry.versions()


def test_a_damaged_file_in_mlflow_is_not_loaded(registry, register, client, project, store, tmp_path):
    version = register()
    with store.connect(name="test") as conn:
        conn.execute("UPDATE models SET sha256 = 'other'")
    with pytest.raises(RegistryError, match="damaged or missing"):
        registry.fetch(version, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


class Answer(http.server.BaseHTTPRequestHandler):
    """A web server that is no MLflow, or lets nobody in."""

    status = 404

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(b"<h1>no</h1>")

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def answering() -> Iterator[Callable[[int], str]]:
    """Start a web server that answers with a status, and return its address."""
    with ExitStack() as stack:

        def start(status: int) -> str:
            server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Answers", (Answer,), {"status": status}))
            threading.Thread(target=server.serve_forever, daemon=True).start()
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            return f"http://ann:secret@127.0.0.1:{server.server_port}"

        yield start


@pytest.mark.parametrize(
    ("status", "said"),
    [(404, "there is no MLflow 3 at"), (401, "does not let us in"), (403, "does not let us in"), (503, "no MLflow answers")],
)
def test_a_server_that_does_not_help_is_named_without_its_password(store, answering, status, said, tmp_path):
    registry = MlflowRegistry(store, settings.Registry(uri=answering(status)), "floods")
    for ask in (lambda: registry.alias("champion"), registry.versions, lambda: registry.get(1)):
        with pytest.raises(RegistryUnreachable, match=said) as caught:
            ask()
        assert "secret" not in str(caught.value)


def test_a_server_that_is_away_says_nothing_about_a_model(store, tmp_path):
    away = MlflowRegistry(store, settings.Registry(uri="http://127.0.0.1:1"), "floods")
    champion = Champion(away, tmp_path / "cache", say=print)
    with pytest.raises(RegistryUnreachable, match=r"no MLflow answers at http://127\.0\.0\.1:1"):
        champion.look()
    assert champion.swaps.refused == 0
    assert away.history() == []  # it stands in the store


@pytest.mark.parametrize("uri", ["postgresql://me:secret@db/mlflow", "sqlite:///mlflow.db", "127.0.0.1:5000", "http://"])
def test_what_is_no_address_of_a_server_is_refused(store, uri):
    with pytest.raises(SettingsError, match="the address of an MLflow server") as caught:
        MlflowRegistry(store, settings.Registry(uri=uri), "floods")
    assert "secret" not in str(caught.value)


def wait_until(true: Callable[[], bool], timeout_s: float = 30.0) -> None:
    until = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < until
        time.sleep(0.02)
