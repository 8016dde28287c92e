"""A running project under fire: `goldstream up` on a file that grows, and what can go wrong."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import psutil
import psycopg
from confluent_kafka.admin import AdminClient, NewPartitions

from goldstream import plugins, settings
from goldstream.errors import GoldstreamError
from goldstream.log.base import Log
from goldstream.models.folder import save_model
from goldstream.registry.postgres import PostgresRegistry
from goldstream.run.kafka_broker import Broker
from goldstream.store import Store, positions

from . import history
from .database import END_ALL, Own
from .disk import SmallDisk
from .proxy import Proxy

SETTINGS = """
[project]
name = "chaos"
labels = ["other", "ai"]
keep = "ai"

[stream]
keep-floor = 0.5

[web]
port = 0

[[sources]]
type = "files"
name = "chaos"
source = "chaos"
path = "{posts}"
follow = true
"""
SESSION_S = 3  #: a worker that is silent for so long loses its partitions
MOST_PARTITIONS = 8
_WAITS_INSIDE = """
    SELECT 1 FROM pg_stat_activity WHERE application_name = 'goldstream classify' AND state_change < %s
    AND (state = 'idle in transaction' OR state = 'active' AND wait_event = 'ClientRead')
"""


class Running:
    """The project, its processes, and the faults. `longest_s` bounds an outage."""

    def __init__(
        self, folder: Path, seed: int, longest_s: float, *, database: Own, disk: SmallDisk,
        broker: Broker | None = None, proxy: Proxy | None = None, broker_disk: SmallDisk | None = None,
    ) -> None:  # fmt: skip
        self.folder, self.longest_s, self.choose = folder, longest_s, random.Random(seed)
        self.database, self.disk, self.broker, self.proxy, self.broker_disk = database, disk, broker, proxy, broker_disk
        self.config, self.posts = disk.folder / "goldstream.toml", folder / "posts.jsonl"
        self.partitions = 2
        self.posts.touch()
        self.config.write_text(SETTINGS.format(posts=self.posts) + self._parts_elsewhere())
        self._register()
        self._seconds: list[subprocess.Popen[bytes]] = []
        self.up = self._start("up")

    def open(self) -> Store:
        return Store.open(settings.load(self.config).store, self.config.parent)

    def has_begun(self) -> bool:
        """Whether a first batch is classified."""
        with self.open() as store, store.connect(name="chaos") as conn:
            return conn.execute("SELECT 1 FROM positions WHERE reader = 'classify' AND position > 0").fetchone() is not None

    def log(self, store: Store) -> Log:
        section = settings.load(self.config)
        return plugins.find("logs", section.log.type).open(store, section)

    def processes(self) -> list[psutil.Process]:
        """What still runs of the project: not the broker, nor a database that others run."""
        theirs = {each.pid for each in alive(self.disk.folder / "database")} | ({self.broker.pid} if self.broker else set())
        return [each for each in alive(self.folder) if each.pid not in theirs]

    def faults(self) -> list[Callable[[], None]]:
        """What can go wrong."""
        found = [self.kill_a_worker, self.kill_a_part, self.kill_the_supervisor, self.kill_postgres, self.pause_a_worker,
                 self.pause_inside_a_transaction, self.cut_the_database_off, self.cut_connections, self.move_the_champion,
                 self.second_worker, self.rewind]  # fmt: skip
        if self.disk.why_not is None:
            found.append(self.fill_the_disk)
        if self.broker is not None:
            found += [self.kill_the_broker, self.cut_the_broker_off, self.add_a_partition]
        if self.broker_disk is not None and self.broker_disk.why_not is None:
            found.append(self.fill_the_brokers_disk)
        return found

    def kill_a_worker(self) -> None:
        self._signal(signal.SIGKILL, self._worker())

    def kill_a_part(self) -> None:
        parts = self._parts()
        self._signal(signal.SIGKILL, self.choose.choice(parts) if parts else None)

    def kill_the_supervisor(self) -> None:
        self.up.kill()
        self.up.wait()
        time.sleep(1)
        self.up = self._start("up")

    def kill_postgres(self) -> None:
        self.database.kill()

    def pause_a_worker(self) -> None:
        """Longer than its session, wherever it is."""
        if (worker := self._worker()) is not None:
            with suppress(psutil.Error):
                worker.suspend()
                time.sleep(self.choose.uniform(SESSION_S, 2 * SESSION_S))
                worker.resume()

    def pause_inside_a_transaction(self) -> None:
        """Longer than its session, and than PostgreSQL lets a transaction idle or not, when it is seen inside of one."""
        worker = self._worker()
        with suppress(psutil.Error, psycopg.Error, GoldstreamError), self.open() as store, store.connect(name="chaos") as conn:
            for _ in range(400):
                if worker is None:
                    return
                worker.suspend()
                try:
                    since = conn.execute("SELECT clock_timestamp()").fetchone()
                    time.sleep(0.02)
                    if conn.execute(_WAITS_INSIDE, since).fetchone() is not None:
                        print("  inside", flush=True)
                        time.sleep(self.choose.uniform(SESSION_S, min(15, 5 * self.longest_s)))
                        return
                finally:
                    worker.resume()
                time.sleep(self.choose.uniform(0, 0.02))

    def cut_the_database_off(self) -> None:
        self.choose.choice([self.database.cut_off, self.database.fall_silent])(self._outage())

    def cut_connections(self) -> None:
        with suppress(psycopg.Error, GoldstreamError), self.open() as store, store.connect(name="chaos") as conn:
            conn.execute(END_ALL)

    def fill_the_disk(self) -> None:
        self.disk.fill_up(self._outage())
        self.database.mend()

    def move_the_champion(self) -> None:
        with suppress(psycopg.Error, GoldstreamError), self.open() as store:
            registry = PostgresRegistry(store)
            registry.move("champion", 3 - (registry.alias("champion") or 1), who="chaos", why="seeded")

    def second_worker(self) -> None:
        """It comes, and the one before goes: asked to, or killed."""
        for each in self._seconds:
            each.send_signal(self.choose.choice([signal.SIGTERM, signal.SIGKILL]))
            each.wait()
        self._seconds = [self._start("classify", "--follow")]

    def rewind(self) -> None:
        """Send the reader back; the rows that it will write again go."""
        with (
            suppress(psycopg.Error, GoldstreamError), self.open() as store, closing(self.log(store)) as log,
            store.connect(name="chaos") as conn,
        ):  # fmt: skip
            positions.send_back(conn, "classify", log.identity, self.choose.randrange(1, 2_000))

    def kill_the_broker(self) -> None:
        assert self.broker is not None
        self.broker.kill()
        time.sleep(self.choose.uniform(0, min(5, self.longest_s)))
        self.broker.start()

    def cut_the_broker_off(self) -> None:
        assert self.proxy is not None
        self.choose.choice([self.proxy.cut_off, self.proxy.fall_silent])(self._outage())

    def fill_the_brokers_disk(self) -> None:
        """A broker dies of it, and is started again once there is room."""
        assert self.broker is not None and self.broker_disk is not None
        self.broker_disk.fill_up(self._outage())
        if self.broker.ended():
            print("  the broker died of it", flush=True)
            self.broker.stop()
            self.broker.start()

    def add_a_partition(self) -> None:
        assert self.broker is not None
        if self.partitions < MOST_PARTITIONS:
            self.partitions += 1
            admin = AdminClient({"bootstrap.servers": self.broker.servers})
            with suppress(Exception):
                admin.create_partitions([NewPartitions("chaos.posts", self.partitions)])["chaos.posts"].result(20)

    def stop(self) -> None:
        """Stop everything, politely."""
        for each in [*self._seconds, self.up]:
            each.terminate()
        for each in [*self._seconds, self.up]:
            each.wait(60)

    def said(self) -> str:
        return (self.folder / "said.log").read_text(errors="replace")[-4_000:]

    def _register(self) -> None:
        with self.open() as store:
            registry = PostgresRegistry(store)
            for seed in (1, 2):
                model, place = history.model(seed), self.folder / f"model{seed}"
                save_model(model, place, kind="ngram-bag", name=f"m{seed}", threshold=0.5, positive="ai", made_from={})
                registry.register(place, name=f"m{seed}", labels=history.LABELS, threshold=0.5, evidence={})
            registry.move("champion", 1, who="chaos", why="first")

    def _start(self, *words: str) -> subprocess.Popen[bytes]:
        with (self.folder / "said.log").open("ab") as said:
            return subprocess.Popen(
                [sys.executable, "-m", "goldstream", *words, "--config", str(self.config)], stdout=said, stderr=said
            )

    def _parts_elsewhere(self) -> str:
        """What the settings say of a database and a broker that are not the project's."""
        said = f'\n[store]\ndsn = "{self.database.dsn}"\n' if self.database.dsn else ""
        if self.broker is not None:
            said += (
                f'\n[log]\ntype = "kafka"\npartitions = {self.partitions}\n[log.kafka]\n'
                f'"bootstrap.servers" = "{self.broker.servers}"\n"session.timeout.ms" = {SESSION_S * 1000}\n'
                '"heartbeat.interval.ms" = 300\n"topic.metadata.refresh.interval.ms" = 1000\n'
            )
        return said

    def _outage(self) -> float:
        """Seconds: mostly a few, at times the longest."""
        return float(self.longest_s ** self.choose.uniform(0, 1))

    def _parts(self, name: str = "") -> list[psutil.Process]:
        with suppress(psutil.Error):
            children = psutil.Process(self.up.pid).children()
            return [each for each in children if f"goldstream.run.part {name}".strip() in " ".join(each.cmdline())]
        return []

    def _worker(self) -> psutil.Process | None:
        """One of those that classify."""
        found = self._parts("classify")
        with suppress(psutil.Error):
            found += [psutil.Process(each.pid) for each in self._seconds if each.poll() is None]
        return self.choose.choice(found) if found else None

    def _signal(self, number: int, process: psutil.Process | None) -> None:
        with suppress(psutil.Error):
            if process is not None:
                process.send_signal(number)


def alive(folder: Path) -> list[psutil.Process]:
    """Every process that names the project's folder, or works in it, as those of PostgreSQL do."""
    found = []
    for each in psutil.process_iter():
        with suppress(psutil.Error):
            if each.pid != os.getpid() and (str(folder) in " ".join(each.cmdline()) or each.cwd().startswith(str(folder))):
                found.append(each)
    return found
