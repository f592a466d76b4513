"""Computed streams on real brokers: the same rows as on the program's own log, each once and with an id of its own.
Run by: with_kafka 1 python3 kafka_stream_test.py"""
import json
import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
import stream_test  # noqa: E402

BROKERS = os.environ["METERSTREAM_TEST_KAFKA"]


class KafkaStreams(stream_test.Streams):
    def setUp(self):
        super().setUp()
        self.topic = f"metrics-{self.id().rsplit('.', 1)[1]}-{os.getpid()}"[:80]

    def on_log(self, *arguments):
        more = ["--application-id", self.topic] if arguments[0] == "run" else []
        return self.succeed(*arguments, *more, "--kafka", BROKERS, "--schema-id", 1)

    def check(self):
        expected = super().check()
        text = subprocess.run(["kcat", "-b", BROKERS, "-t", self.topic + "_", "-C", "-e", "-q", "-X", "isolation.level=read_committed",
                               "-f", "%h\n"], capture_output=True, text=True, timeout=60, check=True).stdout
        ids = text.split()
        self.assertEqual(len(ids), sum(map(len, expected.values())))
        self.assertEqual(len(set(ids)), len(ids))
        return expected

    def test_accounts_and_a_changed_definition(self):
        self.skipTest("the same code on both logs")


del stream_test.Streams
if __name__ == "__main__":
    unittest.main(verbosity=2)
