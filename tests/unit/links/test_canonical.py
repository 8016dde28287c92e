"""One spelling for one link."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldstream.links import canonicalise, domain
from goldstream.links.canonical import LONGEST


@pytest.mark.parametrize(
    ("url", "spelling"),
    [
        ("https://example.org", "https://example.org/"),
        ("HTTPS://Example.ORG./a", "https://example.org/a"),
        ("http://example.org:80/a", "http://example.org/a"),
        ("https://example.org:443/a", "https://example.org/a"),
        ("https://example.org:8443/a", "https://example.org:8443/a"),
        ("http://example.org:443/a", "http://example.org:443/a"),
        ("https://ann:secret@example.org/a", "https://example.org/a"),
        ("https://example.org/a#part", "https://example.org/a"),
        ("https://example.org/a/./b/../c", "https://example.org/a/c"),
        ("https://example.org/../../a", "https://example.org/a"),
        ("https://example.org/a/..", "https://example.org/"),
        ("https://example.org/%7eann/%c3%a9", "https://example.org/~ann/%C3%A9"),
        ("https://example.org/é", "https://example.org/%C3%A9"),
        ("https://example.org/a%2Fb", "https://example.org/a%2Fb"),
        ("https://bücher.example/a", "https://xn--bcher-kva.example/a"),
        ("https://example.org/a?utm_source=x&utm_medium=y", "https://example.org/a"),
        ("https://example.org/a?id=7&fbclid=z&UTM_Source=x&q=a+b", "https://example.org/a?id=7&q=a+b"),
        ("https://example.org/a?b=2&a=1", "https://example.org/a?b=2&a=1"),
        ("https://example.org/a?next=https://example.org/?x", "https://example.org/a?next=https://example.org/?x"),
        ("https://youtube.com/watch?v=1&si=x&feature=share", "https://youtube.com/watch?v=1"),
        ("https://m.youtube.com/watch?v=1&si=x", "https://m.youtube.com/watch?v=1"),
        ("https://example.org/watch?v=1&si=x", "https://example.org/watch?v=1&si=x"),
        ("https://t.co/AbC1", "https://t.co/AbC1"),
        ("https://bit.ly/3xYz?utm_source=x", "https://bit.ly/3xYz"),
        ("http://example.org/a", "http://example.org/a"),
        ("https://www.example.org/a", "https://www.example.org/a"),
        ("https://127.0.0.1:8321/a", "https://127.0.0.1:8321/a"),
        ("https://[::1]/a", "https://[::1]/a"),
    ],
)
def test_links_have_one_spelling(url: str, spelling: str) -> None:
    assert canonicalise(url) == spelling


@pytest.mark.parametrize(
    "url",
    [
        "", "example.org", "ftp://example.org/a", "javascript:alert(1)", "data:text/html,x", "https://", "https:///a", "https://localhost/",
        "https://exa mple.org/", "https://example.org/a b", "https://example.org/\x00", "https://example.org:99999/", "https://example.org:x/",
        "https://<script>.example/", "https://[::1", "https://-a.example/", "https://" + "a" * LONGEST + ".example/", "https://a..example/",
    ],
)  # fmt: skip
def test_what_is_no_web_link_is_none(url: str) -> None:
    assert canonicalise(url) is None


STARTS = st.sampled_from(["", "https://example.org/", "http://a.example:80/?", "https://é.example/#"])


@given(st.tuples(STARTS, st.text(max_size=60)).map("".join))
def test_any_text_is_answered_and_the_answer_is_its_own(text: str) -> None:
    found = canonicalise(text)
    assert found is None or canonicalise(found) == found


def test_the_domain_has_no_www_and_no_port() -> None:
    assert [domain(url) for url in ("https://www.example.org:1/a", "https://www2.example.org/", "https://[::1]/")] == [
        "example.org", "www2.example.org", "::1",
    ]  # fmt: skip
