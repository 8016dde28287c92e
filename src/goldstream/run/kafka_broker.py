"""A real Apache Kafka broker for trying things out and for tests: one process, KRaft mode, in a folder of its own.

The jars come from Maven Central by `mvn` and the pom beside this file, once; they stay in Maven's own cache. Memory is
kept small (a heap of 512 MB at most). For production, run Kafka as its own documentation says.
"""

import ctypes
import fcntl
import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from goldstream.errors import LogError

START_S, STOP_S = 120.0, 20.0  #: how long a start and a stop may take
OLDEST_JAVA = 17
_POM = Path(__file__).with_name("kafka_pom.xml")
_STARTED = b"Kafka Server started"
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{advertised},CONTROLLER://127.0.0.1:{controller}
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={data}
num.partitions=4
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.retention.check.interval.ms=1000
"""


def missing() -> str | None:
    """Return why a broker can't run here, or None: Java 17 or later and Maven are needed."""
    if shutil.which("java") is None or shutil.which("mvn") is None:
        return "a Kafka broker needs Java 17 or later and Maven (`java` and `mvn` on the PATH)"
    said = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', said)
    if found is None or int(found[1]) < OLDEST_JAVA:
        return f"a Kafka broker needs Java {OLDEST_JAVA} or later; `java -version` says: {said.splitlines()[0] if said else ''}"
    return None


class Broker:
    """One broker on loopback. Use as a context manager, or `start` and `stop` it; its data stays in `folder`.

    `advertised` is the port that clients are told to use, when something stands between them and the broker.
    """

    def __init__(self, folder: Path, port: int = 0, *, advertised: int | None = None) -> None:
        self.folder = folder
        self.port = port or free_port()
        self._advertised, self._controller = advertised or self.port, free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def servers(self) -> str:
        """What a client takes as `bootstrap.servers`."""
        return f"127.0.0.1:{self._advertised}"

    @property
    def pid(self) -> int:
        """The broker's process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start the broker and return when it answers; raises `LogError` with what went wrong."""
        if (why := missing()) is not None:
            raise LogError(why)
        if taken(self.port):
            raise LogError(
                f"port {self.port} of 127.0.0.1 is taken, perhaps by another broker; choose another one (0: a free one)"
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        properties, log = self.folder / "server.properties", self.folder / "broker.log"
        data = self.folder.resolve() / "data"
        with _locked(self.folder) as lock, log.open("ab") as out:
            properties.write_text(self.properties(data))
            if not data.exists():
                format_ = ["format", "--standalone", "-t", _cluster_id(data), "-c", str(properties)]
                self._run(["kafka.tools.StorageTool", *format_])
            self._process = subprocess.Popen(
                [*_java(self.folder), "kafka.Kafka", str(properties)],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, preexec_fn=_die_with_parent, pass_fds=[lock.fileno()],
            )  # fmt: skip
            self._wait_until_started(log, out.tell())

    def properties(self, data: Path) -> str:
        """Return the broker's settings; its data goes to the folder `data`."""
        return _PROPERTIES.format(port=self.port, controller=self._controller, advertised=self._advertised, data=data)

    def stop(self) -> None:
        """Ask the broker to end, and wait until it has; a second call does nothing."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._process = None

    def ended(self) -> bool:
        """Return whether the broker has ended by itself."""
        return self._process is not None and self._process.poll() is not None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def _run(self, words: list[str]) -> None:
        done = subprocess.run([*_java(self.folder), *words], capture_output=True, text=True, check=False)
        if done.returncode:
            raise LogError(f"Kafka's storage can't be made in {self.folder}: {(done.stderr or done.stdout).strip()[-500:]}")

    def _wait_until_started(self, log: Path, seen: int) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            with log.open("rb") as lines:
                lines.seek(seen)
                if _STARTED in lines.read():
                    return
            if self._process.poll() is not None:
                raise LogError(f"the Kafka broker ended at its start: {_reason(log, seen)} (more in {log})")
            time.sleep(0.05)
        raise LogError(f"the Kafka broker did not answer within {START_S:.0f} s; see {log}")


def free_port() -> int:
    """Return a port of loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def taken(port: int) -> bool:
    """Return whether somebody listens on this port of loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections of a broker before do not count
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
        return False


def _locked(folder: Path) -> IO[str]:
    """The folder's lock, which the broker inherits: two of them would spoil each other's data before Kafka notices."""
    lock = (folder / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise LogError(f"another broker uses {folder}; stop that one first, or choose another folder") from None
    return lock


def _reason(log: Path, seen: int) -> str:
    """The first line of what the broker said since `seen` bytes that names an error."""
    with log.open(errors="replace") as lines:
        lines.seek(seen)
        said = lines.read().splitlines()
    found = (line.strip() for line in said if "Exception" in line or "ERROR" in line or "rror:" in line)
    return next(found, said[-1] if said else "it said nothing")[:300]


def _java(folder: Path) -> list[str]:
    """The command up to the main class: a small heap, little said, and what it unpacks goes to `folder`."""
    quiet = [
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
        "-Dorg.slf4j.simpleLogger.showDateTime=true", "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
    ]  # fmt: skip
    machine = ["-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:-UsePerfData", f"-Djava.io.tmpdir={folder}"]
    return ["java", *machine, *quiet, "-cp", _class_path()]


def _class_path() -> str:
    """All jars, fetched into Maven's cache when they are not there yet."""
    pom = _POM.read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "goldstream"
    known = cache / f"kafka-{hashlib.sha256(pom).hexdigest()[:12]}.classpath"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "kafka.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # whoever comes second finds what the first one has fetched
        if not known.is_file() or not all(Path(jar).is_file() for jar in known.read_text().split(os.pathsep)):
            _fetch(known)
    return known.read_text()


def _fetch(known: Path) -> None:
    part = known.with_suffix(".part")
    command = ["mvn", "-q", "-B", "-f", str(_POM), "dependency:build-classpath", f"-Dmdep.outputFile={part}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not part.is_file():
        raise LogError(f"Maven can't fetch Kafka's jars: {(done.stdout + done.stderr).strip()[-800:]}")
    part.replace(known)


def _cluster_id(data: Path) -> str:
    """A name for this folder's cluster: 22 characters, as Kafka's are."""
    return hashlib.sha256(os.urandom(16) + bytes(data)).hexdigest()[:22]


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGTERM)
    os.setpgid(0, 0)  # Ctrl-C in the terminal is for whoever started it
