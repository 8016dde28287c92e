"""Files: what they hold, where reading goes on, and what hostile ones do."""

import csv
import gzip
import io
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import hypothesis
import polars as pl
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from goldstream.checks import check_source
from goldstream.errors import SourceError
from goldstream.mapping import Columns
from goldstream.records import Post, to_json, to_rows
from goldstream.sources.base import Reject
from goldstream.sources.files import Files, FilesSettings
from goldstream.sources.lines import LONGEST_LINE


def read(path: Path | str, cursor: str | None = None, **settings: Any) -> tuple[list[Post], list[Reject], str | None]:
    source = Files(FilesSettings(path=str(path), **settings))
    posts: list[Post] = []
    rejects: list[Reject] = []
    for arrival in source.read(cursor):
        posts += to_rows(arrival.posts)
        rejects += arrival.rejects
        cursor = arrival.cursor
    source.close()
    return posts, rejects, cursor


def texts(posts: list[Post]) -> list[str]:
    return [post.text for post in posts]


def own(number: int, **fields: Any) -> bytes:
    return to_json(Post(id=f"x:{number}", source="x", **{"text": f"post {number}", **fields})) + b"\n"


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("packed", ["", ".gz", ".zst"])
@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_every_format_plain_and_packed_gives_the_same_posts(tmp_path: Path, kind: str, packed: str) -> None:
    table = pl.DataFrame({"text": ["a", "b\nc", "é"], "n": [1, 2, 3]})
    buffer = io.BytesIO()
    {"jsonl": table.write_ndjson, "csv": table.write_csv, "parquet": table.write_parquet}[kind](buffer)
    pack = {"": bytes, ".gz": gzip.compress, ".zst": zstandard.compress}[packed]
    path = write(tmp_path / f"posts.{kind}{packed}", pack(buffer.getvalue()))
    columns = Columns(id="n")
    posts, rejects, _ = read(path, columns=columns)
    assert [(post.id, post.text) for post in posts] == [("files:1", "a"), ("files:2", "b\nc"), ("files:3", "é")]
    assert rejects == []
    check_source(lambda: Files(FilesSettings(path=str(path), columns=columns)))


@pytest.mark.parametrize("name", ["posts.jsonl", "posts.csv", "posts.csv.gz", "posts.jsonl.zst"])
def test_reading_goes_on_after_any_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr("goldstream.sources.lines.BLOCK", 99)
    monkeypatch.setattr("goldstream.sources.lines.LONGEST_TAIL", 99)
    rows = b"text\n" * ("csv" in name) + b"".join(
        b'"post\n%d"\n' % number if "csv" in name else b'{"text":"post %d"}\n' % number for number in range(50)
    )
    pack = {".gz": gzip.compress, "zst": zstandard.compress}.get(name[-3:], bytes)
    path = write(tmp_path / name, pack(rows))
    check_source(lambda: Files(FilesSettings(path=str(path))))


def test_own_json_is_read_as_it_was_written(tmp_path: Path) -> None:
    post = Post(
        id="x:1", source="x", kind="update", revision=-3, text="a", created_at=datetime(2026, 1, 2, tzinfo=UTC),
        links=["https://example.org"], tags=["t"], extra={"stars": 5},
    )  # fmt: skip
    path = write(tmp_path / "posts.jsonl", to_json(post) + b"\n" + own(2, kind="delete"))
    assert read(path)[0] == [post, Post(id="x:2", source="x", kind="delete", text="post 2")]


def test_own_json_is_known_on_standard_input_and_after_a_bad_first_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Input:
        buffer = io.BytesIO(own(1, kind="delete"))

    monkeypatch.setattr(sys, "stdin", Input)
    assert [(post.id, post.kind) for post in read("-")[0]] == [("x:1", "delete")]
    posts, rejects, _ = read(write(tmp_path / "posts.jsonl", b"{broken\n" + own(1, kind="delete")))
    assert ([(post.id, post.kind) for post in posts], len(rejects)) == ([("x:1", "delete")], 1)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"id":"x:9","source":"x","created_at":"2020-01-01T00:00:00","v":1}', "timezone"),
        (b'{"id":"x:9","source":"x","revision":9223372036854775808,"v":1}', "revision"),
        (b'{"id":"x:9","source":"x","text":5,"v":1}', "text"),
        (b'{"id":"x:9","source":"x","text":"\xff","v":1}', "utf-8"),
        (b'{"id":' + b"[" * 100_000, "str"),
        (b'{"id":"x:9","source":"x","extra":{"a":' + b"[" * 100_000, "recursion"),
        (b"null", "object"),
    ],
)
def test_one_bad_line_costs_one_line(tmp_path: Path, line: bytes, reason: str) -> None:
    posts, rejects, _ = read(write(tmp_path / "posts.jsonl", own(1) + line + b"\n" + own(2)))
    assert texts(posts) == ["post 1", "post 2"]
    assert [reject.where.rpartition(":")[2] for reject in rejects] == ["2"]
    assert reason in rejects[0].reason


