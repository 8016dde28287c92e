"""What an expert would write in Python: batched consume, msgspec, a batch at once through the model, COPY.

Offsets are committed to Kafka after the rows: at least once.
"""

import time

import msgspec
import psycopg
from confluent_kafka import Consumer, TopicPartition
from starting_line import PARTITIONS, TABLE, done, label, pipeline, ready, words

COPY = f"COPY {TABLE} (post_id, label, probability) FROM STDIN"


class Wire(msgspec.Struct):
    """What the loop needs of a message."""

    id: str
    text: str


def main() -> None:
    asked, model, decode, seen = words(), pipeline(), msgspec.json.Decoder(Wire).decode, 0
    reader = Consumer({"bootstrap.servers": asked.servers, "group.id": f"expert{time.time()}", "enable.auto.commit": False})
    wait_s = 0.02 if asked.live else 0.2  # full batches, or quick ones
    with psycopg.connect(asked.dsn) as conn:
        ready()
        reader.assign([TopicPartition(asked.topic, partition, 0) for partition in range(PARTITIONS)])
        while seen < asked.posts:
            found = [decode(message.value()) for message in reader.consume(10_000, wait_s) if message.error() is None]
            if not found:
                continue
            scores = model.predict_proba([each.text for each in found])[:, 1]
            with conn.cursor() as cursor, cursor.copy(COPY) as copy:
                for post, score in zip(found, scores.tolist(), strict=True):
                    copy.write_row((post.id, label(score), score))
            conn.commit()
            reader.commit(asynchronous=True)
            seen += len(found)
        done()
    reader.close()


if __name__ == "__main__":
    main()
