"""What tokens add to a score adds up to it."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from goldstream.cli import goldstream
from goldstream.errors import ModelError
from goldstream.models.explain import explain
from goldstream.models.folder import GOLDEN_TEXTS, Facts, Loaded, load_model, save_model
from goldstream.models.ngram_bag import NgramBag, NgramBagSettings
from goldstream.testing import Keywords

TEXTS = [
    "rain again #wet http://a.b/c", "it's a new model, isn't it?", "more rain 🔥 today", "a model of words", "sun and wind @me",
    "wind again!!!", *GOLDEN_TEXTS,
]  # fmt: skip


def fitted(labels: int, **options: int | bool) -> NgramBag:
    model = NgramBag(tuple("abcde"[:labels]), NgramBagSettings(bits=16, epochs=3, **options))
    model.fit(pa.array(TEXTS), np.eye(labels, dtype=np.float32)[np.arange(len(TEXTS)) % labels])
    return model


BAG, MANY, PLAIN = fitted(2), fitted(3), fitted(2, pairs=False, low=0)


def logit(model: NgramBag, text: str) -> np.ndarray:
    scores = model.predict_proba(pa.array([text]))[0].astype(float)
    return np.log(scores / (1 - scores)) if len(scores) == 2 else np.log(scores / scores[0])


@settings(deadline=None)
@given(st.one_of(st.text(), st.lists(st.sampled_from(" ".join(TEXTS).split(" "))).map(" ".join)))
@pytest.mark.parametrize("model", [BAG, MANY, PLAIN], ids=["two labels", "three labels", "words only"])
def test_the_weights_of_all_tokens_and_the_bias_add_up_to_the_logit(model: NgramBag, text: str) -> None:
    said = explain(model, text)
    for label in model.labels:
        assert said.bias[label] + sum(token.weight for token in said.tokens[label]) == pytest.approx(said.logits[label])
        assert all(text[token.start : token.end] == token.token for token in said.tokens[label])
    logits = np.array(list(said.logits.values()))
    assert logits - (0 if len(logits) == 2 else logits[0]) == pytest.approx(logit(model, text), abs=2e-4)


def test_tokens_are_what_a_reader_would_take_for_one() -> None:
    said = explain(BAG, "  #Rain at www.a.org/b?c, DON'T 👩‍🚀!! 今日 &amp; @you ")
    in_order = sorted(said.tokens["a"], key=lambda token: token.start)
    assert [token.token for token in in_order] == [
        "#Rain", "at", "www.a.org/b?c,", "DON'T", "👩‍🚀", "!!", "今", "日", "@you"
    ]  # fmt: skip


def test_only_the_weightiest_tokens_are_shown_first_the_strongest() -> None:
    weights = [abs(token.weight) for token in explain(BAG, " ".join(TEXTS), top=5).tokens["a"]]
    assert len(weights) == 5 and weights == sorted(weights, reverse=True)


def test_a_text_of_a_megabyte_and_one_that_is_no_unicode_are_explained() -> None:
    assert len(explain(BAG, "rain, " * 200_000, top=3).tokens["a"]) == 3
    assert explain(BAG, "rain \ud800 again").tokens["a"]


def test_a_model_that_can_not_say_says_so() -> None:
    facts = Facts(type="keywords", name="k", labels=["keep", "other"], threshold=0.5, positive="keep", golden=[])
    with pytest.raises(ModelError, match="'keywords' can't say what each token adds"):
        explain(Loaded(Keywords("rain"), facts), "rain")


def test_the_command_explains_with_a_model_folder(tmp_path: Path) -> None:
    save_model(BAG, tmp_path, kind="ngram-bag", name="bag", threshold=0.5, positive="b", made_from={})
    done = CliRunner().invoke(goldstream, ["explain", "more rain", "--model", str(tmp_path)], catch_exceptions=False)
    assert done.exit_code == 0 and done.output.startswith("b: probability 0.")
    assert "rain" in done.output
    done = CliRunner().invoke(goldstream, ["explain", "more rain", "--model", str(tmp_path), "--json"], catch_exceptions=False)
    assert json.loads(done.stdout) == explain(load_model(tmp_path), "more rain").as_json()
    done = CliRunner().invoke(goldstream, ["explain", "x", "--model", str(tmp_path), "--label", "zzz"])
    assert done.exit_code == 2 and "there are a, b" in done.output
