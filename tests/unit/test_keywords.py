import polars as pl
import pytest

from goldstream.keywords import keyword_pattern


@pytest.mark.parametrize(
    ("word", "text", "found"),
    [
        ("ai", "AI!", True),
        ("ai", "the mail", False),
        ("ai", "ai_x", False),
        ("ai", "naïve ai", True),
        ("ai", "naïai", False),
        ("neural*", "Neuralink", True),
        ("neural*", "aneural", False),
        ("open weights", "open\n  weights", True),
        ("a.i.", "A.I. is here", True),
        ("a.i.", "axis", False),
        ("c++", "C++, of course", True),
        ("rock & roll", "rock & roll", True),
        ("[x]", "[x]", True),
        ("😂", "so 😂 fun", True),
        ("…", "well …", True),
        ("straße", "Die STRAßE", True),
    ],
)
def test_words_are_found_whole_in_any_case(word: str, text: str, found: bool) -> None:
    assert pl.Series([text]).str.contains(keyword_pattern([word])).to_list() == [found]


def test_no_words_are_found_nowhere() -> None:
    assert pl.Series(["", "a", "\n"]).str.contains(keyword_pattern([])).to_list() == [False] * 3
