"""Joins of two streams on real brokers: as on the program's own log, with kills. Run by: with_kafka 1 python3 kafka_stream_join_test.py"""
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
import stream_join_test  # noqa: E402

BROKERS = os.environ["METERSTREAM_TEST_KAFKA"]


class KafkaStreamJoin(stream_join_test.StreamJoin):
    def setUp(self):
        super().setUp()
        self.suffix = f"-{self.id().rsplit('.', 1)[1][:20]}-{os.getpid()}"

    def topic(self, name):
        return name + self.suffix

    def on_cluster(self, *arguments):
        more = ["--application-id", "app" + self.suffix] if arguments[0] == "run" else []
        return [*arguments, *more, "--kafka", BROKERS, "--schema-id", 1]

    def on_log(self, *arguments):
        return self.succeed(*self.on_cluster(*arguments))

    def start_run(self):
        return self.start_program(*self.on_cluster("run", "flows.sql"))


del stream_join_test.StreamJoin
if __name__ == "__main__":
    unittest.main(verbosity=2)
