"""The classic design: Spark Structured Streaming, a UDF that asks a model server over REST for each row, rows by JDBC.

At least once: a failed batch runs again.
"""

import socket
import subprocess
import sys
import time
from pathlib import Path

import requests
from model_client import ask
from pyspark.sql import DataFrame
from pyspark.sql.functions import col, udf, when
from pyspark.sql.types import FloatType
from spark_stream import run, session
from starting_line import words


def scored(posts: DataFrame, url: str) -> DataFrame:
    @udf(FloatType())
    def score(text: str) -> float:
        return ask(url, text)

    rows = posts.select(col("id").alias("post_id"), score.asNondeterministic()("text").alias("probability"))
    return rows.select("post_id", when(col("probability") >= 0.5, "ai").otherwise("other").alias("label"), "probability")


def main() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen([sys.executable, str(Path(__file__).with_name("model_server.py")), str(port)])
    url = f"http://127.0.0.1:{port}/predict"
    try:
        for _ in range(100):
            try:
                requests.post(url, json={"text": "awake?"}).raise_for_status()
                break
            except requests.ConnectionError:
                time.sleep(0.2)
        run(session(), words(), lambda posts: scored(posts, url))
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
