"""Every way through a token gives the same characters the same hash."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goldstream.models.ngram_bag import NgramBag, NgramBagSettings

UNHURRIED = settings(deadline=None)  # the first call compiles
BAG = NgramBag(("a", "b"), NgramBagSettings(bits=26, low=3, high=5))
WORDS = st.text("abhHTtpPwWsSzZ019_'", min_size=1, max_size=20).filter(lambda word: "www" not in word.lower())
WIDE = str.maketrans({chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)})
MARKS = st.text(".,!?:;()-/*", min_size=1, max_size=20)


def buckets(*texts: str) -> list[tuple[list[int], list[int]]]:
    """The words (and pairs), and the character n-grams, of each text; sorted, for the order tells nothing."""
    ids, starts = BAG._hashed(pa.array(texts, pa.string()))
    rows = range(len(texts))
    return [tuple(np.sort(ids[starts[2 * r + bag] : starts[2 * r + bag + 1]]).tolist() for bag in range(2)) for r in rows]


@UNHURRIED
@given(st.lists(WORDS, min_size=1, max_size=6))
def test_a_word_is_the_same_in_ascii_and_in_characters_of_full_width(words: list[str]) -> None:
    text = " ".join(words)
    narrow, wide, padding = buckets(text, text.translate(WIDE), " " * 16)
    assert narrow == wide
    assert padding == ([], [])


@UNHURRIED
@given(st.lists(st.one_of(WORDS, MARKS), min_size=1, max_size=6))
def test_a_text_is_the_same_alone_and_before_others(tokens: list[str]) -> None:
    text = "".join(tokens)
    assert buckets(text)[0] == buckets(text, "and then another text")[0]


def test_a_word_is_the_same_wherever_it_stands_in_a_text() -> None:
    for word in ("one", "#one", "fifteen_letters", "sixteen__letters", "no!", "@one.b", "don't", "é", "wooow"):
        alone = buckets(word)[0]
        for marks in range(140):
            (_, before), (found, characters) = buckets(" " * marks, " " * marks + word)
            assert (found, characters) == alone, (word, marks)
            assert before == []


@UNHURRIED
@given(MARKS)
def test_marks_are_the_same_before_what_is_not_ascii(marks: str) -> None:
    together, apart = buckets(marks + "漢", marks + " 漢")
    assert together == apart


@UNHURRIED
@given(st.text())
def test_any_text_is_the_same_when_its_ascii_letters_change_case(text: str) -> None:
    lower = str.maketrans({chr(code): chr(code + 32) for code in range(65, 91)})
    assert buckets(text)[0] == buckets(text.translate(lower))[0]


@pytest.mark.parametrize(
    ("text", "words", "grams"),
    [
        ("one", 1, 6),  # `one`, and _on one ne_ _one one_ _one_
        ("one two", 3, 12), ("one, two", 4, 12), ("one.", 2, 6), ("#one", 2, 6), ("#one two", 4, 12), ("#", 1, 0),
        ("@one two", 3, 6), ("@ one", 2, 6), ("a@b", 3, 1), ("@a.b", 1, 0),
        ("http://a.b/c?d one", 5, 6), ("www.a.b", 3, 0), ("https://", 1, 0), ("http", 1, 9), ("#http://x", 5, 10),
        ("don't", 1, 12), ("'one'", 1, 6), ("&amp; &lt;&#39;&quot;", 0, 0), ("& ;", 2, 0), ("...&amp;...", 2, 0),
        ("漢字", 3, 0), ("👩‍🚀 🇪🇺", 3, 0), ("!!!", 1, 0), ("\u200d", 0, 0),
        ("\ufe0f one \ufe0f", 5, 6), ("\u2764\ufe0f one", 3, 6), ("🏽", 1, 0), ("", 0, 0), ("\x00 \t\n", 0, 0),
    ],
)  # fmt: skip
def test_how_many_words_with_pairs_and_how_many_ngrams_a_text_has(text: str, words: int, grams: int) -> None:
    (found, characters), _ = buckets(text, "room to read on")
    assert (len(found), len(characters)) == (words, grams)


def test_a_letter_three_times_over_counts_twice_wherever_it_stands() -> None:
    for place in range(20):
        start = "abcdefghij"[: place % 10] * (1 + place // 10)
        twice, thrice, often = buckets(f"{start}ooz", f"{start}oooz", f"{start}{'o' * 30}z")
        assert twice == thrice == often
    assert len({str(buckets("to" + "_" * many)) for many in (2, 3, 20)}) == 1
    digits, more = buckets("1000", "10000")
    assert digits != more
