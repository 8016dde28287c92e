"""Quix Streams with a scikit-learn pipeline and its own PostgreSQL sink.

At least once: its checkpoint writes the rows and then commits the offsets.
"""

import time
from typing import Any

from quixstreams import Application
from quixstreams.sinks.community.postgresql import PostgreSQLSink
from starting_line import TABLE, done, label, pipeline, ready, words

CHECKPOINT_S = 1.0  #: how often rows are written; its default of 5 s would make posts wait longer


def main() -> None:
    asked, model = words(), pipeline()
    parts = dict(part.split("=", 1) for part in asked.dsn.split())
    schema, table = TABLE.split(".")
    sink = PostgreSQLSink(
        host=parts["host"], port=int(parts["port"]), dbname=parts["dbname"], user=parts["user"], password="",
        schema_name=schema, table_name=table, schema_auto_update=False, include_metadata=False,
    )  # fmt: skip
    app = Application(
        broker_address=asked.servers, consumer_group=f"quix{time.time()}", auto_offset_reset="earliest",
        commit_interval=CHECKPOINT_S, loglevel="WARNING",
    )  # fmt: skip

    def score(post: dict[str, Any]) -> dict[str, Any]:
        probability = float(model.predict_proba([post["text"]])[0, 1])
        return {"post_id": post["id"], "label": label(probability), "probability": probability}

    app.dataframe(app.topic(asked.topic, value_deserializer="json")).apply(score).sink(sink)
    ready()
    app.run(count=asked.posts)
    done()


if __name__ == "__main__":
    main()
