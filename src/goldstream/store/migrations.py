"""Brings our schema from whatever version it is to the newest, one file of `migrations/` after the other.

>>> [file.name for file in available()][0]
'001_first.sql'
"""

from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import psycopg
from psycopg import sql

from goldstream.errors import SchemaError

OLDEST_SERVER = 150_000
_LOCK = 7_246_391  # any number, the same for everybody


def available() -> list[Traversable]:
    """Return the migrations, oldest first."""
    folder = files("goldstream.store") / "migrations"
    return sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)


def migrate(conn: psycopg.Connection[Any], schema: str) -> list[str]:
    """Apply what is missing, all or nothing, and return its names; raises `SchemaError` when that can't be done."""
    if conn.info.server_version < OLDEST_SERVER:
        raise SchemaError(f"PostgreSQL {conn.info.server_version // 10_000} is too old; goldstream needs 15 or later")
    with conn.transaction():
        conn.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        conn.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))
        applied = _applied(conn, schema)
        known = [file.name for file in available()]
        if unknown := applied - set(known):
            raise SchemaError(
                f"the schema {schema!r} was made by a newer goldstream ({', '.join(sorted(unknown))}); upgrade goldstream"
            )
        missing = [file for file in available() if file.name not in applied]
        for file in missing:
            conn.execute(file.read_bytes())
            conn.execute("INSERT INTO migrations (name) VALUES (%s)", (file.name,))
    return [file.name for file in missing]


def _applied(conn: psycopg.Connection[Any], schema: str) -> set[str]:
    row = conn.execute("SELECT to_regclass(%s) IS NOT NULL", (f"{schema}.migrations",)).fetchone()
    if not (row and row[0]):
        taken = conn.execute("SELECT count(*) FROM pg_tables WHERE schemaname = %s", (schema,)).fetchone()
        if taken and taken[0]:
            raise SchemaError(f"the schema {schema!r} holds tables of something else; set store.schema to another name")
        return set()
    return {name for (name,) in conn.execute("SELECT name FROM migrations")}
