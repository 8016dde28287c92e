"""The embedded server lives as long as anybody uses it, and comes back however it died."""

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from psycopg.pq import Ping

from goldstream import settings
from goldstream.errors import StoreError
from goldstream.store import Store, keeper
from goldstream.store.server import EmbeddedServer, binaries

from .conftest import PROGRAM, Server, end, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
RIGHTS = (1, 2)  # to walk through folders that only root can enter: the environment may lie in one


def become(user: int) -> dict[str, object]:
    parent = os.getpid()
    return {"preexec_fn": lambda: keeper.become({"uid": user, "gid": user}, RIGHTS, parent)}


def test_two_programs_share_one_server_and_the_last_one_turns_it_off(server: Server) -> None:
    with server.open() as store, store.connect(name="host") as conn:
        guest = server.guest()
        assert guest.stdout is not None
        pid = int(guest.stdout.readline())
        assert conn.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", (pid,)).fetchone() == (1,)
        assert len(server.keepers()) == 1
        end(guest, signal.SIGTERM)
        until(lambda: conn.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", (pid,)).fetchone() is None, "it left")
        assert server.keepers()
    until(lambda: not server.processes(), "the server has stopped")
    assert not (server.home / "postgres" / "postmaster.pid").exists()


def test_a_server_that_hangs_keeps_no_other_thread_waiting(server: Server) -> None:
    with server.open(), closing(EmbeddedServer(server.home)) as embedded, ThreadPoolExecutor(1) as thread:
        processes = server.processes()
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        answer = thread.submit(embedded._ping)
        time.sleep(0.5)
        for process in processes:  # while it waits, or too late, when its time is up
            os.kill(process, signal.SIGCONT)
        assert answer.result() == Ping.OK


def test_a_killed_program_leaves_no_process(server: Server) -> None:
    guest = server.guest()
    assert guest.stdout is not None and guest.stdout.readline()
    end(guest)
    until(lambda: not server.processes(), "the server has stopped")


def test_the_keeper_does_not_hear_the_terminals_ctrl_c(server: Server) -> None:
    with server.open():
        (pid,) = server.keepers()
        assert os.getsid(pid) == os.getpgid(pid) != os.getsid(0)


@pytest.mark.parametrize("victim", ["keeper", "postmaster"])
def test_what_was_committed_survives_kill_9_of_the(victim: str, server: Server) -> None:
    with server.open() as store:
        with store.connect(name="setup") as conn:
            conn.execute("CREATE TABLE kept_rows (n integer)")
        for n in range(4):
            with store.connect(name="writer") as conn:
                conn.execute("INSERT INTO kept_rows VALUES (%s)", (n,))
                conn.execute("BEGIN")
                conn.execute("INSERT INTO kept_rows VALUES (-1)")
                os.kill(server.keepers()[0] if victim == "keeper" else server.postmaster(), signal.SIGKILL)
                with pytest.raises(psycopg.OperationalError):
                    while True:
                        conn.execute("SELECT pg_sleep(0.01)")
            with store.connect(name="reader") as conn:
                found = [row[0] for row in conn.execute("SELECT n FROM kept_rows ORDER BY n")]
            assert found == list(range(n + 1))


def test_a_backend_that_outlives_its_server_is_ended_before_the_next_one_starts(server: Server) -> None:
    with server.open() as store:
        guest = server.guest("conn.execute('DO $$ BEGIN LOOP END LOOP; END $$')", stderr=subprocess.DEVNULL)
        assert guest.stdout is not None
        busy = int(guest.stdout.readline())
        with store.connect(name="watch") as conn:
            query = "SELECT 1 FROM pg_stat_activity WHERE pid = %s AND state = 'active'"
            until(lambda: conn.execute(query, (busy,)).fetchone(), "the other one is busy")
            os.kill(server.postmaster(), signal.SIGKILL)
        with store.connect(name="again"):
            assert busy not in keeper.leftovers(str(server.home / "postgres"))
        end(guest)


def test_a_stale_pid_file_with_the_number_of_a_living_process_is_not_believed(server: Server) -> None:
    server.open().close()
    until(lambda: not server.processes(), "the server has stopped")
    data = server.home / "postgres"
    stranger = subprocess.Popen(["sleep", "600"])
    lines = f"{stranger.pid}\n{data}\n1\n5432\n{server.home / 'socket'}\n\n"
    (data / "postmaster.pid").write_text(lines)
    (server.home / "socket" / ".s.PGSQL.5432.lock").write_text(lines)
    with server.open() as store, store.connect(name="test") as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)
        assert stranger.poll() is None
    with stranger:
        stranger.kill()


