"""The pages over a real store, called in process."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from goldstream.settings import Settings
from goldstream.store import Store
from goldstream.web.app import make_app

with warnings.catch_warnings():  # it would like the successor of httpx, which nothing else here needs
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient


@pytest.fixture
def open_client(store: Store) -> Iterator[Callable[[Settings], TestClient]]:
    with ExitStack() as stack:

        def opened(settings: Settings) -> TestClient:
            app = make_app(store, settings)
            return stack.enter_context(
                TestClient(app, "http://127.0.0.1:8321", raise_server_exceptions=False, follow_redirects=False)
            )

        yield opened


@pytest.fixture
def client(open_client: Callable[[Settings], TestClient]) -> TestClient:
    return open_client(Settings())
