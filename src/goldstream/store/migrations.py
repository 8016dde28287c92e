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
    if not missing(conn, schema):  # nearly always; takes no lock
        return []
    with conn.transaction():
        conn.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, %s))", (schema, _LOCK))
        if not _is(conn, "to_regnamespace(%s)", schema):  # it may stand there, made for a role that may make none
            conn.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
        lacking = missing(conn, schema)
        for file in lacking:
            conn.execute(file.read_bytes())
            conn.execute("INSERT INTO migrations (name) VALUES (%s)", (file.name,))
    return [file.name for file in lacking]


def missing(conn: psycopg.Connection[Any], schema: str) -> list[Traversable]:
    """Return the migrations that the schema lacks; raises `SchemaError` when it is not ours, or newer than we are."""
    applied = _applied(conn, schema)
    known = available()
    if unknown := applied - {file.name for file in known}:
        names = ", ".join(sorted(unknown))
        raise SchemaError(f"the schema {schema!r} was made by a newer goldstream ({names}); upgrade goldstream")
    return [file for file in known if file.name not in applied]


def _applied(conn: psycopg.Connection[Any], schema: str) -> set[str]:
    if _is(conn, "to_regclass(%s)", f"{schema}.migrations"):
        query = sql.SQL("SELECT name FROM {}").format(sql.Identifier(schema, "migrations"))
        return {name for (name,) in conn.execute(query)}
    row = conn.execute("SELECT count(*) FROM pg_tables WHERE schemaname = %s", (schema,)).fetchone()
    if row and row[0]:
        raise SchemaError(f"the schema {schema!r} holds tables of something else; set store.schema to another name")
    return set()


def _is(conn: psycopg.Connection[Any], expression: str, name: str) -> bool:
    row = conn.execute(f"SELECT {expression} IS NOT NULL".encode(), (name,)).fetchone()
    return bool(row and row[0])
