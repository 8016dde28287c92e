"""`goldstream doctor`: what is wrong, and what to do."""

import sys
from pathlib import Path

import click

from goldstream.cli.project import config_option, emit, json_option

_MARKS = {"ok": "✓", "warn": "!", "fail": "✗"}


@click.command()
@config_option
@json_option
def doctor(config: Path, as_json: bool) -> None:
    """Check settings, disk, PostgreSQL, positions and what else can go wrong; exit code 1 when something has."""
    from goldstream.store.doctor import examine

    findings = examine(config)
    failed = any(finding.state == "fail" for finding in findings)
    rows = []
    for finding in findings:
        rows.append(f"{_MARKS[finding.state]} {finding.name:<18} {finding.what}")
        rows += [f"  {'':<18} → {finding.advice}"] if finding.advice and finding.state != "ok" else []
    emit({"ok": not failed, "checks": [finding._asdict() for finding in findings]}, as_json, "\n".join(rows))
    sys.exit(1 if failed else 0)
