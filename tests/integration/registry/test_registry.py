"""What every registry promises: versions and their bytes, and aliases that remember where they were."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest

from goldstream import plugins, settings
from goldstream.errors import RegistryError
from goldstream.registry.base import Registry
from goldstream.store import Store, threshold, trials

EVIDENCE = {
    "metrics": {"f1": 0.8, "f1_interval": [0.7, 0.9]}, "dataset": "raw_tweet_dataset_0", "dataset_sha256": "ab" * 32, "seed": 7,
    "parent": None, "functions": {"says_flood": "9f"}, "evaluated_on": "test_dataset_0: 1,000 posts with gold labels",
}  # fmt: skip
Register = Callable[..., int]
_projects = count()


@pytest.fixture(params=["postgres", "mlflow"])
def make(request: pytest.FixtureRequest, store: Store) -> Iterator[Callable[[], Registry]]:
    """Open the registry of one project, as often as it is called."""
    uri = request.getfixturevalue("mlflow_uri") if request.param == "mlflow" else "http://127.0.0.1:1"
    project = settings.Project(name=f"suite-{next(_projects)}")
    read = settings.Settings(project=project, registry=settings.Registry(type=request.param, uri=uri, poll_s=0.2))
    opened: list[Registry] = []

    def run() -> Registry:
        opened.append(plugins.find("registries", request.param).open(store, read))
        return opened[-1]

    yield run
    for registry in opened:
        registry.close()


@pytest.fixture
def registry(make: Callable[[], Registry]) -> Registry:
    return make()


@pytest.fixture
def register(registry: Registry, tmp_path: Path) -> Register:
    """Register a folder with one file."""

    def run(content: str) -> int:
        folder = tmp_path / "made" / content
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.json").write_text(content)
        return registry.register(folder, name="m", labels=("no", "yes"), threshold=0.4, evidence=EVIDENCE)

    return run


def test_what_was_registered_is_fetched_again(registry: Registry, register: Register, tmp_path: Path) -> None:
    version = register("one")
    folder = registry.fetch(version, tmp_path / "cache")
    assert [(file.name, file.read_text()) for file in folder.iterdir()] == [("model.json", "one")]
    found = registry.get(version)
    assert (found.name, found.labels, found.threshold, found.evidence) == ("m", ("no", "yes"), pytest.approx(0.4), EVIDENCE)


def test_versions_come_newest_first(registry: Registry, register: Register) -> None:
    assert registry.versions() == []
    one, two = register("one"), register("two")
    assert [found.version for found in registry.versions()] == [two, one]
    assert registry.versions()[0] == registry.get(two)


def test_equal_folders_are_two_versions_of_the_same_bytes(registry: Registry, register: Register) -> None:
    first, second = register("one"), register("one")
    assert first != second
    assert registry.get(first).sha256 == registry.get(second).sha256


def test_several_may_fetch_at_once(registry: Registry, register: Register, tmp_path: Path) -> None:
    version = register("one")
    with ThreadPoolExecutor(8) as pool:
        read = set(pool.map(lambda _: (registry.fetch(version, tmp_path / "cache") / "model.json").read_text(), range(32)))
    assert read == {"one"}  # a folder that was given out is not taken away again by a slower one
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [registry.get(version).sha256]


def test_a_damaged_folder_is_fetched_anew(registry: Registry, register: Register, tmp_path: Path) -> None:
    version = register("one")
    (registry.fetch(version, tmp_path / "cache") / "model.json").write_text("other")
    assert (registry.fetch(version, tmp_path / "cache") / "model.json").read_text() == "one"


def test_rolling_back_twice_goes_back_two_steps(registry: Registry, register: Register) -> None:
    one, two, three = register("one"), register("two"), register("three")
    for version in (one, two, three):
        registry.move("champion", version, who="ann", why="better")
    assert registry.rollback("champion", who="ann", why="worse") == two
    assert registry.rollback("champion", who="ann", why="worse") == one
    assert registry.alias("champion") == one
    with pytest.raises(RegistryError, match="nothing to go back to"):
        registry.rollback("champion", who="ann", why="worse")
    moves = [(move.before, move.after, move.who, move.why) for move in registry.history("champion")]
    assert moves == [
        (two, one, "ann", "worse"),
        (three, two, "ann", "worse"),
        (two, three, "ann", "better"),
        (one, two, "ann", "better"),
        (None, one, "ann", "better"),
    ]


def test_whoever_makes_a_version_champion_ends_its_trial(registry: Registry, register: Register, store: Store) -> None:
    one, two = register("one"), register("two")
    registry.move("champion", one, who="ann", why="first")
    with store.connect(name="test") as conn:
        trials.begin(conn, "canary", two, 0.5, reader="classify", who="ann", why="tried")
        registry.move("challenger", two, who="ann", why="tried")
        assert trials.newest(conn).version == two
        registry.move("champion", two, who="bob", why="better")
        assert trials.newest(conn) is None


def test_aliases_move_independently(registry: Registry, register: Register) -> None:
    one, two = register("one"), register("two")
    registry.move("champion", one, who="ann", why="first")
    registry.move("challenger", two, who="bob", why="new")
    assert (registry.alias("champion"), registry.alias("challenger"), registry.alias("other")) == (one, two, None)
    assert [move.alias for move in registry.history()] == ["challenger", "champion"]
    assert [move.who for move in registry.history("champion")] == ["ann"]


def test_a_version_that_is_not_there_is_said_so(registry: Registry, tmp_path: Path) -> None:
    for ask in (
        lambda: registry.get(7),
        lambda: registry.fetch(7, tmp_path),
        lambda: registry.move("champion", 7, who="ann", why="better"),
    ):
        with pytest.raises(RegistryError, match="no model version 7"):
            ask()
    assert registry.history() == []


def test_who_waits_hears_of_a_move(make: Callable[[], Registry], register: Register) -> None:
    one, two = register("one"), register("two")
    mover = make()
    mover.move("champion", one, who="ann", why="first")
    with closing(make()) as waiter:
        while waiter.wait(0.3):  # what was before
            pass
        thread = threading.Timer(0.1, lambda: mover.move("champion", two, who="ann", why="better"))
        thread.start()
        assert waiter.wait(20)
        thread.join()
        assert waiter.alias("champion") == two


def test_thresholds_are_those_in_force_and_their_moves_are_heard(
    make: Callable[[], Registry], register: Register, store: Store
) -> None:
    one, two = register("one"), register("two")
    with closing(make()) as waiter, store.connect(name="test") as conn:
        assert waiter.thresholds() == {one: 0.4, two: 0.4}
        while waiter.wait(0.3):  # what was before
            pass
        threshold.move(conn, 0.7, floor=0.05, who="ann", why="less noise", version=two)
        assert waiter.wait(20)
        assert waiter.thresholds() == {one: 0.4, two: 0.7}


def test_moves_made_at_once_are_all_remembered_in_one_chain(make: Callable[[], Registry], register: Register) -> None:
    versions = [register(str(number)) for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(make().move, "champion", version, who="ann", why="race") for version in versions]:
            done.result()
    moves = make().history("champion")[::-1]
    assert sorted(move.after for move in moves) == versions
    assert [move.before for move in moves] == [None, *(move.after for move in moves[:-1])]
    assert make().alias("champion") == moves[-1].after
