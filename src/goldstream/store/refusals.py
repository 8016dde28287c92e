"""Versions that somebody who follows an alias would not take over: who, and why."""

from datetime import datetime
from typing import Any, NamedTuple

import psycopg

Connection = psycopg.Connection[Any]


class Refusal(NamedTuple):
    """One version that one process would not take over."""

    at: datetime
    alias: str
    stays: int | None  #: the version that goes on
    version: int  #: the one that was refused
    who: str
    why: str


def add(conn: Connection, alias: str, version: int, *, stays: int | None, who: str, why: str) -> None:
    """Remember a refusal."""
    query = "INSERT INTO alias_refusals (alias, stays, version, who, why) VALUES (%s, %s, %s, %s, %s)"
    conn.execute(query, (alias, stays, version, who, why.replace("\0", "")))


def since_the_last_move(conn: Connection) -> list[Refusal]:
    """Return what concerns the version that an alias names now, newest first."""
    return _found(
        conn,
        "WHERE at > (SELECT max(m.at) FROM alias_moves m WHERE m.alias = alias_refusals.alias)",
    )


def history(conn: Connection) -> list[Refusal]:
    """Return all refusals, newest first."""
    return _found(conn, "")


def _found(conn: Connection, where: str) -> list[Refusal]:
    query = f"SELECT at, alias, stays, version, who, why FROM alias_refusals {where} ORDER BY id DESC"
    return [Refusal(*row) for row in conn.execute(query.encode())]
