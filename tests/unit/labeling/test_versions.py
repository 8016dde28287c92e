from pathlib import Path

import pytest

from goldstream.labeling import keyword_rule, load, lookup_rule, regex_rule

RULE = """
import re
from goldstream.labeling import labeling_function

WORDS = {words}
PATTERN = re.compile("{pattern}")
UNUSED = {unused}

def helper(text):
    return deeper(text) and PATTERN.search(text)

def deeper(text):
    return len(text) > {length}

@labeling_function("x", per_post={per_post})
def rule(post):
    return any(word in post.text for word in WORDS) or helper(post.text)
"""
START = {"words": "{'a', 'b'}", "pattern": "z" * 300, "unused": "1", "length": "3", "per_post": "True"}


def version(folder: Path, **changes: str) -> str:
    path = folder / "labeling.py"
    path.write_text(RULE.format(**START | changes))
    (rule,) = load(path)
    return rule.version


@pytest.mark.parametrize("changes", [{"words": "{'a', 'c'}"}, {"pattern": "z" * 299 + "y"}, {"length": "4"}], ids=str)
def test_a_change_of_what_a_rule_reads_is_a_new_version(tmp_path: Path, changes: dict[str, str]) -> None:
    assert version(tmp_path) != version(tmp_path, **changes)


def test_a_change_elsewhere_is_not(tmp_path: Path) -> None:
    assert version(tmp_path) == version(tmp_path, unused="2")


def test_an_equal_set_is_an_equal_version(tmp_path: Path) -> None:
    assert version(tmp_path) == version(tmp_path, words="{'b', 'a'}")


def test_built_rules_have_versions_too() -> None:
    rules = [
        keyword_rule("x", ["a"], name="n"), keyword_rule("x", ["b"], name="n"), keyword_rule("y", ["a"], name="n"),
        regex_rule("x", "a", name="n"), lookup_rule("x", column="author", values=["a"], name="n"),
        lookup_rule("x", column="lang", values=["a"], name="n"),
    ]  # fmt: skip
    assert len({rule.version for rule in rules}) == len(rules)
    assert keyword_rule("x", ["a"], name="n").version == rules[0].version
