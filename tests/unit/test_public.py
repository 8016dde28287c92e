"""What a module says is public is there, in order."""

import ast
import importlib
from pathlib import Path

import goldstream

ROOT = Path(goldstream.__file__).parent


def test_every_all_is_true_and_sorted():
    for file in ROOT.rglob("*.py"):
        if "examples" in file.relative_to(ROOT).parts or "__all__" not in file.read_text():
            continue
        name = ".".join(["goldstream", *file.relative_to(ROOT).with_suffix("").parts]).removesuffix(".__init__")
        module = importlib.import_module(name)
        assert list(module.__all__) == sorted(set(module.__all__)), name
        assert [one for one in module.__all__ if not hasattr(module, one)] == [], name


def test_whatever_is_public_says_what_it_gives():
    for file in ROOT.rglob("*.py"):
        if "examples" in file.relative_to(ROOT).parts:
            continue
        tree = ast.parse(file.read_text())
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                assert ast.get_docstring(node), f"{file}: {node.name}"
