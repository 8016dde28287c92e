import polars as pl
import pytest

from goldstream.keywords import has_words


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
        ("ΟΔΟΣ*", "νέα οδοσήμανση", True),
        ("οδος", "Η ΟΔΟΣ", True),
        ("ОГОНЬ", "огонь!", True),
        ("straße", "Die STRAßE", True),
    ],
)
def test_words_are_found_whole_in_any_case(word: str, text: str, found: bool) -> None:
    assert where([text], [word]) == [found]


def test_no_words_are_found_nowhere() -> None:
    assert where(["", "a", "\n"], []) == [False] * 3


def where(texts: list[str], words: list[str]) -> list[bool]:
    return pl.DataFrame({"text": texts}).select(has_words(pl.col("text"), words)).to_series().to_list()