@pytest.mark.parametrize("first", [b"", own(1)])
def test_nul_and_lone_surrogates_become_the_replacement_character(tmp_path: Path, first: bytes) -> None:
    line = b'{"id":"x:2","source":"x","text":"a\\u0000b\\ud83d \\ud83d\\ude00","v":1}\n'
    posts, rejects, _ = read(write(tmp_path / "posts.jsonl", first + line))
    assert (posts[-1].text, rejects) == ("a\ufffdb\ufffd \U0001f600", [])


def test_times_that_no_calendar_holds_are_left_out_and_far_ones_kept(tmp_path: Path) -> None:
    times = ["2999-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]
    lines = b"".join(b'{"id":"x:1","source":"x","created_at":"%s","v":1}\n' % time.encode() for time in times)
    posts, rejects, _ = read(write(tmp_path / "posts.jsonl", lines))
    assert [post.created_at for post in posts] == [datetime(2999, 1, 1, tzinfo=UTC), None, None]
    assert rejects == []


def test_a_line_of_five_megabytes_is_read_and_one_too_long_is_rejected(tmp_path: Path) -> None:
    path = write(tmp_path / "posts.jsonl", own(1, text="x" * 5_000_000) + b"z" * (LONGEST_LINE + 9) + b"\n" + own(2))
    posts, rejects, _ = read(path)
    assert [len(post.text) for post in posts] == [5_000_000, 6]
    assert [reject.reason for reject in rejects] == [f"a line of {LONGEST_LINE + 10:,} bytes"]


@pytest.mark.parametrize("bad", [b'"never closed,1', b'"a"b,1', b"\xff,1", b"1,2,3", b"a\rb,1"])
def test_one_bad_row_of_csv_costs_one_row(tmp_path: Path, bad: bytes) -> None:
    after = b"".join(b"ok %d,1\n" % number for number in range(3_000))
    posts, rejects, _ = read(write(tmp_path / "posts.csv", b"text,n\nfirst,1\n" + bad + b"\n" + after))
    assert texts(posts) == ["first", *(f"ok {number}" for number in range(3_000))]
    assert [reject.where.rpartition(" ")[2] for reject in rejects] == ["3"]
    assert rejects[0].payload.rstrip(b"\n") == bad


def test_a_missing_column_is_named_with_those_that_are_there(tmp_path: Path) -> None:
    path = write(tmp_path / "posts.csv", b"body,n\na,1\n")
    with pytest.raises(SourceError, match="no column 'text' for text; there are: body, n"):
        read(path)


def test_what_stands_before_the_damage_is_read_and_the_other_files_too(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl.gz", gzip.compress(b'{"text":"a"}\n' * 1_000)[:-20])
    write(tmp_path / "b.jsonl", b'{"text":"b"}\n')
    source = Files(FilesSettings(path=str(tmp_path / "*")))
    seen: list[str] = []
    with pytest.raises(SourceError, match=r"a\.jsonl\.gz"):
        for arrival in source.read(None):
            seen += arrival.posts["text"].to_pylist()
    assert seen.count("a") > 100 and seen[-1] == "b"


def test_a_file_that_was_replaced_is_read_from_its_start(tmp_path: Path) -> None:
    path = write(tmp_path / "posts.jsonl", b'{"text":"old"}\n')
    _, _, cursor = read(path)
    assert read(path, cursor)[0] == []
    write(path, b'{"text":"new 1"}\n{"text":"new 2"}\n')
    assert texts(read(path, cursor)[0]) == ["new 1", "new 2"]


@pytest.mark.parametrize(
    ("name", "head", "line"), [("posts.jsonl", b"", b'{"text":"%d"}\n'), ("posts.csv", b"text\n", b'"%d"\n')]
)
def test_a_growing_file_is_followed_line_by_whole_line(tmp_path: Path, name: str, head: bytes, line: bytes) -> None:
    path = write(tmp_path / name, head + line % 1 + (line % 2)[:4])
    source = Files(FilesSettings(path=str(path), follow=True))
    seen: list[str] = []
    for arrival in source.read(None):
        assert arrival.rejects == ()
        seen += arrival.posts["text"].to_pylist()
        if arrival.posts.num_rows == 0 and seen == ["1"]:
            write(path, head + line % 1 + line % 2)
        elif arrival.posts.num_rows == 0 and seen == ["1", "2"]:
            write(path, head + line % 3)  # truncated
        elif seen == ["1", "2", "3"]:
            source.close()
    assert seen == ["1", "2", "3"]


@given(
    data=st.binary(max_size=300) | st.lists(st.sampled_from([b'{"text":"a"}', own(1)[:-1], b"{", b'"', b"\r"])).map(b"\n".join)
)
def test_any_bytes_give_a_post_or_a_reject_for_every_line(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = write(tmp_path_factory.mktemp("any") / "posts.jsonl", data)
    posts, rejects, _ = read(path)
    lines = [line for line in data.removeprefix(b"\xef\xbb\xbf").split(b"\n") if line.strip()]
    assert len(posts) + len(rejects) == len(lines)


@given(data=st.binary(max_size=300) | st.text('a,"\n\r ', max_size=80).map(str.encode))
def test_any_bytes_after_a_header_are_rows_or_rejects(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = write(tmp_path_factory.mktemp("any") / "posts.csv", b"text\n" + data + b"\nlast\n")
    posts, rejects, _ = read(path)
    assert rejects or posts[-1].text.endswith("last") or texts(posts)[-1].endswith("last\n")


def test_ids_and_cursors_outlive_a_move_of_the_project(tmp_path: Path) -> None:
    found = []
    for place in ("here", "there"):
        folder = tmp_path / place / "posts"
        folder.mkdir(parents=True)
        write(folder / "a.jsonl", b'{"text":"a"}\n')
        write(folder / "b.csv", b"text\nb\n")
        pl.DataFrame({"text": ["c"]}).write_parquet(folder / "c.parquet")
        source = Files(FilesSettings(path="posts/*"), folder.parent)
        arrivals = list(source.read(None))
        found.append(([post.id for arrival in arrivals for post in to_rows(arrival.posts)], arrivals[-1].cursor))
    assert found[0][0] == found[1][0]
    assert list(Files(FilesSettings(path="posts/*"), tmp_path / "there").read(found[0][1])) == []


VALUES = st.sampled_from(
    ["", "a", "é", "\u2028", 'say "x"', "a,b", "a\nb", "\r", "\x00", "7", "create", "delete",
     "2020-04-05T10:46:44Z", "2020-04-05", "0000-01-01",
     "2020-04-05T10:46:44.123456789+02:00", "Sun Apr 05 10:46:44 +0000 2020", "1586083604000", "9999-12-31T23:59:59-14:00"]
)  # fmt: skip
ANYTHING = (
    VALUES
    | st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.lists(VALUES, max_size=2)
    | st.just({"b": "x"})
)
MAPPED = Columns(
    id=("id", "a.b"), text=("text", "other"), kind="kind", revision="n", created_at=("at", "at2"), author="a", links="links",
    tags="tags[].b", reply_to="a.b", gold="gold",
)  # fmt: skip
NAMES = ["id", "text", "other", "kind", "n", "at", "at2", "a", "a.b", "links", "tags", "gold", "v"]


def both_ways(path: Path, columns: Columns) -> tuple[Any, Any]:
    """What comes of a file read by blocks, and line by line."""
    by_block = read(path, columns=columns, source="x")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("goldstream.sources.formats.json_reader", lambda _: lambda _: None)
        patch.setattr("goldstream.sources.formats.csv_reader", lambda _: lambda _: None)
        patch.setattr("goldstream.sources.formats.table_block", lambda _: None)
        return by_block, read(path, columns=columns, source="x")


@given(
    rows=st.lists(
        st.dictionaries(st.sampled_from(NAMES), ANYTHING, max_size=6).map(lambda row: {"text": "t", **row}), max_size=5
    )
)
def test_json_read_by_blocks_is_what_it_is_line_by_line(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]
) -> None:
    lines = [json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows]
    by_block, by_line = both_ways(write(tmp_path_factory.mktemp("j") / "a.jsonl", b"".join(lines)), MAPPED)
    assert by_block == by_line


@given(
    rows=st.lists(st.lists(VALUES, min_size=13, max_size=13), max_size=5),
    end=st.sampled_from(["", "\n", '"', 'a"b', "\n\n", "1,2"]),
)
def test_csv_read_by_blocks_is_what_it_is_row_by_row(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], end: str
) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([NAMES, *rows])
    path = write(tmp_path_factory.mktemp("c") / "a.csv", (text.getvalue() + end).encode())
    by_block, by_line = both_ways(path, MAPPED)
    assert by_block == by_line


COLUMN_TYPES = [
    pl.String, pl.Int64, pl.Float64, pl.Boolean, pl.Datetime("us"), pl.Datetime("ns", "UTC"), pl.Date, pl.Time, pl.Duration("ns"),
    pl.List(pl.String), pl.Binary,
]  # fmt: skip


@hypothesis.settings(max_examples=30)
@given(kinds=st.dictionaries(st.sampled_from(NAMES), st.sampled_from(COLUMN_TYPES), max_size=6), data=st.data())
def test_a_table_read_by_blocks_is_what_it_is_row_by_row(
    tmp_path_factory: pytest.TempPathFactory, kinds: dict[str, Any], data: st.DataObject
) -> None:
    names = dict.fromkeys(NAMES, pl.String) | {name: kind for name, kind in kinds.items() if name != "text"}
    columns = {}
    for name, kind in names.items():
        values = pl.Series(name, data.draw(st.lists(st.integers(0, 3) | st.none(), min_size=3, max_size=3)), pl.Int64)
        listed = pl.Series(name, [None if value is None else ["x"] * value for value in values], pl.List(pl.String))
        if kind == pl.Binary:
            values = values.cast(pl.String)
        columns[name] = listed if kind == pl.List(pl.String) else values.cast(kind)
    path = tmp_path_factory.mktemp("p") / "a.parquet"
    pl.DataFrame(columns).write_parquet(path)
    by_block, by_row = both_ways(path, MAPPED)
    assert by_block == by_row


def test_standard_input_is_read_as_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    inside, outside = os.pipe()
    with open(inside, "rb") as stream, open(outside, "wb", buffering=0) as pipe:
        monkeypatch.setattr(sys, "stdin", type("Input", (), {"buffer": stream}))
        pipe.write(b'{"text":"a"}\n')
        arrivals = Files(FilesSettings(path="-")).read(None)
        assert next(arrivals).posts["text"].to_pylist() == ["a"]
        pipe.write(b'{"text":"b"}\n')
        assert next(arrivals).posts["text"].to_pylist() == ["b"]


@pytest.mark.shared
def test_raw_tweets_are_read_by_their_paths(shared: Path) -> None:
    columns = Columns(
        id="id_str", text=("extended_tweet.full_text", "text"), created_at="created_at", author="user.screen_name",
        lang="lang", links=("extended_tweet.entities.urls[].expanded_url", "entities.urls[].expanded_url"),
        repost_of="retweeted_status.id_str",
    )  # fmt: skip
    posts, rejects, _ = read(shared / "ai_tweets" / "tweets_1000.jsonl.gz", columns=columns, source="x")
    assert (len(posts), rejects, sum(post.repost_of is not None for post in posts)) == (1_000, [], 654)
    assert posts[0].created_at == datetime(2020, 4, 5, 10, 46, 44, tzinfo=UTC)
    assert posts[0].text.endswith("https://t.co/eFWUVHw8WB") and posts[0].links[0].startswith("https://optionshowcase.com/")


@pytest.mark.shared
def test_disaster_tweets_are_read_with_their_labels(shared: Path) -> None:
    posts, rejects, _ = read(
        shared / "disaster_tweets" / "train.parquet",
        columns=Columns(id="id", gold="target"), gold_labels={"1": "disaster", "0": "other"}, source="tweets",
    )  # fmt: skip
    assert (len(posts), rejects) == (6_123, [])
    assert sum(post.extra["gold"] == "disaster" for post in posts) == 2_634
