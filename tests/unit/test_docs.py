"""The documentation says what the code does, and leads nowhere that is not there."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import goldstream

ROOT = Path(__file__).parents[2]
pages = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")])


def test_the_reference_is_what_the_code_says():
    script = ROOT / "scripts" / "reference.py"
    said = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout + said.stderr


@pytest.mark.parametrize("page", pages, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" not in target and not target.startswith("#"):
            assert (page.parent / target.partition("#")[0]).exists(), target


def test_every_table_is_described():
    schema = (Path(goldstream.__file__).parent / "store" / "schema.sql").read_text()
    described = (ROOT / "docs" / "reference" / "tables.md").read_text()
    for name in re.findall(r"CREATE (?:TABLE|VIEW) (\w+)", schema):
        assert f"`{name}`" in described, name


def test_every_dependency_is_explained():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    explained = (ROOT / "docs" / "explanation" / "dependencies.md").read_text()
    for dependency in wanted:
        name = re.split(r"[\[<>=~ ]", dependency)[0]
        assert f"`{name}`" in explained, name


def test_every_page_is_in_the_index():
    index = (ROOT / "docs" / "README.md").read_text()
    for page in (ROOT / "docs").rglob("*.md"):
        name = page.relative_to(ROOT / "docs").as_posix()
        assert name == "README.md" or f"({name})" in index, name


#: Built from pieces, so that this file does not hold what it looks for: homes and scratch folders, and hosts of indexes.
PLACES = re.compile(
    r"(?<![\w.])/(?:" + "root|work|home/" + r"\w+)/|" + r"pypi\." + r"org/simple|--" + r"index-url|registry\." + r"npmjs"
)


def test_no_file_names_a_machine_or_an_index():
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    for name in listed.stdout.splitlines():
        file = ROOT / name
        if file.is_file() and file.suffix in {
            ".py",
            ".md",
            ".toml",
            ".txt",
            ".sql",
            ".html",
            ".js",
            ".css",
            ".yaml",
            ".yml",
            ".json",
            "",
        }:
            assert PLACES.findall(file.read_text(encoding="utf-8", errors="replace")) == [], name
