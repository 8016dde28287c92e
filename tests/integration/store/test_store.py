"""The store as others see it: connections, schema, migrations, a PostgreSQL of one's own."""

import subprocess
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import psycopg
import pytest

from goldstream import settings
from goldstream.errors import SchemaError, SettingsError, StoreError
from goldstream.store import Store, migrations
from goldstream.store.server import EmbeddedServer, binaries

from .conftest import until


def test_a_connection_knows_its_place_its_name_and_its_limits(store: Store) -> None:
    with store.connect(name="test", lock_timeout=1234) as conn:
        assert conn.autocommit
        shown = {name: conn.execute(f"SHOW {name}".encode()).fetchone() for name in (
            "search_path", "application_name", "lock_timeout", "idle_in_transaction_session_timeout", "timezone",
        )}  # fmt: skip
    assert shown == {
        "search_path": (store.schema,),
        "application_name": ("goldstream test",),
        "lock_timeout": ("1234ms",),
        "idle_in_transaction_session_timeout": ("10s",),
        "timezone": ("UTC",),
    }


def test_a_worker_that_stalls_in_the_middle_does_not_block_its_successor(store: Store) -> None:
    with store.connect(name="first", idle_in_transaction_session_timeout=50) as first, store.connect(name="next") as next_:
        first.execute("INSERT INTO logs (log) VALUES ('posts')")
        first.execute("BEGIN")
        first.execute("UPDATE logs SET next_position = 1")
        next_.execute("UPDATE logs SET next_position = 2")
        with pytest.raises((psycopg.errors.IdleInTransactionSessionTimeout, psycopg.OperationalError)):
            first.execute("COMMIT")


def dump(store: Store) -> str:
    command = [binaries() / "pg_dump", "--schema-only", "--schema", store.schema, "--dbname", store.dsn]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return "\n".join(line for line in said.replace(store.schema, "SCHEMA").splitlines() if "restrict " not in line)


def test_a_fresh_schema_equals_a_migrated_one(store: Store) -> None:
    migrated = dump(store)
    schema = (files("goldstream.store") / "schema.sql").read_bytes()
    with store.connect(name="test") as conn, conn.transaction():
        conn.execute(f"DROP SCHEMA {store.schema} CASCADE; CREATE SCHEMA {store.schema}".encode())
        conn.execute(schema)
    assert dump(store) == migrated


def test_migrating_again_changes_nothing(store: Store) -> None:
    with store.connect(name="test") as conn:
        assert migrations.migrate(conn, store.schema) == []


def test_a_schema_of_a_newer_goldstream_is_refused(store: Store, store_settings: settings.Store, server_folder: Path) -> None:
    with store.connect(name="test") as conn:
        conn.execute("INSERT INTO migrations VALUES ('999_from_the_future.sql')")
    with pytest.raises(SchemaError, match=r"newer goldstream \(999_from_the_future\.sql\); upgrade"):
        Store.open(store_settings, server_folder)


def test_a_schema_of_something_else_is_left_alone(store: Store, store_settings: settings.Store, server_folder: Path) -> None:
    with store.connect(name="test") as conn:
        conn.execute(f"DROP SCHEMA {store.schema} CASCADE; CREATE SCHEMA {store.schema}; CREATE TABLE theirs (n int)".encode())
    with pytest.raises(SchemaError, match=r"tables of something else; set store\.schema"):
        Store.open(store_settings, server_folder)


def test_an_empty_schema_that_somebody_made_for_us_is_used(store: Store) -> None:
    with store.connect(name="test") as conn:
        conn.execute(f"DROP SCHEMA {store.schema} CASCADE; CREATE SCHEMA {store.schema}".encode())
        assert migrations.migrate(conn, store.schema)


def test_reset_drops_everything_and_begins_anew(store: Store) -> None:
    with store.connect(name="test") as conn:
        conn.execute("INSERT INTO logs (log) VALUES ('posts')")
    store.reset()
    with store.connect(name="test") as conn:
        assert conn.execute("SELECT count(*) FROM logs").fetchone() == (0,)


def test_closing_twice_is_fine(store_settings: settings.Store, server_folder: Path) -> None:
    opened = Store.reach(store_settings, server_folder)
    opened.close()
    opened.close()


@pytest.fixture(scope="module", params=[16, 18])
def external(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, str]]:
    """A PostgreSQL that somebody else runs, of the versions that the wheel holds."""
    wanted = binaries() if request.param == 18 else binaries().parents[1] / "pginstall" / "bin"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GOLDSTREAM_PG_BIN", str(wanted))
        server = EmbeddedServer(tmp_path_factory.mktemp("external"))
        server.ensure()
    yield request.param, server.dsn
    server.close()


def test_any_postgresql_will_do(external: tuple[int, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version, dsn = external
    monkeypatch.setenv("DATABASE_URL", dsn)
    section = settings.Store(dsn=settings.Secret(env="DATABASE_URL"), schema="elsewhere")
    with Store.open(section, tmp_path) as store, store.connect(name="test") as conn:
        assert conn.info.server_version // 10_000 == version
        conn.execute("INSERT INTO logs (log) VALUES ('posts')")
        with pytest.raises(psycopg.OperationalError):
            conn.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        with store.connect(name="again") as again:
            assert again.execute("SELECT count(*) FROM logs").fetchone() == (1,)
        store.reset()
    assert list(tmp_path.iterdir()) == []


def test_a_variable_that_is_not_set_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with pytest.raises(SettingsError, match="DATABASE_URL is not set"):
        Store.open(settings.Store(dsn=settings.Secret(env="DATABASE_URL")), tmp_path)


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://me:s3cret@127.0.0.1:1/db",
        "host=127.0.0.1 port=1 password=s3cret",
        "postgres//me:s3cret@host",
        "password='s3cret",
    ],
)
def test_no_error_repeats_a_password(dsn: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError) as refused:
        Store.open(settings.Store(dsn=dsn), tmp_path)
    cause = refused.value.__cause__
    assert "s3cret" not in str(refused.value) and cause is None


def test_a_store_does_not_show_its_password() -> None:
    assert "s3cret" not in repr(Store.reach(settings.Store(dsn="password=s3cret"), Path()))


def test_a_connection_limit_reached_is_an_error_and_not_a_restart(store: Store) -> None:
    with store.connect(name="test") as conn:
        conn.execute("DROP ROLE IF EXISTS narrow")
        conn.execute("CREATE ROLE narrow LOGIN CONNECTION LIMIT 0")
        dsn = psycopg.conninfo.make_conninfo(store.dsn, user="narrow")
        with pytest.raises(StoreError, match="can't be reached at"):
            Store.open(settings.Store(dsn=dsn), Path())
        conn.execute("DROP ROLE narrow")


def test_an_ended_connection_frees_its_place(store: Store) -> None:
    with store.connect(name="test") as conn:
        before = conn.execute("SELECT count(*) FROM pg_stat_activity").fetchone()
        store.connect(name="short").close()
        until(lambda: conn.execute("SELECT count(*) FROM pg_stat_activity").fetchone() == before, "its place is free")
