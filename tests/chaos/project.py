"""A running project under fire: `goldstream up` on a file that grows, a broker behind a proxy, and what can go wrong."""

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg
from confluent_kafka.admin import AdminClient, NewPartitions

from goldstream import settings
from goldstream.errors import GoldstreamError
from goldstream.models.folder import save_model
from goldstream.registry.postgres import PostgresRegistry
from goldstream.run.kafka_broker import Broker
from goldstream.store import Store

from . import history

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
path = "posts.jsonl"
follow = true
"""
SESSION_S = 3  #: a worker that is silent for so long loses its partitions
MOST_PARTITIONS = 8


class Proxy:
    """Stands between clients and the broker, and can cut them off."""

    def __init__(self, target: int) -> None:
        self.target, self.cut = target, False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_off(self, seconds: float) -> None:
        self.cut = True
        for pair in self._pairs:
            for end in pair:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        self._pairs.clear()
        time.sleep(seconds)
        self.cut = False

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                if self.cut:
                    raise ConnectionError
                broker = socket.create_connection(("127.0.0.1", self.target), 5)
            except OSError:
                client.close()
                continue
            self._pairs.append((client, broker))
            for one, other in ((client, broker), (broker, client)):
                threading.Thread(target=_carry, args=(one, other), daemon=True).start()


def _carry(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while data := one.recv(1 << 16):
            other.sendall(data)
    for end in (one, other):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()


class Running:
    """The project, its processes, and the faults."""

    def __init__(self, folder: Path, broker: Broker | None, proxy: Proxy | None, seed: int) -> None:
        self.folder, self.broker, self.proxy, self.choose = folder, broker, proxy, random.Random(seed)
        self.config = folder / "goldstream.toml"
        self.partitions = 2
        kafka = ""
        if broker is not None:
            kafka = (
                f'\n[log]\ntype = "kafka"\npartitions = {self.partitions}\n[log.kafka]\n"bootstrap.servers" = "{broker.servers}"\n'
                f'"session.timeout.ms" = {SESSION_S * 1000}\n"heartbeat.interval.ms" = 300\n"topic.metadata.refresh.interval.ms" = 1000\n'
            )
        self.config.write_text(SETTINGS + kafka)
        (folder / "posts.jsonl").touch()
        self._register()
        self._seconds: list[subprocess.Popen[bytes]] = []
        self.up = self._start("up")

    def open(self) -> Store:
        return Store.open(settings.load(self.config).store, self.folder)

    def faults(self) -> list[Callable[[], None]]:
        """What can go wrong."""
        found = [self.kill_a_part, self.kill_the_supervisor, self.kill_postgres, self.pause_the_worker, self.cut_connections,
                 self.move_the_champion, self.second_worker, self.rewind]  # fmt: skip
        return found + ([self.kill_the_broker, self.cut_the_broker_off, self.add_a_partition] if self.broker else [])

    def kill_a_part(self) -> None:
        self._signal(signal.SIGKILL, *self._parts())

    def kill_the_supervisor(self) -> None:
        self.up.kill()
        self.up.wait()
        time.sleep(1)
        self.up = self._start("up")

    def kill_postgres(self) -> None:
        pid = self.folder / ".goldstream" / "postgres" / "postmaster.pid"
        with suppress(OSError, ValueError, IndexError):
            os.kill(int(pid.read_text().split()[0]), signal.SIGKILL)

    def pause_the_worker(self) -> None:
        """Longer than the session, wherever it is, also inside of its transaction."""
        for part in self._parts("classify"):
            with suppress(psutil.Error):
                part.suspend()
                time.sleep(self.choose.uniform(1, SESSION_S * 2))
                part.resume()

    def cut_connections(self) -> None:
        self._sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name LIKE 'goldstream%' AND pid <> pg_backend_pid()"
        )

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
        """Send the reader back: the rows that it will write again go in the same transaction."""
        back = self.choose.randrange(1, 2_000)
        self._sql(
            f"UPDATE positions SET position = greatest(0, position - {back}), epoch = epoch + 1 WHERE reader = 'classify'",
            "DELETE FROM predictions p USING positions w WHERE w.reader = 'classify' AND p.reader = 'classify' "
            "AND p.partition = w.partition AND p.position >= w.position",
        )

    def kill_the_broker(self) -> None:
        assert self.broker is not None
        self.broker.kill()
        time.sleep(self.choose.uniform(0, 5))
        self.broker.start()

    def cut_the_broker_off(self) -> None:
        assert self.proxy is not None
        self.proxy.cut_off(self.choose.uniform(1, 8))

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

    def _parts(self, name: str = "") -> list[psutil.Process]:
        try:
            children = psutil.Process(self.up.pid).children()
            found = [each for each in children if f"goldstream.run.part {name}".strip() in " ".join(each.cmdline())]
        except psutil.Error:
            return []
        return self.choose.sample(found, min(1, len(found)))

    def _signal(self, number: int, *processes: psutil.Process) -> None:
        for each in processes:
            with suppress(psutil.Error):
                each.send_signal(number)

    def _sql(self, *statements: str) -> None:
        with (
            suppress(psycopg.Error, GoldstreamError),
            self.open() as store,
            store.connect(name="chaos") as conn,
            conn.transaction(),
        ):
            for statement in statements:
                conn.execute(statement.encode())


def alive(folder: Path) -> list[Any]:
    """Every process that names the project's folder."""
    found = []
    for each in psutil.process_iter():
        with suppress(psutil.Error):
            if str(folder) in " ".join(each.cmdline()) and each.pid != os.getpid():
                found.append(each)
    return found
