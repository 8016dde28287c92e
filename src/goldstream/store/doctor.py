"""What is wrong with a project, and what to do about it: one small function for each thing that can go wrong."""

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

import psycopg

from goldstream import settings
from goldstream.errors import GoldstreamError, SchemaError, SettingsError
from goldstream.store import Store, migrations, server

Connection = psycopg.Connection[Any]

SCARCE_DISK, NO_DISK = 5_000_000_000, 500_000_000  #: bytes
SCARCE_MEMORY = 1_000_000_000  #: bytes; everything together needs up to 800 MB


class Finding(NamedTuple):
    """What one check found."""

    name: str
    state: Literal["ok", "warn", "fail"]
    what: str
    advice: str = ""  #: what to do, unless all is well


def examine(config: Path) -> list[Finding]:
    """Return what every check found, in the order in which things depend on each other. Starts the embedded server."""
    try:
        read = settings.load(config)
    except SettingsError as error:
        return [Finding("settings", "fail", str(error), "correct the file; `goldstream config check` reads it again")]
    folder = config.absolute().parent
    return [
        Finding("settings", "ok", str(config)),
        labeling(read, folder),
        writable(folder / read.store.folder),
        disk(folder),
        memory(),
        kernel_cache(),
        port(read.web),
        *postgresql(read, folder),
    ]


def labeling(read: settings.Settings, folder: Path) -> Finding:
    """Whether the labelling functions' file is there."""
    file = folder / read.labeling.functions
    if file.is_file():
        return Finding("labelling", "ok", str(file))
    advice = "write labelling functions there, or `goldstream init --example ai-links` in a new folder to see some"
    return Finding("labelling", "warn", f"{file} is not there", advice)


def writable(folder: Path) -> Finding:
    """Whether files can be made where the project keeps its own."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o711)
        with tempfile.TemporaryFile(dir=folder):
            return Finding("folder", "ok", str(folder))
    except OSError as error:
        return Finding("folder", "fail", f"{folder} can't be written: {error.strerror}", "set store.folder to another")


def disk(folder: Path) -> Finding:
    """Whether there is room to store posts."""
    free = shutil.disk_usage(folder).free
    state: Literal["ok", "warn", "fail"] = "fail" if free < NO_DISK else "warn" if free < SCARCE_DISK else "ok"
    return Finding("disk", state, f"{free / 1e9:,.1f} GB free", "free some space, or lower log.retention-days")


def memory() -> Finding:
    """Whether there is room to run."""
    try:
        lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
        free = int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return Finding("memory", "ok", "can't be told on this system")
    state: Literal["ok", "warn"] = "warn" if free < SCARCE_MEMORY else "ok"
    return Finding("memory", state, f"{free / 1e9:,.1f} GB free", "close something else, or lower stream.batch-size")


def kernel_cache() -> Finding:
    """Whether compiled kernels can be kept, so that only the first start is slow."""
    given = os.environ.get("NUMBA_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME")
    folder = Path(given) if given else Path("~/.cache").expanduser()
    standing = next((place for place in (folder, *folder.parents) if place.exists()), folder)
    if os.access(standing, os.W_OK):
        return Finding("compiled kernels", "ok", f"kept below {folder}")
    advice = "set XDG_CACHE_HOME to a folder of yours; until then every start compiles anew"
    return Finding("compiled kernels", "warn", f"{folder} can't be written", advice)


def port(web: settings.Web) -> Finding:
    """Whether the pages' port is free, or ours already."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1" if web.host in {"localhost", ""} else web.host, web.port))
        except OSError as error:
            what = f"{web.host}:{web.port} can't be opened: {error.strerror}"
            return Finding("port", "warn", what, "fine if `goldstream up` runs; else set web.port to another")
    return Finding("port", "ok", f"{web.host}:{web.port} is free")


def postgresql(read: settings.Settings, folder: Path) -> Iterator[Finding]:
    """What there is to say about the database, as far as it can be reached."""
    try:
        if read.store.dsn is None:
            found = server.binaries()
            yield Finding("binaries", "ok", f"PostgreSQL {server.major(found)} in {found}")
        with Store.reach(read.store, folder) as store, store.connect(name="doctor") as conn:
            yield version(conn)
            yield encoding(conn)
            made = schema(conn, store.schema)
            yield made
            if made.state == "ok":
                yield positions(conn)
                yield dead_letters(conn)
                yield champion(conn)
    except GoldstreamError as error:
        yield Finding("postgresql", "fail", str(error), "see the message; what is stored is not lost by this")


def version(conn: Connection) -> Finding:
    """Whether the server is new enough."""
    number = conn.info.server_version
    state: Literal["ok", "fail"] = "fail" if number < migrations.OLDEST_SERVER else "ok"
    return Finding("postgresql", state, f"answers, version {number // 10_000}", "goldstream needs PostgreSQL 15 or later")


def encoding(conn: Connection) -> Finding:
    """Whether every post can be stored."""
    found = conn.info.parameter_status("server_encoding")
    state: Literal["ok", "fail"] = "ok" if found == "UTF8" else "fail"
    return Finding("encoding", state, str(found), "make the database with ENCODING 'UTF8'")


def schema(conn: Connection, name: str) -> Finding:
    """Whether our tables are there and current."""
    try:
        lacking = [file.name for file in migrations.missing(conn, name)]
    except SchemaError as error:
        return Finding("schema", "fail", str(error), "nothing was changed")
    if lacking:
        return Finding("schema", "warn", f"{name} lacks {', '.join(lacking)}", "the next command brings it up to date")
    return Finding("schema", "ok", f"{name} is current")


_LOST = """
    SELECT reader, position, next_position, position > next_position AS past, position < start_position AS before
    FROM positions JOIN logs ON logs.identity::text = positions.log
    WHERE position > next_position OR position < start_position ORDER BY reader LIMIT 5
"""


def positions(conn: Connection) -> Finding:
    """Whether every reader stands where its log has posts."""
    lost = conn.execute(_LOST).fetchall()
    if any(past for *_, past, _ in lost):
        what = "; ".join(f"{reader} is at {at:,} of {end:,}" for reader, at, end, past, _ in lost if past)
        return Finding("positions", "fail", f"past the log's end: {what}", "restore a newer backup, or `goldstream reset`")
    if lost:
        what = ", ".join(reader for reader, *_ in lost)
        return Finding("positions", "warn", f"before the log's start: {what}", "it goes on at the start; raise retention")
    return Finding("positions", "ok", "every reader stands within its log")


def dead_letters(conn: Connection) -> Finding:
    """Whether posts wait that could not be decoded or classified."""
    row = conn.execute("SELECT count(*) FROM dead_letters WHERE replayed_at IS NULL").fetchone()
    waiting = row[0] if row else 0
    advice = "`goldstream dead-letters list` says why; then `replay` or `drop` them"
    return Finding("dead letters", "warn" if waiting else "ok", f"{waiting:,} waiting", advice)


def champion(conn: Connection) -> Finding:
    """Whether there is a model to classify with."""
    query = "SELECT after FROM alias_moves WHERE alias = 'champion' ORDER BY id DESC LIMIT 1"
    row = conn.execute(query).fetchone()
    if row and row[0] is not None:
        return Finding("champion", "ok", f"version {row[0]}")
    return Finding("champion", "warn", "no model is champion yet", "`goldstream up` trains one once the dataset is full")
