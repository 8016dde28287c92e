"""Requests that are scored together: each gets its own answer, whatever becomes of the others."""

import asyncio
import json

import pytest

from goldstream.serving.ours import Predicting

GOOD, BOMB = b'{"text": "the flood comes tonight"}', b'{"text": "bomb"}'


class Heard:
    """Hears one answer."""

    def __init__(self) -> None:
        self.said: list[bytes] = []
        self.errors: list[BaseException] = []

    def hear(self, said: bytes) -> None:
        self.said.append(said)

    def hear_error(self, error: BaseException) -> None:
        self.errors.append(error)


class Gone(Heard):
    """A connection that breaks when it is written to."""

    def hear(self, said: bytes) -> None:
        raise ConnectionError("gone")


def _fragile(made) -> None:
    original = made.champion.current.model.predict_few

    def predict_few(texts):
        if b"bomb" in texts:
            raise ValueError("boom")
        return original(texts)

    made.champion.current.model.predict_few = predict_few


def _ask(made, bodies: list[bytes], listeners: list[Heard]) -> None:
    async def ask() -> None:
        predicting = Predicting(made.service)
        for body, listener in zip(bodies, listeners, strict=True):
            predicting.ask(body, listener)
        while sum(len(each.said) + len(each.errors) for each in listeners) < len(listeners):
            await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(ask(), 30))


def _batches(made) -> tuple[int, float]:
    """How many calls of a model there were, and how many texts in them."""
    found = made.service.metrics.batches
    return sum(found.counts), found.sum


@pytest.mark.parametrize("together", [True, False])
def test_one_bad_text_harms_no_neighbour(registry, served, together):
    made = served(batching=together)
    _fragile(made)
    listeners = [Heard() for _ in range(5)]
    _ask(made, [GOOD, GOOD, BOMB, GOOD, GOOD], listeners)
    assert [len(each.said) for each in listeners] == [1, 1, 0, 1, 1]
    assert [str(error) for error in listeners[2].errors] == ["version 1 failed on this text: ValueError"]
    said = [json.loads(each.said[0]) for each in listeners if each.said]
    assert {each["label"] for each in said} == {"keep"}
    assert len({each["prediction_id"] for each in said}) == 4


def test_a_client_that_is_gone_harms_no_neighbour(registry, served):
    made, listeners = served(), [Heard(), Gone(), Heard()]
    _ask(made, [GOOD] * 3, listeners)
    assert [len(each.said) for each in listeners] == [1, 0, 1]
    assert [type(error) for error in listeners[1].errors] == [ConnectionError]


def test_a_batch_is_one_call_of_the_model_and_kept_as_one(registry, served):
    made, listeners = served(), [Heard() for _ in range(8)]
    _ask(made, [GOOD] * 7 + [b'{"texts": ["a flood", "a cat"]}'], listeners)
    assert _batches(made) == (1, 9)
    assert sum(made.service.metrics.predictions.values()) == 9
    assert len(json.loads(listeners[7].said[0])["predictions"]) == 2
    [kept] = made.service.predictions._queue
    assert (len(kept.texts), len(kept.ids)) == (9, 9 * 16)


def test_without_batching_each_request_is_a_call_of_its_own(registry, served):
    made, listeners = served(batching=False), [Heard() for _ in range(3)]
    _ask(made, [GOOD] * 3, listeners)
    assert _batches(made) == (3, 3)
