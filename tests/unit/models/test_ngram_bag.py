from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from goldstream.errors import ModelError
from goldstream.models.ngram_bag import NgramBag, NgramBagSettings

TEXTS = pa.array(["rain again", "a new model", "more rain today", "the model learns", "rain, rain", "model of models"] * 3)
TARGETS = np.eye(2, dtype=np.float32)[[0, 1, 0, 1, 0, 1] * 3]


def fitted(labels: tuple[str, ...] = ("rain", "model"), targets: np.ndarray = TARGETS, **options: int) -> NgramBag:
    model = NgramBag(labels, NgramBagSettings(bits=14, **options))
    model.fit(TEXTS, targets)
    return model


def test_it_learns_what_tells_two_labels_apart() -> None:
    scores = fitted().predict_proba(pa.array(["it will rain", "which model"]))
    assert scores.argmax(axis=1).tolist() == [0, 1]
    assert np.allclose(scores.sum(axis=1), 1)


def test_three_labels_each_get_a_column() -> None:
    targets = np.eye(3, dtype=np.float32)[[0, 1, 0, 1, 2, 1] * 3]
    assert fitted(("a", "b", "c"), targets).predict_proba(TEXTS).shape == (18, 3)


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not() -> None:
    one, same, other = (fitted(seed=seed).predict_proba(TEXTS) for seed in (1, 1, 2))
    assert one.tobytes() == same.tobytes()
    assert one.tobytes() != other.tobytes()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("RAIN again", "rain again"), ("ＲＡＩＮ again", "rain again"), ("ÜBER", "über"), ("soooooo good", "soo good"),
        ("see https://a.example/x?y=1", "see https://a.example/other"), ("hi @someone", "hi @else"),
        ("a &amp; b", "a b"),
        ("don’t", "don't"), ("👍🏽", "👍"),
    ],
)  # fmt: skip
def test_what_normalising_makes_equal_scores_equally(one: str, other: str) -> None:
    scores = fitted().predict_proba(pa.array([one, other]))
    assert scores[0].tobytes() == scores[1].tobytes()


def test_slices_nulls_and_empty_texts_are_read_where_they_stand() -> None:
    model = fitted()
    texts = pa.array(["skipped", "", None, "rain again", "a new model"])
    whole, part = model.predict_proba(texts), model.predict_proba(texts.slice(2, 2))
    assert whole[2:4].tobytes() == part.tobytes()
    assert whole[1].tobytes() == whole[2].tobytes()
    assert model.predict_proba(pa.array([], pa.string())).shape == (0, 2)


def test_no_bytes_can_make_it_fail() -> None:
    random = np.random.default_rng(0)
    pieces = [
        "http://",
        "www.",
        "#",
        "@",
        "&amp;",
        "'",
        "é",
        "漢",
        "🇪🇺",
        "👩‍🚀",
        "\x00",
        " ",
        "a",
        "A",
        "!",
        "\u200d",
        "7",
    ]
    texts = ["".join(random.choice(pieces, random.integers(0, 60))) for _ in range(3_000)]
    cut = pa.array([text.encode()[: random.integers(1, 90)] for text in texts], pa.binary())
    broken = pa.StringArray.from_buffers(len(cut), cut.buffers()[1], cut.buffers()[2])
    assert np.isfinite(fitted().predict_proba(broken)).all()


def test_a_text_of_five_megabytes_is_scored() -> None:
    assert np.isfinite(fitted().predict_proba(pa.array(["rain " * 1_000_000, "#a@b!" * 1_000]))).all()


def test_what_was_saved_is_what_is_loaded(tmp_path: Path) -> None:
    model = fitted()
    model.save(tmp_path)
    assert NgramBag.load(tmp_path).predict_proba(TEXTS).tobytes() == model.predict_proba(TEXTS).tobytes()


def test_weights_that_are_no_numbers_or_of_another_shape_are_refused(tmp_path: Path) -> None:
    fitted().save(tmp_path)
    weights = np.load(tmp_path / "weights.npy")
    for spoilt in (np.full_like(weights, np.nan), weights[:-1], weights.astype(np.float64)):
        np.save(tmp_path / "weights.npy", spoilt)
        with pytest.raises(ModelError):
            NgramBag.load(tmp_path)


