from goldstream.serving.pages import Family, Workers


def _page(requests: int, ready: int) -> list[Family]:
    return [
        Family("requests_total", "counter", "", "sum", {'{route="/predict"}': requests}),
        Family("ready", "gauge", "", "min", {"": ready}),
    ]


def _read(families: list[Family]) -> dict[str, float]:
    return {family.name: value for family in families for value in family.samples.values()}


def test_each_worker_answers_for_all(tmp_path):
    first, second = Workers(tmp_path, 0), Workers(tmp_path, 1)
    first.publish(_page(5, 1))
    assert _read(second.all(_page(2, 0))) == {"requests_total": 7, "ready": 0}
    assert _read(first.all(_page(6, 1))) == {"requests_total": 8, "ready": 0}


def test_a_worker_that_takes_the_place_of_another_goes_on_from_its_counters(tmp_path):
    Workers(tmp_path, 0).publish(_page(5, 0))
    again = Workers(tmp_path, 0)
    assert _read(again.all(_page(1, 1))) == {"requests_total": 6, "ready": 1}
    assert _read(again.all(_page(2, 1))) == {"requests_total": 7, "ready": 1}
