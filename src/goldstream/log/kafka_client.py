"""How a client of Kafka is configured: librdkafka's own keys as they stand in the settings, and ours.

>>> from goldstream import settings
>>> keys(settings.Log(kafka={"bootstrap": {"servers": "a:1"}, "sasl.mechanism": "PLAIN"}))
{'bootstrap.servers': 'a:1', 'sasl.mechanism': 'PLAIN'}
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from goldstream import settings
from goldstream.errors import LogUnreachable, SettingsError

try:
    import confluent_kafka
    import confluent_kafka.admin
except ImportError:
    raise ImportError("Kafka needs one more package: pip install 'goldstream[kafka]'") from None

#: What exactly-once rests on. These are not for the settings.
OURS = {
    "auto.offset.reset", "enable.auto.commit", "enable.auto.offset.store", "enable.idempotence", "enable.partition.eof",
    "group.id", "isolation.level", "partition.assignment.strategy", "group.protocol",
}  # fmt: skip
_DEFAULTS: Mapping[str, Any] = {
    "client.id": "goldstream", "log_level": 0, "socket.keepalive.enable": True,
    "error_cb": lambda error: None,  # we hear of it where we ask; without this, it is printed
}  # fmt: skip
#: Few queued in memory, and no pause when a queue was full.
_READING: Mapping[str, Any] = {
    "queued.max.messages.kbytes": 16_384, "fetch.queue.backoff.ms": 10, "fetch.error.backoff.ms": 100,
    "reconnect.backoff.max.ms": 1_000, "fetch.message.max.bytes": 4 << 20,
}  # fmt: skip
LARGEST_MESSAGE = 8 << 20  #: bytes: the longest post that the pump lets through, with every character escaped
_WRITING: Mapping[str, Any] = {
    "compression.type": "lz4", "partitioner": "murmur2_random", "reconnect.backoff.max.ms": 1_000,
    "message.max.bytes": LARGEST_MESSAGE,
}  # fmt: skip


def keys(section: settings.Log) -> dict[str, Any]:
    """Return librdkafka's keys of `section`, with what stands in the environment looked up; raises `SettingsError`."""
    found = dict(_flat(section.kafka, ""))
    if taken := sorted(OURS & found.keys()):
        raise SettingsError(f"goldstream sets {', '.join(taken)} itself; take it out of [log.kafka]")
    if "bootstrap.servers" not in found:
        raise SettingsError('[log.kafka] needs "bootstrap.servers", e.g. "127.0.0.1:9092"')
    return found


def consumer(section: settings.Log, group: str, **more: Any) -> "confluent_kafka.Consumer":
    """Return a consumer that commits nothing by itself and says so when a partition's end, or a wrong offset, is met."""
    guarantees = {
        "enable.auto.commit": False, "enable.auto.offset.store": False, "auto.offset.reset": "error",
        "enable.partition.eof": True, "isolation.level": "read_committed", "group.id": group,
    }  # fmt: skip
    return _made(confluent_kafka.Consumer, {**_DEFAULTS, **_READING, **keys(section), **guarantees, **more})


def producer(section: settings.Log) -> "confluent_kafka.Producer":
    """Return an idempotent producer."""
    patience = {"delivery.timeout.ms": int(section.give_up_s * 1_000)}
    return _made(confluent_kafka.Producer, {**_DEFAULTS, **_WRITING, **patience, **keys(section), "enable.idempotence": True})


def admin(section: settings.Log) -> "confluent_kafka.admin.AdminClient":
    """Return a client for topics."""
    return _made(confluent_kafka.admin.AdminClient, {**_DEFAULTS, **keys(section)})


def _made(make: Any, config: dict[str, Any]) -> Any:
    try:
        return make(config)
    except confluent_kafka.KafkaException as error:
        raise SettingsError(f"[log.kafka] can't be used: {said(error)}") from None
    except (TypeError, ValueError) as error:
        raise SettingsError(f"[log.kafka] can't be used: {error}") from None


def said(error: Exception) -> str:
    """Return what Kafka's error says, in one line."""
    inner = error.args[0] if error.args else error
    return inner.str() if isinstance(inner, confluent_kafka.KafkaError) else str(inner)


def unreachable(section: settings.Log, error: Exception | str) -> LogUnreachable:
    """Return the error for a broker that does not answer."""
    servers = keys(section)["bootstrap.servers"]
    return LogUnreachable(f"Kafka can't be reached at {servers}: {error if isinstance(error, str) else said(error)}")


def _flat(tree: Mapping[str, Any], before: str) -> Iterator[tuple[str, Any]]:
    """Dotted keys, whether they were quoted in TOML or not."""
    for name, value in tree.items():
        if isinstance(value, Mapping) and set(value) != {"env"}:
            yield from _flat(value, f"{before}{name}.")
        elif isinstance(value, Mapping):
            yield before + name, msgspec.convert(value, settings.Secret).value()
        else:
            yield before + name, value
