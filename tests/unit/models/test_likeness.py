import numpy as np
import pyarrow as pa
import pytest

from goldstream.models.likeness import Likeness


@pytest.mark.parametrize(("texts", "likeness"), [([], []), (["", ""], [0, 0]), (["", "a new model", "", ""], [0, 1, 0, 0])])
def test_a_text_without_words_is_like_none(texts, likeness):
    assert np.allclose(Likeness(pa.array(texts, pa.string())).to("a new model"), likeness)
