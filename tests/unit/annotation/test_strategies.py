"""Every strategy keeps what strategies promise."""

import numpy as np
import pytest

from goldstream import plugins
from goldstream.checks import check_strategy


@pytest.mark.parametrize("name", plugins.installed("strategies"))
def test_ours_keep_their_promises(name):
    check_strategy(plugins.find("strategies", name))


@pytest.mark.parametrize(
    ("strategy", "message"),
    [
        (lambda pool: np.ones(3), "a wish for each post"),
        (lambda pool: pool.probability, "nothing is known"),
        (lambda pool: -np.ones(len(pool)), "nought or more"),
        (lambda pool: np.random.default_rng().random(len(pool)), "the same pool"),
    ],
)
def test_a_broken_promise_is_named(strategy, message):
    with pytest.raises(AssertionError, match=message):
        check_strategy(strategy)
