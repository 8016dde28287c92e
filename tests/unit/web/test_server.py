import asyncio
import socket
import subprocess
import sys
import threading

import httpx
import pytest

from goldstream.errors import SettingsError
from goldstream.listening import listen
from goldstream.settings import Settings, convert
from goldstream.web.app import make_app
from goldstream.web.events import _lines
from goldstream.web.posts import EVERYTHING
from goldstream.web.server import serve


def test_a_port_that_is_taken_is_said_so():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(SettingsError, match=f"127.0.0.1:{port}"):
            listen("127.0.0.1", port, section="web", guarded=False)


def test_other_machines_need_a_token():
    with pytest.raises(SettingsError, match="needs a token"):
        listen("0.0.0.0", 0, section="web", guarded=False)


def test_the_server_answers_until_it_is_asked_to_stop(store):
    stop, ready, addresses = threading.Event(), threading.Event(), []

    def note(address: str) -> None:
        addresses.append(address)
        ready.set()

    settings = convert({"web": {"port": 0}}, Settings, "test")
    thread = threading.Thread(target=serve, args=(store, settings, stop), kwargs={"ready": note})
    thread.start()
    assert ready.wait(30)
    with httpx.Client(base_url=addresses[0]) as client:
        assert client.get("/").status_code == 200
        with client.stream("GET", "/events") as stream:  # an open stream does not hold the end up
            for _ in stream.iter_lines():
                stop.set()
    thread.join(30)
    assert not thread.is_alive()


def test_a_stream_resumes_where_it_was_and_notices_what_is_gone(store, fill):
    fill.champion()
    fill.keep("sample:1", "first words")
    fill.keep("sample:2", "second words")

    async def watch() -> dict[str, str]:
        app = make_app(store, Settings())
        lines, seen = _lines(app, 1, EVERYTHING), {}
        async for line in lines:
            for part in line.decode().split("\n\n"):
                seen.setdefault(part.split("\n")[0].removeprefix("event: "), part)
            if "counts" in seen and "posts" in seen and "deleted" not in seen:
                fill.conn.execute("DELETE FROM candidates WHERE post_id = 'sample:1'")
                seen["deleted"] = ""
            if "gone" in seen:
                break
        await lines.aclose()
        app.state.database.close()
        return seen

    seen = asyncio.run(watch())
    assert "second words" in seen["posts"]
    assert "first words" not in seen["posts"]
    assert "id: 2" in seen["posts"]
    assert "sample:1" in seen["gone"]


def test_a_database_that_went_away_is_said_so_and_comes_back(store, client):
    assert client.get("/status").status_code == 200
    store.connect = _refuse  # the server is down
    client.app.state.database.close()
    away = client.get("/status")
    assert away.status_code == 503
    assert "The database is away" in away.text
    assert away.headers["refresh"]
    del store.connect
    assert client.get("/status").status_code == 200


def test_a_connection_that_the_server_closed_is_replaced(store, client, fill):
    assert client.get("/").status_code == 200
    fill.conn.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'goldstream web'")
    assert client.get("/").status_code == 200


def _refuse(**_: object) -> None:
    from goldstream.errors import StoreError

    raise StoreError("PostgreSQL can't be reached")


def test_pages_that_are_only_read_load_nothing_heavy():
    heavy = "{'numpy', 'polars', 'pyarrow', 'numba'}"
    code = f"import sys, goldstream.web.server; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
