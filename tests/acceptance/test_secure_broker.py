"""A broker that asks for TLS and a password, with librdkafka's keys as they are; and one that is gone for good."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from goldstream.run import kafka_broker

from .test_hostile import answer, command, make_champion

PROJECT = """
[project]
name = "secure"
labels = ["ai", "other"]
keep = "ai"

[log]
type = "kafka"
give-up-s = 10

[log.kafka]
"bootstrap.servers" = "{servers}"
"security.protocol" = "SASL_SSL"
"sasl.mechanism" = "PLAIN"
"sasl.username" = "goldstream"
"sasl.password" = {{ env = "KAFKA_PASSWORD" }}
"ssl.ca.location" = "{folder}/broker.pem"

[[sources]]
type = "files"
name = "posts"
path = "posts.jsonl"
follow = true
columns = {{ id = "id" }}
"""
SECURE = """
sasl.enabled.mechanisms=PLAIN
sasl.mechanism.inter.broker.protocol=PLAIN
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
username="admin" password="admin" user_admin="admin" user_goldstream="s3cret";
ssl.keystore.location={folder}/broker.p12
ssl.keystore.password=changeit
ssl.truststore.location={folder}/broker.p12
ssl.truststore.password=changeit
"""


class SecureBroker(kafka_broker.Broker):
    """A broker that takes nobody in without TLS and a password."""

    def properties(self, data: Path) -> str:
        plain = (
            super().properties(data).replace("PLAINTEXT://", "SASL_SSL://").replace("PLAINTEXT:PLAINTEXT", "SASL_SSL:SASL_SSL")
        )
        return plain.replace("listener.name=PLAINTEXT", "listener.name=SASL_SSL") + SECURE.format(folder=self.folder)


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[SecureBroker]:
    if why := kafka_broker.missing():
        pytest.skip(why)
    store = ["-keystore", str(tmp_path / "broker.p12"), "-storepass", "changeit", "-storetype", "PKCS12", "-alias", "broker"]
    make = ["-genkeypair", "-keyalg", "RSA", "-dname", "CN=127.0.0.1", "-ext", "SAN=ip:127.0.0.1", "-validity", "2"]
    subprocess.run(["keytool", *make, *store], check=True, capture_output=True)
    subprocess.run(
        ["keytool", "-exportcert", "-rfc", "-file", str(tmp_path / "broker.pem"), *store], check=True, capture_output=True
    )
    with SecureBroker(tmp_path) as started:
        yield started


def test_keys_reach_the_client_as_they_are_and_a_broker_gone_for_good_ends_the_process(
    secure: SecureBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    config = tmp_path / "goldstream.toml"
    config.write_text(PROJECT.format(servers=secure.servers, folder=tmp_path))
    (tmp_path / "posts.jsonl").write_text('{"id": "1", "text": "ai model"}\n')
    make_champion(config)
    monkeypatch.setenv("KAFKA_PASSWORD", "wrong")
    refused = command("classify", "--config", config, code=1)
    assert f"Kafka can't be reached at {secure.servers}" in refused.stderr
    monkeypatch.setenv("KAFKA_PASSWORD", "s3cret")
    environment = {**os.environ, "GOLDSTREAM_PARENT": str(os.getpid())}
    words = [sys.executable, "-m", "goldstream.run.part", "ingest", str(config)]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=environment) as ingest, ExitStack() as end:
        end.callback(ingest.terminate)  # also when something fails here
        while not (found := answer("classify", "--config", config))["posts"]:
            assert ingest.poll() is None
            time.sleep(0.2)
        assert found["posts"] == 1
        secure.kill()
        with (tmp_path / "posts.jsonl").open("a") as more:
            more.write('{"id": "2", "text": "ai model"}\n')
        said = ingest.communicate(timeout=60)[1]
    assert ingest.returncode == 1
    assert said.splitlines()[-1] == f"Kafka can't be reached at {secure.servers}: it took no posts for log.give-up-s, 10 s"
