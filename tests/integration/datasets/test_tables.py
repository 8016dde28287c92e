from pathlib import Path
from typing import Any

import pytest

from goldstream import settings
from goldstream.datasets.build import build, sha256
from goldstream.datasets.tables import SPLITS, Dataset, existing
from goldstream.errors import DataError, SettingsError
from goldstream.store import Store

SECTION = settings.Dataset(sizes=settings.Sizes(test=20, dev=10, snorkel_train=30))


@pytest.fixture
def collected(collecting: Any, post: Any) -> Any:
    """Two hundred posts, the last fifty of them repeating the first."""
    collecting.append(*(post(n, f"rain {n % 150} on the {n % 150 * 31} of may", author=f"u{n}") for n in range(200)))
    collecting.run(settings.Dataset())
    return collecting


@pytest.mark.parametrize("prefix", ["x; drop table", 'x"', "Tweets", "a-b", "1a"])
def test_a_prefix_that_is_no_name_is_refused(prefix: str) -> None:
    with pytest.raises(SettingsError):
        settings.read(f"[dataset]\nprefix = '{prefix}'", "goldstream.toml")
    with pytest.raises(SettingsError):
        Dataset(prefix, 0)


def test_a_name_that_postgresql_would_cut_is_refused() -> None:
    Dataset("p" * 31, 0)
    with pytest.raises(SettingsError, match="more than 63 characters"):
        Dataset("p" * 31, 10)


def test_versions_and_prefixes_live_side_by_side(store: Store) -> None:
    with store.connect(name="test") as conn:
        for prefix, version in (("", 0), ("", 1), ("flood_", 0)):
            Dataset(prefix, version).create(conn, {})
            Dataset(prefix, version).create(conn, {})
        assert [(row["prefix"], row["version"]) for row in existing(conn)] == [("", 0), ("", 1), ("flood_", 0)]
        Dataset("", 1).drop(conn)
        views = {row[0] for row in conn.execute("SELECT viewname FROM pg_views WHERE schemaname = current_schema()")}
        assert {"test_dataset_0", "flood_train_dataset_0", "deduplicated_raw_tweet_dataset_0"} <= views
        assert "test_dataset_1" not in views
        with pytest.raises(DataError, match="there is no dataset raw_tweet_dataset_1"):
            Dataset("", 1).drop(conn)


def test_building_removes_duplicates_and_fills_the_views(collected: Any) -> None:
    said: list[str] = []
    counts = build(collected.conn, SECTION, said.append)
    assert (counts["collected"], counts["duplicates"], counts["straddling"]) == (200, 50, 0)
    assert counts["splits"] == {"test": 20, "dev": 10, "snorkel_train": 30, "train": 90}
    sizes = {
        name: collected.conn.execute(f"SELECT count(*) FROM {name}_dataset_0").fetchone()[0]
        for name in ("raw_tweet", "deduplicated_raw_tweet", *SPLITS)
    }
    assert sizes == {"raw_tweet": 200, "deduplicated_raw_tweet": 150, **counts["splits"]}
    assert len(collected.rows("id", "representative <> id")) == 50
    assert not collected.rows("id", "representative <> id AND split IS NOT NULL")


def test_the_stored_hash_can_be_checked(collected: Any) -> None:
    build(collected.conn, SECTION, print)
    state, stored = collected.conn.execute("SELECT state, sha256 FROM datasets").fetchone()
    posts = Dataset("", 0).posts(collected.conn, "split IS NOT NULL")
    assert state == "split"
    assert stored == sha256(posts)
    assert stored != sha256(posts[1:])


def test_a_frozen_version_is_not_cut_again(collected: Any) -> None:
    build(collected.conn, SECTION, print)
    before = collected.rows("id, split")
    with pytest.raises(DataError, match=r"frozen; set dataset\.version to 1"):
        build(collected.conn, SECTION, print)
    assert collected.rows("id, split") == before


def test_too_few_posts_leave_the_dataset_open(collecting: Any, post: Any) -> None:
    collecting.append(post(1))
    collecting.run(settings.Dataset())
    with pytest.raises(DataError, match="too few to split"):
        build(collecting.conn, SECTION, print)
    assert collecting.conn.execute("SELECT state FROM datasets").fetchone() == ("collecting",)


def test_fewer_posts_than_asked_for_are_said(collected: Any) -> None:
    said: list[str] = []
    build(collected.conn, settings.Dataset(), said.append)
    assert "test has 30 posts, not 1,000: there are only 150 distinct posts" in said


def test_a_dataset_that_does_not_exist_is_named(store: Store, tmp_path: Path) -> None:
    with store.connect(name="test") as conn, pytest.raises(DataError, match="there is no dataset raw_tweet_dataset_0"):
        build(conn, SECTION, print)
