"""`goldstream serve` as people start it: one process, and several on one port."""

import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import httpx
import psutil
import pytest

from goldstream.run.project import Project

from .conftest import register
from .processes import Answer, Part, ask, asked, metric, serving, version, wait_until


@pytest.mark.parametrize("workers", [1, 2])
def test_the_command_serves_until_it_is_asked_to_stop(project: Project, workers: int) -> None:
    with serving(project.config, "--workers", str(workers)) as (part, address):
        for _ in range(20):  # connections wait until a worker has its champion
            status, body = ask(address, "/predict", {"text": "a flood"})
            assert (status, '"label":"keep"' in body) == (200, True)
        wait_until(lambda: metric(address, "goldstream_predictions_total") == 20, "whoever is asked says what all have counted")
        for worker in workers_of(part):  # each in its turn, under a new connection for each request
            os.kill(worker, signal.SIGTERM)
            while worker in workers_of(part):
                assert ask(address, "/predict", {"text": "a flood"})[0] == 200
        assert part.end() == 0
        assert [line.split("  ")[0] for line in part.said if not re.search("champion|worker", line)] == [
            f"serving on http://{address}", f"what can be asked: http://{address}/docs\n", "stopped\n"
        ]  # fmt: skip
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://{address}/livez")


def test_without_a_champion_it_says_so_and_takes_the_first_one(project: Project, folders: list[Path]) -> None:
    project.store.reset()
    with serving(project.config) as (part, address):
        assert "there is no champion yet" in part.said[0]
        assert ask(address, "/predict", {"text": "a flood"})[0] == 503
        register(project, folders)
        part.heard("champion is now version 1")
        assert version(address) == 1


def test_on_a_terminal_nothing_is_drawn_over_what_it_says(project: Project) -> None:
    command = [sys.executable, "-m", "goldstream", "serve", "-c", str(project.config), "--port", "0"]
    terminal, there = pty.openpty()
    with (
        subprocess.Popen(command, stderr=there, stdin=there, stdout=there) as process,
        open(terminal, "rb", buffering=0) as seen,
    ):
        os.close(there)
        try:
            said = read(seen, until=b"/docs")
            time.sleep(1.5)  # from the first second on, other commands show how far they are
        finally:
            process.send_signal(signal.SIGINT)
        said += read(seen, until=b"stopped")
    assert b"\x1b" not in said and len(said.splitlines()) == 4


def read(seen: IO[bytes], until: bytes) -> bytes:
    said = b""
    while until not in said:
        said += seen.read(4_096)
    return said


def test_a_worker_that_is_killed_during_a_swap_is_replaced_and_only_its_connections_break(project: Project) -> None:
    with serving(project.config, "--workers", "2") as (part, address), asked(*[address] * 6) as clients:
        wait_until(lambda: all(client.answers for client in clients), "all are answered")
        counted = metric(address, "goldstream_predictions_total")
        project.registry().move("champion", 2, who="test", why="swap")
        victim = busiest_worker(part)
        os.kill(victim, signal.SIGKILL)
        part.heard("a worker ended with exit code -9; it starts again")
        wait_until(lambda: len(workers_of(part) - {victim}) == 2, "it is replaced")
        wait_until(lambda: all(client.answers[-1].version == 2 for client in clients), "all are answered by version 2")
        answers = [client.end() for client in clients]
        assert metric(address, "goldstream_predictions_total") > counted
    assert all(sum(answer.status != 200 for answer in each) <= 1 for each in answers)  # its connection, once
    assert {answer.status for each in answers for answer in each} == {200, 0}
    assert {versions(each) for each in answers} == {(1, 2)}


def versions(answers: list[Answer]) -> tuple[int | None, ...]:
    """The versions that answered one client, in the order in which they came."""
    return tuple(dict.fromkeys(answer.version for answer in answers if answer.status == 200))


def workers_of(part: Part) -> set[int]:
    return {each.pid for each in psutil.Process(part.process.pid).children()}


def busiest_worker(part: Part) -> int:
    """The process with the most connections of clients."""
    workers = psutil.Process(part.process.pid).children()
    return max(workers, key=lambda each: sum(line.status == "ESTABLISHED" for line in each.net_connections("tcp"))).pid
