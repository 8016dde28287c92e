"""On a terminal, what takes longer than a second shows how far it is; elsewhere, nothing but the result is said."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

SLOW = """
[[sources]]
type = "sample"
posts = 2_000
live-after = 500
rate = 400
"""


def on_a_terminal(config: Path, *words: str) -> tuple[str, str]:
    """What a command says on its terminal, and its standard output."""
    inside, outside = pty.openpty()
    command = [sys.executable, "-m", "goldstream", *words, "--config", str(config), "--json"]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "200"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=outside, env=environment, text=True) as running:
        os.close(outside)
        said = b""
        while True:
            try:
                more = os.read(inside, 4096)
            except OSError:  # the terminal is closed
                break
            said += more
            if not more:
                break
        assert running.stdout is not None
        out = running.stdout.read()
    os.close(inside)
    assert running.returncode == 0, said
    return said.decode(errors="replace"), out


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "goldstream.toml").write_text(SLOW)
    return tmp_path / "goldstream.toml"


def test_what_takes_longer_than_a_second_shows_how_far_it_is(config: Path) -> None:
    said, out = on_a_terminal(config, "ingest")
    assert "posts in  ·" in said
    assert json.loads(out)["sample"]["posts"] > 2_000
    assert out.count("\n") == 1


def test_nothing_is_shown_where_there_is_no_terminal(config: Path) -> None:
    command = [sys.executable, "-m", "goldstream", "ingest", "--config", str(config), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert "posts in" not in done.stderr
