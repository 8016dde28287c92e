"""`goldstream up` with serving as one of its parts: both that and the stream's loop follow the champion, also after a death."""

import socket

import psutil

from goldstream.run.project import Project

from .processes import Part, ask, running, version, wait_until


def test_serving_in_up_follows_the_champion_and_comes_back_when_it_is_killed(project: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with project.config.open("a") as settings:
        settings.write(f"[web]\nport = 0\n[serving]\nin-up = true\nport = {port}\n")
    address = f"127.0.0.1:{port}"
    with running("up", "-c", str(project.config)) as up:
        wait_until(lambda: answers(address, 1), "it serves")
        project.registry().move("champion", 2, who="test", why="swap")
        up.heard("classify: champion is now version 2")
        wait_until(lambda: answers(address, 2), "serving follows")
        serving_part(up).kill()
        up.heard("serving was killed by SIGKILL; it starts again")
        project.registry().move("champion", 1, who="test", why="while it is away")
        wait_until(lambda: answers(address, 1), "it is back, and has followed")
        assert {version(address) for _ in range(20)} == {1}


def answers(address: str, champion: int) -> bool:
    try:
        return f'"version":{champion}' in ask(address, "/readyz")[1]
    except OSError:
        return False


def serving_part(up: Part) -> psutil.Process:
    return next(each for each in psutil.Process(up.process.pid).children() if "serving" in each.cmdline())
