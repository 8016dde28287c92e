import threading

import pytest

from goldstream.web import counters
from goldstream.web.counters import Costly, Refresher
from goldstream.web.database import one


@pytest.fixture
def refresher(store, monkeypatch):
    monkeypatch.setattr(counters, "FIRST_S", 0.01)
    made = Refresher(store)
    yield made
    made.close()


def test_what_takes_long_is_made_beside_the_request(refresher):
    gate = threading.Event()
    costly = Costly(lambda conn: gate.wait(30) and one(conn, "SELECT 7"), refresher)
    assert costly.soon() is None
    gate.set()
    refresher.close()
    assert costly.soon() == 7


def test_what_goes_wrong_there_is_said(refresher, capsys):
    costly = Costly(lambda conn: one(conn, "SELECT 1 / 0"), refresher)
    assert costly.soon() is None
    refresher.close()
    assert "division by zero" in capsys.readouterr().err
