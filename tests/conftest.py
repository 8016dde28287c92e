"""What the tests share: one embedded server for the whole session, a fresh schema for each test that asks for a store."""

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from goldstream import settings
from goldstream.store import Store

_numbers = count()


@pytest.fixture(scope="session")
def server_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a server that runs for the whole session."""
    folder = tmp_path_factory.mktemp("server")
    with Store.open(settings.Store(schema="session"), folder):
        yield folder


@pytest.fixture
def store_settings() -> settings.Store:
    """Settings of a schema that no other test uses."""
    return settings.Store(schema=f"test_{os.getpid()}_{next(_numbers)}")


@pytest.fixture
def store(server_folder: Path, store_settings: settings.Store) -> Iterator[Store]:
    """An open store on a schema of its own."""
    with Store.open(store_settings, server_folder) as opened:
        yield opened
        with opened.connect(name="drop") as conn:
            conn.execute(f"DROP SCHEMA {store_settings.schema} CASCADE".encode())


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("GOLDSTREAM_SHARED", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no folder of real data at {folder}; set GOLDSTREAM_SHARED")
    return folder
