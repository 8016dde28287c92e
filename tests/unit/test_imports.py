"""Imports point down, and heavy libraries stay in their place."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import goldstream

ROOT = Path(goldstream.__file__).parent

#: From the top to the bottom. What stands on one rung may import from lower ones, and not from its neighbours.
LADDER = [
    ["cli"],
    ["run"],
    ["web", "serving"],
    ["stream", "training"],
    ["sources", "log", "datasets", "labeling", "annotation", "models", "registry", "links"],
    ["store"],
    [
        "plugins",
        "settings",
        "listening",
        "records",
        "errors",
        "names",
        "clock",
        "tables",
        "keywords",
        "jit",
        "build",
        "intervals",
        "mapping",
        "own_json",
        "running",
    ],
]
RUNG = {name: rung for rung, names in enumerate(LADDER) for name in names}
#: Contracts (`base.py`), which a neighbour may name.
CONTRACTS = {"goldstream.log.base", "goldstream.models.base", "goldstream.registry.base", "goldstream.sources.base"}
#: For tests and for people who write plug-ins; nothing else imports them.
BESIDE = {"testing", "checks"}

#: Where a library may be imported: it is slow to load, or belongs to one job.
HOMES = {
    "click": ("cli/",),
    "confluent_kafka": ("log/kafka",),
    "jinja2": ("web/",),
    "llvmlite": ("models/instructions.py",),
    "mlflow": ("registry/mlflow.py",),
    "numba": ("jit.py",),
    "rich": ("run/", "cli/"),
    "starlette": ("web/", "serving/"),
    "uvicorn": ("listening.py", "web/server.py", "serving/server.py", "serving/connection.py", "serving/flow.py"),
    "websockets": ("sources/bluesky.py", "testing.py"),
}


def files() -> list[Path]:
    found = [file for file in ROOT.rglob("*.py") if "examples" not in file.relative_to(ROOT).parts]
    return sorted(found)


def imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            module = node.module or ""
            yield from (f"{module}.{alias.name}" if module == "goldstream" else module for alias in node.names)


def part(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


@pytest.mark.parametrize("file", files(), ids=lambda file: str(file.relative_to(ROOT)))
def test_imports_point_down(file):
    mine = file.relative_to(ROOT).with_suffix("").parts[0]
    if mine in BESIDE or mine in {"__init__", "__main__"}:
        return
    assert mine in RUNG, f"{mine} has no rung: give it one in LADDER"
    for module in imports(file):
        other = part(module)
        if not module.startswith("goldstream.") or other == mine or module in CONTRACTS:
            continue
        facts = RUNG[mine] == RUNG.get(other) == len(LADDER) - 1
        assert other not in BESIDE, f"{file.name} imports {module}, which is for tests"
        assert facts or RUNG[other] > RUNG[mine], f"{mine}/{file.name} imports {module}, which does not stand below it"


@pytest.mark.parametrize("library", HOMES)
def test_heavy_libraries_are_imported_only_at_home(library):
    for file in files():
        if library in {module.split(".")[0] for module in imports(file)}:
            place = file.relative_to(ROOT).as_posix()
            assert place.startswith(HOMES[library]), f"{place} imports {library}"


def test_command_files_import_nothing_heavy_at_the_top():
    for file in (ROOT / "cli").glob("*.py"):
        top = [node for node in ast.parse(file.read_text()).body if isinstance(node, ast.Import | ast.ImportFrom)]
        names = {node.module if isinstance(node, ast.ImportFrom) else node.names[0].name for node in top}
        ours = {name for name in names if name and name.startswith("goldstream") and "cli" not in name}
        assert ours <= {"goldstream.errors"}, f"cli/{file.name} imports {ours} before it is needed"