def test_hundreds_of_labels_get_a_table_that_fits_into_memory() -> None:
    labels = tuple(f"label{number}" for number in range(300))
    model = NgramBag(labels)
    model.fit(pa.array(labels * 2), np.eye(300, dtype=np.float32)[list(range(300)) * 2])
    assert model.settings.bits == 17
    assert (model.predict_proba(pa.array(labels)).argmax(axis=1) == np.arange(300)).mean() > 0.99


def test_a_rare_label_that_counts_as_much_as_the_others_is_found_more_often() -> None:
    texts = pa.array(["rain today"] * 30 + ["rain model"] * 3)
    targets = np.eye(2, dtype=np.float32)[[0] * 30 + [1] * 2 + [0]]
    scores = []
    for balance in (0.0, 1.0):
        model = NgramBag(("rain", "model"), NgramBagSettings(bits=14, balance=balance))
        model.fit(texts, targets)
        scores.append(model.predict_proba(pa.array(["rain model"]))[0, 1])
    assert scores[0] < scores[1]


def test_learning_goes_on_from_another_model() -> None:
    before = fitted()
    kept, unlearnt = (NgramBag(("rain", "model"), NgramBagSettings(bits=14, epochs=1, rate=1e-6)) for _ in range(2))
    kept.learn(TEXTS, TARGETS, start=before)
    unlearnt.learn(TEXTS, TARGETS)
    assert np.allclose(kept.predict_proba(TEXTS), before.predict_proba(TEXTS), atol=1e-4)
    assert not np.allclose(unlearnt.predict_proba(TEXTS), before.predict_proba(TEXTS), atol=1e-2)


def test_learning_can_not_go_on_from_other_labels_or_n_grams() -> None:
    with pytest.raises(ModelError, match="go on"):
        NgramBag(("a", "b"), NgramBagSettings(bits=14)).learn(TEXTS, TARGETS, start=fitted())
    with pytest.raises(ModelError, match="go on"):
        NgramBag(("rain", "model"), NgramBagSettings(bits=15)).learn(TEXTS, TARGETS, start=fitted())


def test_the_weights_of_the_best_epoch_on_dev_are_kept() -> None:
    model = NgramBag(("rain", "model"), NgramBagSettings(bits=14))
    opposite = pa.array(["rain again", "model"]), np.eye(2, dtype=np.float32)[[1, 0]]
    assert model.learn(TEXTS, TARGETS, dev=opposite) == 1
    assert model.learn(TEXTS, TARGETS, dev=(TEXTS, TARGETS)) == model.settings.epochs


@pytest.mark.parametrize("idf", [0.0, 1.0])
def test_a_pruned_model_is_no_larger_than_asked_and_still_knows_what_matters(tmp_path: Path, idf: float) -> None:
    model = NgramBag(("rain", "model"), NgramBagSettings(bits=14, most_kb=8, idf=idf))
    texts = pa.array([f"{text} {'abcdefghijklmnopqrstuvwxyz'[n % 26] * 2}{n}" for n, text in enumerate(TEXTS.to_pylist() * 30)])
    model.fit(texts, np.tile(TARGETS, (30, 1)))
    model.save(tmp_path)
    assert sum((tmp_path / f"{name}.npy").stat().st_size for name in ("rows", "weights", "bias")) <= 8 * 1024
    loaded = NgramBag.load(tmp_path)
    assert loaded.predict_proba(texts).tobytes() == model.predict_proba(texts).tobytes()
    assert loaded.predict_proba(pa.array(["rain", "model"])).argmax(axis=1).tolist() == [0, 1]


def test_one_label_and_far_too_many_are_refused() -> None:
    with pytest.raises(ModelError, match="at least two"):
        NgramBag(("one",))
    with pytest.raises(ModelError, match="memory"):
        NgramBag(tuple(map(str, range(10_000))))


def test_targets_for_other_texts_are_refused() -> None:
    for targets, weights in ((TARGETS[:-1], None), (TARGETS[:, :1], None), (TARGETS, np.ones(1, np.float32))):
        with pytest.raises(ModelError, match="as many targets"):
            NgramBag(("rain", "model")).fit(TEXTS, targets, weights)
