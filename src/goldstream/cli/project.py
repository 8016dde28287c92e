"""What commands share: the options that every one has, opening the project, and saying what was done."""

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from goldstream.run.project import Project

_F = TypeVar("_F", bound=Callable[..., Any])


def config_option(command: _F) -> _F:
    """Add `--config`, the project's settings file."""
    return click.option(
        "-c",
        "--config",
        type=click.Path(path_type=Path),
        default=Path("goldstream.toml"),
        show_default=True,
        help="The project's settings file.",
    )(command)


def json_option(command: _F) -> _F:
    """Add `--json`: one JSON object, on one line, last on standard output."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")(command)


class Within(click.FloatRange):
    """A number in a range, which "nan" is not."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number."""
        found = super().convert(value, param, ctx)
        if found != found:
            self.fail(f"{value} is no number", param, ctx)
        return found


class Duration(click.ParamType[float]):
    """Seconds from `60s`, `2m` or `60`."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds."""
        if isinstance(value, float):
            return value
        found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|m|h|)", str(value).strip())
        if found is None:
            self.fail(f"{value!r} is no duration; write 60s, 2m or 1h", param, ctx)
        return float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[found[2]]


def budget_option(default: str) -> Callable[[_F], _F]:
    """Add `--budget`, the time for a search of the model's options."""
    return click.option(
        "--budget",
        type=Duration(),
        default=default,
        show_default=True,
        help="Computing time to search for better options in, such as 60s; 0s: none.",
    )


def metric_option(command: _F) -> _F:
    """Add `--metric`, what options and threshold are chosen by."""
    return click.option(
        "--metric",
        type=click.Choice(["f1", "macro-f1", "macro-recall", "accuracy"]),
        help="What options and threshold are chosen by; by default f1 for two labels, and macro-f1 for more.",
    )(command)


@contextmanager
def open_project(config: Path, *, quiet: bool = False) -> Iterator["Project"]:
    """Open the project whose settings stand at `config`; everything it opened is closed at the end.

    On a terminal, what takes longer than a second shows how far it is, unless it is to be `quiet`.
    """
    from goldstream.run.project import Project

    with Project.open(config) as project:
        if quiet or not sys.stderr.isatty():
            yield project
            return
        from goldstream.run.live import counters

        with counters(project):
            yield project


@contextmanager
def at_work(what: str) -> Iterator[None]:
    """Show on a terminal that this command is at work, and for how long, when it takes longer than a second."""
    if not sys.stderr.isatty():
        yield
        return
    from goldstream.run.live import Shown

    with Shown(lambda: what):
        yield


def say(message: str) -> None:
    """Tell the person what goes on: standard error, so that standard output stays for results."""
    click.echo(message, err=True)


def emit(data: Mapping[str, Any], as_json: bool, text: str | None = None) -> None:
    """Print a result: `data` as one line of JSON, or `text` (by default `data` as aligned lines)."""
    if as_json:
        click.echo(json.dumps(data, default=str, ensure_ascii=False))
    else:
        click.echo(lines(data) if text is None else text)


def lines(data: Mapping[str, Any], indent: str = "") -> str:
    """Return `data` as lines of `name  value`, nested mappings indented, and each mapping of a list on a line.

    >>> print(lines({"kept": 3, "splits": {"test": 10}}))
    kept    3
    splits
      test  10
    >>> print(lines({"readers": [{"reader": "classify", "posts": 1200}]}))
    readers
      reader classify, posts 1,200
    """
    width = max((len(str(key)) for key in data), default=0)
    rows = []
    for key, value in data.items():
        if isinstance(value, Mapping):
            rows += [f"{indent}{key}", lines(value, indent + "  ")] if value else [f"{indent}{key:<{width}}  none"]
        elif isinstance(value, list) and value and all(isinstance(each, Mapping) for each in value):
            rows.append(f"{indent}{key}")
            rows += [f"{indent}  {', '.join(f'{name} {_shown(each[name])}' for name in each)}" for each in value]
        else:
            rows.append(f"{indent}{key:<{width}}  {_shown(value)}")
    return "\n".join(rows)


def _shown(value: Any) -> str:
    if value is None or value == []:
        return "none"
    if isinstance(value, list | tuple):
        return ", ".join(_shown(each) for each in value)
    if isinstance(value, float):
        return f"{value:,.4g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
