"""The links of posts."""

import pytest

from goldstream.links import extract
from goldstream.links.extract import MOST, in_text
from goldstream.records import Post, to_columns


def links(*posts: tuple[str, list[str]]) -> list[list[str]]:
    batch = to_columns(
        [Post(id=f"a:{number}", source="a", text=text, links=marked) for number, (text, marked) in enumerate(posts)]
    )
    return extract(batch).to_list()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see https://example.org/a.", ["https://example.org/a"]),
        ("(https://example.org/a)", ["https://example.org/a"]),
        ("https://example.org/a_(b)", ["https://example.org/a_(b)"]),
        ("[https://example.org/a]", ["https://example.org/a"]),
        ('"https://example.org/a", he said', ["https://example.org/a"]),
        ("https://example.org/a?!?", ["https://example.org/a"]),
        ("HTTPS://EXAMPLE.ORG and www.example.com", ["HTTPS://EXAMPLE.ORG", "www.example.com"]),
        ("https://example.org/a…", []),
        ("https://example.org/a...", []),
        ("<a href='https://example.org/a'>", ["https://example.org/a"]),
        ("日本https://example.org/a日本", ["https://example.org/a日本"]),
        ("example.org is no link, nor is http:// alone", ["http://"][:0]),
    ],
)
def test_links_are_found_in_texts(text: str, found: list[str]) -> None:
    assert [link for link in in_text(text) if link.strip("htps:/")] == found


def test_marked_links_come_first_and_none_comes_twice() -> None:
    text = "https://example.org/b and https://EXAMPLE.org/a?utm_source=x"
    assert links((text, ["https://example.org/a"])) == [["https://example.org/a", "https://example.org/b"]]


def test_every_post_has_its_own_list() -> None:
    assert links(("no link", []), ("www.example.org", []), ("", ["https://example.org/b"]), ("", ["nonsense"])) == [
        [], ["https://www.example.org/"], ["https://example.org/b"], [],
    ]  # fmt: skip


def test_of_ten_thousand_links_only_the_first_are_kept() -> None:
    text = " ".join(f"https://example.org/{number}" for number in range(10_000))
    assert links((text, []))[0] == [f"https://example.org/{number}" for number in range(MOST)]


@pytest.mark.parametrize("tail", [")" * 90_000, "." * 90_000 + ",", "a" * 90_000, "()" * 45_000, "]" * 90_000])
def test_a_link_with_an_endless_tail_is_answered_at_once(tail: str) -> None:
    assert len(links((f"https://example.org/{tail}", []))[0]) <= 1
