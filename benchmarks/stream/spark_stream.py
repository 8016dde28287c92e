"""What both rivals on Spark share: a session, posts as a stream from Kafka, and rows that go to PostgreSQL by JDBC."""

import os
import tempfile
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql.functions import col, count, from_json, lit
from starting_line import TABLE, done, ready

AT_ONCE = 50_000  #: most posts of a micro-batch


def session() -> SparkSession:
    """Return Spark on this machine's two cores; `RIVAL_JARS` names the connector and the driver."""
    found = (
        SparkSession.builder.master("local[2]")
        .config("spark.jars", os.environ["RIVAL_JARS"])
        .config("spark.driver.memory", "1g")
        .config("spark.driver.extraJavaOptions", "-Xss8m")  # Python workers overflow the stack at the end without it
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .getOrCreate()
    )
    found.sparkContext.setLogLevel("ERROR")
    return found


def run(spark: SparkSession, asked: Any, scored: Callable[[DataFrame], DataFrame]) -> None:
    """Write the rows that `scored` makes of the topic's posts (id, text) until all are written."""
    posts = (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", asked.servers)
        .option("subscribe", asked.topic)
        .option("startingOffsets", "earliest")
        .option("maxOffsetsPerTrigger", AT_ONCE)
        .load()
        .select(from_json(col("value").cast("string"), "id string, text string").alias("post"))
        .select("post.*")
    )
    url = _url(asked.dsn)

    written, all_written = 0, threading.Event()

    def write(rows: DataFrame, number: int) -> None:
        nonlocal written
        counter = Observation()
        observed = rows.observe(counter, count(lit(1)).alias("rows"))
        observed.write.jdbc(url, TABLE, mode="append", properties={"driver": "org.postgresql.Driver"})
        written += counter.get["rows"]
        if written == asked.posts:
            all_written.set()

    scored(spark.createDataFrame([("a", "warm"), ("b", "up")], "id string, text string").repartition(2)).collect()
    with tempfile.TemporaryDirectory() as checkpoint:
        ready()
        query = scored(posts).writeStream.foreachBatch(write).option("checkpointLocation", checkpoint).start()
        while not all_written.wait(1):
            if (error := query.exception()) is not None:
                raise error
        done()
        query.stop()
    spark.stop()


def _url(dsn: str) -> str:
    """PostgreSQL's socket as a JDBC address that inserts many rows at once."""
    parts = dict(part.split("=", 1) for part in dsn.split())
    socket = f"{parts['host']}/.s.PGSQL.{parts['port']}"
    return (
        f"jdbc:postgresql://localhost/{parts['dbname']}?user={parts['user']}&sslmode=disable&reWriteBatchedInserts=true"
        "&socketFactory=org.newsclub.net.unix.AFUNIXSocketFactory$FactoryArg&socketFactoryArg=" + quote(socket, safe="")
    )
