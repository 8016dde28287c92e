import threading

from goldstream.stream.champion import Champion


class Silent:
    """A registry that does not answer until the test is over."""

    def __init__(self):
        self.over = threading.Event()

    def thresholds(self):
        self.over.wait()
        return {}

    def alias(self, alias):
        return None

    def close(self):
        pass


def test_neither_start_nor_end_waits_for_a_registry_that_does_not_answer(tmp_path, monkeypatch):
    monkeypatch.setattr("goldstream.stream.champion.LEAVE_S", 0.1)
    registry, stop = Silent(), threading.Event()
    stop.set()
    with Champion(registry, tmp_path, say=print) as champion:
        champion.settle(3_600, stop)
        assert champion.version is None
    registry.over.set()
