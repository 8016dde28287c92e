"""Writes docs/reference/settings.md and commands.md from the code that they describe: `make reference`."""

import ast
import inspect
import json
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from goldstream import plugins, settings
from goldstream.cli import goldstream
from goldstream.errors import PluginError

FOLDER = Path(__file__).parents[1] / "docs" / "reference"
GENERATED = "<!-- Written by scripts/reference.py; `make reference` writes it anew. -->\n"


def settings_page() -> str:
    """Return the page of all settings: our own sections, then what each plug-in takes."""
    parts = [GENERATED, "# Settings\n", _INTRODUCTION]
    for field in msgspec.structs.fields(settings.Settings):
        if inspect.isclass(field.type) and issubclass(field.type, settings.Section):
            parts += _section(f"[{field.encode_name}]", field.type)
    parts.append("## Sources\n\nEach `[[sources]]` has a `type`; the other keys belong to that source.\n")
    for name in sorted(plugins.installed("sources")):
        try:
            kind = plugins.find("sources", name)
        except PluginError:
            continue
        parts += _section(f'[[sources]] type = "{name}"', kind.Settings)
    for name in sorted(plugins.installed("models")):
        section = getattr(plugins.find("models", name), "Settings", None)
        if section is not None:
            parts += _section(f'[model.options] of type = "{name}"', section)
    return "\n".join(parts)


_INTRODUCTION = """An empty `goldstream.toml` is a working project; every key has the default shown here. Unknown keys,
wrong types and impossible values are refused with the file and the place in it. A secret is never written into the
file but named: `dsn = { env = "DATABASE_URL" }`. `goldstream config check` reads the file and says what is wrong;
`goldstream config show` prints every value.
"""


def _section(title: str, section: type[Any]) -> list[str]:
    rows = ["| key | type | default | what it is |", "|---|---|---|---|"]
    nested: list[str] = []
    notes = comments(section)
    types = {field.encode_name: field.type for field in msgspec.inspect.type_info(section).fields}  # type: ignore[attr-defined]
    for field in msgspec.structs.fields(section):
        key = field.encode_name
        if inspect.isclass(field.type) and issubclass(field.type, settings.Section) and field.type is not settings.Secret:
            nested += _section(title.replace("]", f".{key}]", 1), field.type)
            continue
        rows.append(f"| `{key}` | {_cell(_kind(types[key]))} | {_default(field)} | {_cell(notes[field.name])} |")
    about = inspect.cleandoc(section.__doc__ or "")
    table = ["\n".join(rows) + "\n"] if len(rows) > 2 else []
    return [f"## `{title}`\n", f"{about}\n", *table, *nested]


def comments(section: type[Any]) -> dict[str, str]:
    """Return each field's `#:` comment, base classes first."""
    found: dict[str, str] = {}
    for kind in reversed(section.__mro__):
        if not issubclass(kind, msgspec.Struct) or kind.__module__.startswith("msgspec"):
            continue
        source = textwrap.dedent(inspect.getsource(kind))
        lines = source.splitlines()
        for node in ast.parse(source).body[0].body:  # type: ignore[attr-defined]
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                found[node.target.id] = _comment(lines, node)
    return found


def _comment(lines: list[str], node: ast.AnnAssign) -> str:
    said = " ".join(line.partition("#:")[2].strip() for line in lines[node.lineno - 1 : node.end_lineno] if "#:" in line)
    above = node.lineno - 2
    while not said and above >= 0 and lines[above].strip().startswith("#:"):
        said, above = f"{lines[above].strip()[2:].strip()} {said}".strip(), above - 1
    return said


_WORDS = {"Int": "whole number", "Float": "number", "Str": "text", "Bool": "true or false", "Dict": "table", "Any": "anything"}
_BOUNDS = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤", "pattern": "like", "min_length": "length ≥", "max_length": "length ≤"}


def _kind(info: Any) -> str:
    """A type in words: what a person may write."""
    name = type(info).__name__.removesuffix("Type")
    if name == "Union":
        return " or ".join(_kind(part) for part in info.types if type(part).__name__ != "NoneType")
    if name in {"VarTuple", "List"}:
        return f"list of {_kind(info.item_type)}"
    if name == "Literal":
        return " or ".join(f"`{json.dumps(value)}`" for value in info.values)
    if name == "Struct":
        return '`{ env = "NAME" }`' if info.cls is settings.Secret else "table"
    bounds = [f"{sign} `{getattr(info, key)}`" for key, sign in _BOUNDS.items() if getattr(info, key, None) is not None]
    return " ".join([_WORDS.get(name, name.lower()), ", ".join(bounds)]).strip()


def _default(field: Any) -> str:
    if field.default is not msgspec.NODEFAULT:
        value = field.default
    elif field.default_factory is not msgspec.NODEFAULT:
        value = field.default_factory()
    else:
        return "needed"
    return "none" if value is None else f"`{_cell(json.dumps(msgspec.to_builtins(value), ensure_ascii=False))}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def commands_page() -> str:
    """Return the page of all commands, as their `--help` has them."""
    parts = [GENERATED, "# Commands\n", inspect.cleandoc(goldstream.help or "") + "\n", _EXITS]
    for path, command in _commands("goldstream", goldstream):
        if isinstance(command, click.Group) and not command.invoke_without_command:
            continue
        with click.Context(command, info_name=path, max_content_width=100, terminal_width=100) as context:
            usage = " ".join(command.collect_usage_pieces(context))
            parts += [f"## `{path}`\n", f"```console\n$ {path} {usage}\n```\n", inspect.cleandoc(command.help or "") + "\n"]
            rows = [record for record in (p.get_help_record(context) for p in command.get_params(context)) if record]
        parts += ["| option | |\n|---|---|\n" + "\n".join(f"| `{_cell(name)}` | {_cell(text)} |" for name, text in rows) + "\n"]
    return "\n".join(parts)


_EXITS = """Exit codes: 0 done; 1 it could not be done, and the message says what to do; 2 the command was not written
right; 130 stopped by Ctrl-C. With `--json` the last line on standard output is one JSON object; everything else goes to
standard error.
"""


def _commands(path: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        for name, part in command.commands.items():
            yield from _commands(f"{path} {name}", part)


PAGES = {"settings.md": settings_page, "commands.md": commands_page}


def main() -> int:
    """Write every page, or with `--check` say which is out of date."""
    stale = [name for name, page in PAGES.items() if not _same(FOLDER / name, page())]
    if "--check" in sys.argv:
        print("\n".join(f"{FOLDER / name} is out of date; run: make reference" for name in stale))
        return 1 if stale else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in stale:
        (FOLDER / name).write_text(PAGES[name](), encoding="utf-8")
    return 0


def _same(file: Path, text: str) -> bool:
    return file.exists() and file.read_text(encoding="utf-8") == text


if __name__ == "__main__":
    sys.exit(main())
