"""A champion that can't be trusted is refused under load, the one before stays, and everybody can see why."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from click.testing import CliRunner

from goldstream.cli import goldstream
from goldstream.errors import ModelError
from goldstream.run.project import Project
from goldstream.stream.champion import Champion, Fixed

from .processes import LABELS, asked, metric, running, serving, version, wait_until


def golden_texts_fail(project: Project, folder: Path) -> None:
    facts = json.loads((folder / "model.json").read_text())
    facts["golden"][0] = [0.5, 0.5]
    (folder / "model.json").write_text(json.dumps(facts))
    register(project, folder)


def no_model(project: Project, folder: Path) -> None:
    (folder / "model.json").unlink()
    register(project, folder)


def bytes_are_damaged(project: Project, folder: Path) -> None:
    number = register(project, folder)
    with project.store.connect(name="test") as conn:
        conn.execute(
            "UPDATE model_chunks SET bytes = 'other' WHERE sha256 = (SELECT sha256 FROM models WHERE version = %s)", (number,)
        )


def bytes_are_gone(project: Project, folder: Path) -> None:
    number = register(project, folder)
    with project.store.connect(name="test") as conn:
        conn.execute("DELETE FROM model_chunks WHERE sha256 = (SELECT sha256 FROM models WHERE version = %s)", (number,))


def changed(folder: Path, into: Path) -> Path:
    """The same model, in a folder whose bytes no other version has."""
    shutil.copytree(folder, into)
    (into / "note.txt").write_text(into.name)
    return into


def register(project: Project, folder: Path) -> int:
    return project.registry().register(folder, name="floods", labels=LABELS, threshold=0.5, evidence={})


BAD: dict[Callable[[Project, Path], None], str] = {
    golden_texts_fail: "a golden text scores",
    no_model: "it has no model.json",
    bytes_are_damaged: "damaged or missing",
    bytes_are_gone: "damaged or missing",
}


def test_what_cant_be_trusted_is_refused_and_the_one_before_answers_on(
    project: Project, folders: list[Path], tmp_path: Path
) -> None:
    registry, config = project.registry(), str(project.config)
    with serving(project.config) as (part, address), running("classify", "--follow", "-c", config) as stream:
        stream.heard("champion is now version 1")
        with asked(address, address) as clients:
            for number, (spoil, why) in enumerate(BAD.items(), 3):
                spoil(project, changed(folders[0], tmp_path / spoil.__name__))
                registry.move("champion", number, who="test", why="not seen through")
                for each in (part, stream):
                    each.heard(rf"champion version {number} is refused, version 1 stays: .*{why}")
                assert version(address) == 1
                wanted = [(number, 1, who, why) for who in ("classify", "serving")]
                wait_until(lambda wanted=wanted: refusals(config, "status", "refused") == wanted, "both have noted it")
                registry.rollback("champion", who="test", why="back")
                assert refusals(config, "status", "refused") == []
            registry.move("champion", 2, who="test", why="a good one")
            wait_until(lambda: version(address) == 2, "the next good one is followed")
        assert metric(address, 'goldstream_model_swaps_total{result="refused"') == len(BAD)
    assert {answer.status for client in clients for answer in client.answers} == {200}
    assert len(refusals(config, "models", "history", "refusals")) == 2 * len(BAD)


def test_a_version_that_was_mended_is_taken_when_the_alias_comes_back_to_it(
    project: Project, folders: list[Path], tmp_path: Path
) -> None:
    registry, said = project.registry(), list[str]()
    number = register(project, changed(folders[1], tmp_path / "other"))
    change = "UPDATE model_chunks SET bytes = {} WHERE sha256 = (SELECT sha256 FROM models WHERE version = %s)"
    champion = Champion(project.registry(), tmp_path / "cache", say=said.append)
    with project.store.connect(name="test") as conn:
        conn.execute(change.format("bytes || 'x'").encode(), (number,))
        registry.move("champion", number, who="test", why="damaged")
        champion.look()
        conn.execute(change.format("substr(bytes, 1, length(bytes) - 1)").encode(), (number,))
    champion.look()
    assert (champion.version, champion.swaps.refused) == (1, 1)  # what was refused is not loaded again and again
    for wanted in (1, number):
        registry.move("champion", wanted, who="test", why="mended")
        champion.look()
        assert champion.version == wanted


def test_who_starts_while_a_refused_version_is_named_answers_with_the_one_before(
    project: Project, folders: list[Path], tmp_path: Path
) -> None:
    registry = project.registry()
    registry.move("champion", 2, who="test", why="good")
    for spoil in (golden_texts_fail, no_model):
        spoil(project, changed(folders[0], tmp_path / spoil.__name__))
    for bad in (3, 4):
        registry.move("champion", bad, who="test", why="not seen through")
    with serving(project.config) as (part, address):
        assert version(address) == 2
        part.heard("champion version 4 is refused, version 2 stays")


def refusals(config: str, *words: str) -> list[tuple[int, int, str, str]]:
    """What a command shows of refusals: version, the one that stays, who, and the reason that was meant."""
    *command, key = words
    done = CliRunner().invoke(goldstream, [*command, "-c", config, "--json"])
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout.splitlines()[-1])[key]
    meant = [next(why for why in BAD.values() if why in row["why"]) for row in rows]
    return sorted((row["version"], row["stays"], row["who"].split(",")[0], why) for row, why in zip(rows, meant, strict=True))


def test_a_model_that_fails_on_what_will_be_asked_of_it_is_refused(project: Project, tmp_path: Path) -> None:
    def fails(model: Fixed) -> None:
        raise ModelError("it can't be written")

    said = list[str]()
    champion = Champion(project.registry(), tmp_path / "cache", say=said.append, warm_up=fails)
    champion.look()
    assert (champion.version, said) == (None, ["champion version 1 is refused, there is no other: it can't be written"])
