"""The loop that most people write: `poll`, `json.loads`, scikit-learn for each message, `executemany` of a thousand rows.

Offsets are committed by themselves, now and then: after a crash, posts are lost or doubled.
"""

import json
import time

import psycopg
from confluent_kafka import Consumer, TopicPartition
from starting_line import PARTITIONS, TABLE, done, label, pipeline, ready, words

INSERT = f"INSERT INTO {TABLE} (post_id, label, probability) VALUES (%s, %s, %s)"
ROWS = 1_000


def main() -> None:
    asked, model, rows, seen = words(), pipeline(), [], 0
    reader = Consumer({"bootstrap.servers": asked.servers, "group.id": f"usual{time.time()}"})
    with psycopg.connect(asked.dsn) as conn:
        ready()
        reader.assign([TopicPartition(asked.topic, partition, 0) for partition in range(PARTITIONS)])
        while seen < asked.posts:
            message = reader.poll(1)
            if message is None or message.error() is not None:
                continue
            post = json.loads(message.value())
            score = float(model.predict_proba([post["text"]])[0, 1])
            rows.append((post["id"], label(score), score))
            seen += 1
            if len(rows) == ROWS or seen == asked.posts:
                conn.cursor().executemany(INSERT, rows)
                conn.commit()
                rows.clear()
        done()
    reader.close()


if __name__ == "__main__":
    main()
