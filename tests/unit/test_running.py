"""The file that says which parts of a project run."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from goldstream.running import FILE, Part, forget, look, note

PARTS = (
    Part(name="web", state="running", since=datetime(2026, 1, 2, tzinfo=UTC)),
    Part(name="ingest", state="restarting", since=datetime(2026, 1, 2, tzinfo=UTC), restarts=3, says="no such file"),
)


def test_what_was_noted_is_read_and_forgotten(tmp_path: Path) -> None:
    note(tmp_path, PARTS)
    assert look(tmp_path) == PARTS
    forget(tmp_path)
    assert (look(tmp_path), list(tmp_path.iterdir())) == ((), [])


def test_what_a_killed_process_has_left_is_not_believed(tmp_path: Path) -> None:
    note(tmp_path, PARTS)
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    file = tmp_path / FILE
    file.write_bytes(file.read_bytes().replace(b'"pid":%d' % os.getpid(), b'"pid":%d' % ended.pid))
    assert look(tmp_path) == ()


def test_a_file_that_was_damaged_says_nothing(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("{")
    assert look(tmp_path) == ()
