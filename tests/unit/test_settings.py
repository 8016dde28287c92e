"""goldstream.toml: what is left out has a default, and what can't be is refused with file, path and what is allowed."""

from pathlib import Path
from typing import Any

import pytest

from goldstream import sources
from goldstream.errors import GoldstreamError, SettingsError
from goldstream.settings import Secret, Settings, load, read


def test_an_empty_file_is_all_defaults() -> None:
    assert read("", "goldstream.toml") == Settings()


@pytest.mark.parametrize(
    ("text", "path", "said"),
    [
        ("nonsense = 1", "", "unknown field `nonsense`"),
        ("[stream]\nbatch-sise = 5", "$.stream", "unknown field `batch-sise`"),
        ("[stream]\nbatch_size = 5", "$.stream", "unknown field `batch_size`"),
        ("[stream]\nbatch-size = 0", "$.stream.batch-size", ">= 1"),
        ("[stream]\nbatch-size = 99999999999999999999", "$.stream.batch-size", "<= 2147483647"),
        ('[stream]\nbatch-size = "5"', "$.stream.batch-size", "Expected `int`, got `str`"),
        ("[stream]\nbatch-size = true", "$.stream.batch-size", "Expected `int`, got `bool`"),
        ("[stream]\nkeep-floor = 1.5", "$.stream.keep-floor", "<= 1.0"),
        ("[stream]\nkeep-floor = nan", "$.stream.keep-floor", "Expected `float`"),
        ("[stream]\npoll-s = inf", "$.stream.poll-s", "<= 86400.0"),
        ('[stream]\nengine = "flink"', "$.stream.engine", "Invalid enum value 'flink'"),
        ('[stream]\nreader = "A B"', "$.stream.reader", "matching regex"),
        ("[log]\nretention-days = -1", "$.log.retention-days", "> 0.0"),
        ("[retention]\npredictions-days = inf", "$.retention.predictions-days", "<= 36500.0"),
        ("[dataset]\nseed = -1", "$.dataset.seed", ">= 0"),
        ("[dataset]\nversion = 1_000_000", "$.dataset.version", "<= 999999"),
        ('[dataset]\nprefix = "x; drop table"', "$.dataset.prefix", "use at most"),
        (f'[dataset]\nprefix = "{"p" * 27}"', "$.dataset.prefix", "at most 26"),
        ("[dataset.quotas]\ntopic = -1", "$.dataset.quotas.topic", ">= 0"),
        ("[dataset.sizes]\ntest = 0", "$.dataset.sizes.test", ">= 1"),
        ('[store]\nschema = ""', "$.store.schema", "use at most"),
        ('[store]\nschema = "public; --"', "$.store.schema", "use at most"),
        ('[store]\ndsn = { name = "X" }', "$.store.dsn", "unknown field `name`"),
        ("[store]\ndsn = 5", "$.store.dsn", "Expected `str | object | null`"),
        ('[project]\nname = "My Project"', "$.project.name", "matching regex"),
        ('[project]\nlabels = ["a"]', "$.project.labels", "at least two different labels"),
        ('[project]\nlabels = ["a", "a"]', "$.project.labels", "at least two different labels"),
        ('[project]\nlabels = ["a", ""]', "$.project.labels[1]", "matching regex"),
        ('[project]\nlabels = ["a", "b\\u0000"]', "$.project.labels[1]", "matching regex"),
        ('[project]\nkeep = "spam"', "$.project.keep", "'spam' is not one of keep, other"),
        ('[strata]\ntopic = [""]', "$.strata.topic[0]", "matching regex"),
        ('[strata]\ntopic = "ai"', "$.strata.topic", "Expected `array`"),
        ("[labeling]\nclass-balance = { keep = 0.2 }", "$.labeling.class-balance", "a share for each of keep, other"),
        ("[labeling]\nclass-balance = { keep = 0.2, other = 0.7 }", "$.labeling.class-balance", "together 1"),
        (
            "[labeling]\nclass-balance = { keep = 0.2, spam = 0.8 }",
            "$.labeling.class-balance",
            "a share for each of keep, other",
        ),
        ("[labeling]\nclass-balance = { keep = 0.0, other = 1.0 }", "$.labeling.class-balance[...]", "> 0.0"),
        ("[model]\nprecision = 0.9\nrecall = 0.9", "$.model", "a precision or for a recall"),
        ("[web]\nport = 70000", "$.web.port", "<= 65535"),
        ('[web]\ntoken = "secret"', "$.web.token", "Expected `object"),
        ('[[sources]]\npath = "x"', "$.sources[0]", "a source needs a `type`"),
        ("sources = 5", "$.sources", "Expected `array`"),
    ],
)
def test_what_cannot_be_is_refused_with_file_and_path(text: str, path: str, said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read(text, "my.toml")
    assert str(refused.value).startswith("my.toml: ")
    assert said in str(refused.value)
    assert not path or f"`{path}`" in str(refused.value)


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"type": "blusky"}, "no sources plug-in named 'blusky'; installed: bluesky, files"),
        ({"type": "files"}, "missing required field `path`"),
        ({"type": "files", "path": "a.jsonl", "folow": True}, "unknown field `folow`"),
        ({"type": "files", "path": "a.jsonl", "columns": {"txt": "a"}}, "unknown field `txt` - at `$.columns`"),
        ({"type": "replay", "path": "a.jsonl", "speed": -1}, ">= 0.0 - at `$.speed`"),
        ({"type": "bluesky", "silence-s": 0}, "> 0.0 - at `$.silence-s`"),
    ],
)
def test_a_source_that_cannot_be_is_refused(section: dict[str, Any], said: str) -> None:
    with pytest.raises(GoldstreamError) as refused:
        sources.build([{"type": "sample"}, section])
    assert said in str(refused.value)


def test_two_sources_of_one_name_are_refused() -> None:
    with pytest.raises(SettingsError, match="two sources are called 'sample'"):
        sources.build([{"type": "sample"}, {"type": "sample"}])


@pytest.mark.parametrize("data", [b"= 1", b"\xff", b"a = " + b"[" * 100_000, b"[a]\n[a]", b"a = 1\na = 2"])
def test_what_is_no_toml_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "goldstream.toml").write_bytes(data)
    with pytest.raises(SettingsError, match=r"goldstream\.toml: (not TOML|can't be read)"):
        load(tmp_path / "goldstream.toml")


def test_a_file_that_is_not_there_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="`goldstream init` writes one"):
        load(tmp_path / "goldstream.toml")
    with pytest.raises(SettingsError, match="can't be read"):
        load(tmp_path)


def test_a_secret_is_looked_up_when_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    token = read('[web]\ntoken = { env = "MY_TOKEN" }', "goldstream.toml").web.token
    assert token == Secret(env="MY_TOKEN")
    with pytest.raises(SettingsError, match="MY_TOKEN is not set"):
        token.value()
    monkeypatch.setenv("MY_TOKEN", "swordfish")
    assert token.value() == "swordfish"
    assert "swordfish" not in repr(token)
