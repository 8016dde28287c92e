"""Answers leave the store as files, and come back the same."""

import pytest

from goldstream.annotation import answers, exchange
from goldstream.errors import DataError

LABELS = ("keep", "other")
NAMES = {
    "csv": "a.csv",
    "jsonl": "a.jsonl",
    "parquet": "a.parquet",
    "label-studio": "a.json",
    "prodigy": "p.jsonl",
    "doccano": "d.jsonl",
    "argilla": "r.json",
}


@pytest.fixture
def said(collected):
    for number in range(1, 6):
        answers.answer(collected, f"t:{number}", "Ann", "keep", note="sure" if number == 1 else None, seconds=1.5)
        answers.answer(collected, f"t:{number}", "Bob", "keep" if number < 4 else "other")
    answers.answer(collected, "t:6", "Ann", None, act="skip")
    answers.answer(collected, "t:7", "Ann", "keep")
    answers.undo(collected, "Ann")
    answers.answer(collected, "t:5", "Cid", "other", act="adjudicate")
    return collected


def count(conn) -> list[tuple]:
    query = """SELECT post_id, annotator, act, label FROM annotations a
               WHERE id = (SELECT max(b.id) FROM annotations b WHERE b.post_id = a.post_id AND b.annotator = a.annotator
                           AND (b.act = 'adjudicate') = (a.act = 'adjudicate')) AND act <> 'undo' ORDER BY 1, 2, 3"""
    return conn.execute(query).fetchall()


@pytest.mark.parametrize("kind", exchange.NAMES)
def test_a_round_trip_through_a_file_loses_nothing_that_it_can_carry(said, tmp_path, kind):
    before, gold = count(said), said.execute("SELECT post_id, label FROM gold ORDER BY 1").fetchall()
    file = tmp_path / NAMES[kind]
    written = exchange.export(said, file, kind, LABELS)
    assert written == 12
    said.execute("TRUNCATE annotations, conflicts")
    taken = exchange.import_(said, file, kind, LABELS)
    lost = {"prodigy": {"adjudicate"}, "argilla": {"adjudicate", "skip"}}.get(kind, set())
    assert count(said) == [row for row in before if row[2] not in lost]
    assert (taken.without_post, taken.added) == (0, len(count(said)))
    if not lost:
        assert said.execute("SELECT post_id, label FROM gold ORDER BY 1").fetchall() == gold
        assert said.execute("SELECT post_id FROM conflicts").fetchall() == [("t:4",)]
    again = exchange.import_(said, file, kind, LABELS)
    assert (again.added, again.known) == (0, taken.records)


def test_our_own_formats_keep_everything(said, tmp_path):
    query = """SELECT post_id, label, annotator, act, note, at, seconds, strategy, chance, revision
               FROM annotations WHERE annotator = 'Bob' ORDER BY 1"""
    before = said.execute(query).fetchall()
    for kind in ("csv", "jsonl", "parquet"):
        exchange.export(said, tmp_path / NAMES[kind], kind, LABELS)
        said.execute("TRUNCATE annotations, conflicts")
        exchange.import_(said, tmp_path / NAMES[kind], kind, LABELS)
        assert said.execute(query).fetchall() == before


def test_a_post_is_found_by_its_text_where_a_file_has_no_id(collected, tmp_path):
    file = tmp_path / "texts.csv"
    file.write_text("text,label\npost 3,keep\nnever seen,keep\n")
    assert exchange.import_(collected, file, "csv", LABELS, annotator="Eve") == exchange.Taken(2, 1, 0, 1)
    assert count(collected) == [("t:3", "Eve", "answer", "keep")]


def test_words_that_are_gone_are_not_written(said, tmp_path):
    said.execute("UPDATE raw_tweet_dataset_0 SET kind = 'delete', text = '' WHERE id = 't:1'")
    assert exchange.export(said, tmp_path / "a.jsonl", "jsonl", LABELS) == 10


@pytest.mark.parametrize(
    ("name", "kind", "content", "message"),
    [
        ("a.csv", "csv", "text,label\npost 1,unknown\n", "no label unknown"),
        ("a.jsonl", "jsonl", "{nonsense\n", "can't be read as jsonl"),
        ("a.jsonl", "jsonl", "[1]\n", "is no object"),
        ("a.jsonl", "jsonl", '{"id": "t:1", "label": "keep", "act": "undo"}\n', "no act undo"),
        ("a.json", "label-studio", '[{"data": {}}]', "has no text"),
        ("a.json", "excel", "", "no format 'excel'"),
    ],
)
def test_what_can_not_be_read_is_named_and_nothing_added(collected, tmp_path, name, kind, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=message):
        exchange.import_(collected, tmp_path / name, kind, LABELS)
    assert count(collected) == []


def test_the_commands_exchange_files(said, store, tmp_path):
    from click.testing import CliRunner

    from goldstream.cli import goldstream

    config = tmp_path / "goldstream.toml"
    config.write_text(f'[store]\ndsn = "{store.dsn}"\nschema = "{store.schema}"\n')
    run = CliRunner().invoke
    out = run(goldstream, ["annotations", "export", str(tmp_path / "a.json"), "-c", str(config), "--json"])
    assert '"answers": 12' in out.output, out.output
    back = run(goldstream, ["annotations", "import", str(tmp_path / "a.json"), "-c", str(config), "--json"])
    assert '"added": 0' in back.output, back.output
    assert run(goldstream, ["annotations", "export", str(tmp_path / "a.txt"), "-c", str(config)]).exit_code == 2
