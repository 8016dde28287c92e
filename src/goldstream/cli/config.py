"""`goldstream config`: is the settings file right?"""

from pathlib import Path

import click

from goldstream.cli.project import config_option, emit, json_option


@click.group()
def config() -> None:
    """Look at the settings."""


@config.command()
@config_option
@json_option
def check(config: Path, as_json: bool) -> None:
    """Read the settings, every plug-in's section and the labelling functions, and say what is wrong."""
    from goldstream import plugins, settings, sources
    from goldstream.labeling.loading import load

    read = settings.load(config)
    for built in sources.build(read.sources):
        built.close()
    for group, name in (("logs", read.log.type), ("models", read.model.type), ("registries", read.registry.type)):
        plugins.find(group, name)  # type: ignore[arg-type]
    functions = config.parent / read.labeling.functions
    count = len(load(functions, read.project.labels)) if functions.exists() else 0
    found = {"file": str(config), "sources": len(read.sources), "labelling_functions": count}
    emit({"ok": True, **found}, as_json)


@config.command()
@config_option
def show(config: Path) -> None:
    """Print all settings with their values, as JSON; secrets stay references."""
    import msgspec

    from goldstream import settings

    click.echo(msgspec.json.format(msgspec.json.encode(settings.load(config)), indent=2).decode())
