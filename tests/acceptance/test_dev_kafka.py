"""`goldstream dev kafka` starts a real broker and leaves nothing behind."""

import re
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest
from confluent_kafka.admin import AdminClient

from goldstream.errors import LogError
from goldstream.run import kafka_broker


@pytest.mark.skipif(kafka_broker.missing() is not None, reason=str(kafka_broker.missing()))
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_broker_answers_until_it_is_stopped(tmp_path: Path, number: int):
    command = [sys.executable, "-m", "goldstream", "dev", "kafka", "--folder", str(tmp_path), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process, ExitStack() as end:
        end.callback(process.terminate)  # also when something fails here
        assert process.stderr is not None
        said = ""
        while '"bootstrap.servers"' not in said:
            line = process.stderr.readline()
            assert line, said
            said += line
        servers = re.search(r'"bootstrap.servers" = "(.*)"', said)
        assert servers is not None
        (broker,) = psutil.Process(process.pid).children()
        assert AdminClient({"bootstrap.servers": servers[1]}).list_topics(timeout=10).brokers
        with pytest.raises(LogError, match="another broker uses"):
            kafka_broker.Broker(tmp_path).start()
        process.send_signal(number)
        process.stderr.read()
    assert process.returncode in (0, -number)
    psutil.wait_procs([broker], timeout=30)
    assert not broker.is_running() or broker.status() == psutil.STATUS_ZOMBIE


@pytest.mark.skipif(kafka_broker.missing() is not None, reason=str(kafka_broker.missing()))
def test_a_port_that_is_taken_is_said_so(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        broker = kafka_broker.Broker(tmp_path, other.getsockname()[1])
        with pytest.raises(LogError, match=r"port \d+ of 127\.0\.0\.1 is taken"):
            broker.start()
