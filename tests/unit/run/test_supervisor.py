"""The supervisor: what it says of its parts."""

import time
from pathlib import Path

from goldstream.run.supervisor import Supervisor
from goldstream.running import Part, look


def test_a_part_that_dies_is_noted_with_its_last_words(tmp_path: Path) -> None:
    config = tmp_path / "goldstream.toml"
    config.write_text("[stream]\nbatch-sise = 1\n")
    said: list[str] = []
    supervisor = Supervisor(config, ["web"], tmp_path, said.append)
    deadline = time.monotonic() + 60
    parts: tuple[Part, ...] = ()
    while not (parts and parts[0].restarts) and time.monotonic() < deadline:
        supervisor.tick()
        parts = look(tmp_path)
        time.sleep(0.05)
    supervisor.close()
    assert [(part.name, part.state, part.restarts) for part in parts] == [("web", "restarting", 1)]
    assert "unknown field `batch-sise`" in (parts[0].says or "")
    assert any("web ended with exit code 1; it starts again in" in line for line in said)
    assert look(tmp_path) == ()
