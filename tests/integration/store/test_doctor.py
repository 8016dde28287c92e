"""Doctor names what is wrong, and what to do."""

import socket
from pathlib import Path

import pytest

from goldstream import settings
from goldstream.store import Store, doctor


def test_a_healthy_project_has_nothing_that_fails(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", store.dsn)
    text = f'[store]\nschema = "{store.schema}"\ndsn = {{ env = "DATABASE_URL" }}\n[web]\nport = 0\n'
    (tmp_path / "goldstream.toml").write_text(text)
    (tmp_path / "labeling.py").touch()
    found = {finding.name: finding.state for finding in doctor.examine(tmp_path / "goldstream.toml")}
    assert {name: state for name, state in found.items() if name not in {"disk", "memory"}} == {
        "settings": "ok", "labelling": "ok", "folder": "ok", "compiled kernels": "ok", "port": "ok",
        "postgresql": "ok", "encoding": "ok", "schema": "ok", "positions": "ok", "dead letters": "ok", "champion": "warn",
    }  # fmt: skip


def test_settings_that_cannot_be_read_are_all_there_is_to_say(tmp_path: Path) -> None:
    (tmp_path / "goldstream.toml").write_text("[stream]\nbatch-sise = 1")
    (finding,) = doctor.examine(tmp_path / "goldstream.toml")
    assert finding.state == "fail" and "batch-sise" in finding.what


def test_a_database_that_does_not_answer_fails(tmp_path: Path) -> None:
    (tmp_path / "goldstream.toml").write_text('[store]\ndsn = "host=127.0.0.1 port=1"')
    assert doctor.examine(tmp_path / "goldstream.toml")[-1].state == "fail"


def test_a_folder_that_cannot_be_written_fails(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert doctor.writable(tmp_path / "file" / "below").state == "fail"


def test_a_port_in_use_is_said() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert doctor.port(settings.Web(port=taken.getsockname()[1])).state == "warn"


def test_a_reader_past_the_end_of_its_log_fails_and_waiting_dead_letters_warn(store: Store) -> None:
    with store.connect(name="test") as conn:
        conn.execute("INSERT INTO logs (log, next_position) VALUES ('posts', 10)")
        conn.execute("INSERT INTO positions SELECT 'classify', identity::text, 0, 11 FROM logs")
        conn.execute("INSERT INTO dead_letters (stage, source, reason, payload) VALUES ('classify', 'x', 'broken', '')")
        assert doctor.positions(conn).what == "past the log's end: classify is at 11 of 10"
        assert doctor.dead_letters(conn).state == "warn"
        conn.execute("UPDATE logs SET start_position = 5")
        conn.execute("UPDATE positions SET position = 4")
        assert doctor.positions(conn).state == "warn"


def test_a_schema_that_is_not_there_yet_is_said(store: Store) -> None:
    with store.connect(name="test") as conn:
        assert doctor.schema(conn, "nowhere").state == "warn"
