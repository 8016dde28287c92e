"""goldstream: one worker. Predictions, kept posts, links and positions, each post exactly once."""

import sys
import threading
from pathlib import Path

import pyarrow as pa
from starting_line import PARTITIONS, done, ready, words

sys.path.insert(0, str(Path(__file__).parents[1]))
from stream_local import OneInTwenty

from goldstream import settings
from goldstream.log.kafka import KafkaLog
from goldstream.store import Store
from goldstream.stream.local import classify


def main() -> None:
    asked = words()
    project = settings.Project(name="bench", labels=("other", "ai"), keep="ai")
    kafka = settings.Log(type="kafka", topic=asked.topic, partitions=PARTITIONS, kafka={"bootstrap.servers": asked.servers})
    scorer = OneInTwenty()
    scorer.predict(pa.array(["compile first"]))
    with Store.open(settings.Store(dsn=asked.dsn), Path()) as store:
        log = KafkaLog(store, settings.Settings(project=project, log=kafka))
        stop, stream = threading.Event(), settings.Stream()
        ready()
        if asked.live:  # until the judge closes our standard input
            threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
        classify(log, scorer, store, stream, project, stop=stop, until_end=not asked.live, say=sys.stderr.write)
        done()
        log.close()


if __name__ == "__main__":
    main()
