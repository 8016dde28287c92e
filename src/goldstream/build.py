"""Which code runs here: the version, and the commit where that is known."""

import subprocess
from functools import cache
from importlib.metadata import distribution
from urllib.parse import unquote, urlsplit

import msgspec


@cache
def version() -> str:
    """Return the version that is installed."""
    return distribution("goldstream").version


@cache
def commit() -> str:
    """Return the commit that was installed from, or that a checkout stands at; empty where neither is known.

    `-dirty` is behind it when files of the checkout have been changed. Where a package comes from stands in
    `direct_url.json` (PEP 610).
    """
    try:
        origin = msgspec.json.decode(distribution("goldstream").read_text("direct_url.json") or "{}")
    except msgspec.DecodeError:
        return ""
    if "vcs_info" in origin:
        return str(origin["vcs_info"].get("commit_id", ""))
    if not origin.get("dir_info", {}).get("editable"):
        return ""
    folder = unquote(urlsplit(origin["url"]).path)
    command = ["git", "-C", folder, "describe", "--always", "--dirty", "--exclude=*", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def code() -> str:
    """Return both as one, such as `0.1.0 (518895b0aa12)`; the version alone where no commit is known."""
    return f"{version()} ({commit()})" if commit() else version()
