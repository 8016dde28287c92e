"""Spark Structured Streaming with `mapInArrow` and scikit-learn, rows by JDBC. At least once: a failed batch runs again."""

from collections.abc import Iterator

import pyarrow as pa
from pyspark.sql import DataFrame
from spark_stream import run, session
from starting_line import label, pipeline, words


def score(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    model = pipeline()
    for batch in batches:
        probabilities = model.predict_proba(batch["text"].to_pylist())[:, 1]
        labels = [label(each) for each in probabilities]
        yield pa.RecordBatch.from_arrays(
            [batch["id"], pa.array(labels), pa.array(probabilities, pa.float32())], ["post_id", "label", "probability"]
        )


def scored(posts: DataFrame) -> DataFrame:
    return posts.mapInArrow(score, "post_id string, label string, probability float")


if __name__ == "__main__":
    run(session(), words(), scored)