@pytest.mark.parametrize("name", ["with space", "comma, quote' and \"", "é/" + "long" * 30])
def test_any_path_will_do(name: str, tmp_path: Path, server: Server) -> None:
    server.folder = tmp_path / name
    server.home = server.folder / ".goldstream"
    server.folder.mkdir(parents=True)
    with server.open() as store, store.connect(name="test") as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)
        folder = Path(str(psycopg.conninfo.conninfo_to_dict(store.dsn)["host"]))
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert len(os.fsencode(folder / ".s.PGSQL.5432")) <= 107


@only_root
def test_root_may_keep_it_all_in_a_folder_that_only_root_can_enter(tmp_path: Path, server: Server) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    server.folder = closed / "project"
    server.home = server.folder / ".goldstream"
    with server.open() as store, store.connect(name="test") as conn:
        assert conn.execute("SELECT current_user").fetchone() == ("goldstream",)
        assert os.stat(f"/proc/{server.postmaster()}").st_uid != 0
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@only_root
def test_a_user_who_is_not_root_has_a_server_too(tmp_path: Path, server: Server) -> None:
    os.chown(tmp_path, 1, 1)
    guest = server.guest(**become(1))
    assert guest.stdout is not None and guest.stdout.readline()
    assert os.stat(f"/proc/{server.postmaster()}").st_uid == 1
    end(guest)


@only_root
def test_nobody_else_gets_in_even_past_the_folders(server: Server) -> None:
    with server.open() as store:
        script = "import psycopg, sys; psycopg.connect(sys.argv[1])"
        command = [sys.executable, "-c", script, store.dsn]
        tried = subprocess.run(command, capture_output=True, text=True, **become(1))  # type: ignore[call-overload]
    assert "Peer authentication failed" in tried.stderr


def test_there_is_no_door_on_the_network(server: Server) -> None:
    with server.open() as store, store.connect(name="test") as conn:
        assert conn.execute("SHOW listen_addresses").fetchone() == ("",)
        folder = psycopg.conninfo.conninfo_to_dict(store.dsn)["host"]
        with socket.socket(socket.AF_UNIX) as door:
            door.connect(f"{folder}/.s.PGSQL.5432")


def test_a_folder_of_another_version_is_refused_with_what_to_do(tmp_path: Path) -> None:
    data = tmp_path / ".goldstream" / "postgres"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("9\n")
    with pytest.raises(StoreError, match=r"made by PostgreSQL 9 .*GOLDSTREAM_PG_BIN"):
        Store.open(settings.Store(), tmp_path)


def test_a_folder_that_cannot_be_written_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"can't be written .*store\.folder"):
        Store.open(settings.Store(folder="file/below"), tmp_path)


def test_missing_binaries_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOLDSTREAM_PG_BIN", str(tmp_path / "bin"))
    with pytest.raises(StoreError, match="has no `postgres`; set GOLDSTREAM_PG_BIN"):
        binaries()


def test_a_server_that_cannot_start_says_why(server: Server) -> None:
    server.open().close()
    until(lambda: not server.processes(), "the server has stopped")
    shutil.rmtree(server.home / "postgres" / "pg_wal")
    with pytest.raises(StoreError, match=r"did not start: .*pg_wal.*postgres\.log"):
        server.open()


@pytest.fixture
def small_disk(tmp_path: Path) -> Path:
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "none", folder], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"a small disk can't be mounted here: {done.stderr.strip()}")
    return folder


@only_root
def test_a_full_disk_is_said_so(small_disk: Path, server: Server) -> None:
    server.folder, server.home = small_disk, small_disk / ".goldstream"
    try:
        with pytest.raises(StoreError, match="the disk is full; free some space"):
            server.open()
        until(lambda: not server.processes(), "the server has stopped")
    finally:
        subprocess.run(["umount", small_disk], check=True)


def test_programs_that_start_at_once_get_one_server(server: Server) -> None:
    command = [sys.executable, "-c", PROGRAM.format(work="pass"), str(server.folder)]
    guests = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    for guest in guests:
        with guest:
            assert guest.stdout is not None and guest.stdout.readline()
    assert [guest.returncode for guest in guests] == [0] * 4
