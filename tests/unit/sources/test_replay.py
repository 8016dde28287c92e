"""A file as a stream, at its own pace."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from goldstream.checks import check_source
from goldstream.records import Post, to_json
from goldstream.sources.replay import Replay, ReplaySettings

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "posts.jsonl"
    posts = [
        Post(id=f"x:{number}", source="x", text=str(number), created_at=START + timedelta(seconds=number))
        for number in range(40)
    ]
    path.write_bytes(b"".join(to_json(post) + b"\n" for post in posts))
    return path


@pytest.mark.parametrize("speed", [0.0, 40.0])
def test_it_keeps_the_promises_of_a_source_at_any_speed(file: Path, speed: float) -> None:
    check_source(lambda: Replay(ReplaySettings(path=str(file), speed=speed)))


def test_what_was_begun_at_one_speed_can_go_on_at_another(file: Path) -> None:
    slow = Replay(ReplaySettings(path=str(file), speed=40.0))
    seen: list[str] = []
    cursor = None
    for arrival in slow.read(None):
        seen += arrival.posts["text"].to_pylist()
        cursor = arrival.cursor
        if len(seen) > 10:
            slow.close()
    for arrival in Replay(ReplaySettings(path=str(file))).read(cursor):
        seen += arrival.posts["text"].to_pylist()
    assert seen == [str(number) for number in range(40)]


def test_it_can_be_stopped_while_it_waits(file: Path) -> None:
    source = Replay(ReplaySettings(path=str(file), speed=0.001))
    arrivals = source.read(None)
    assert next(arrivals).posts.num_rows == 1
    assert next(arrivals).posts.num_rows == 0
    source.close()
    assert [arrival.posts.num_rows for arrival in arrivals] == []
