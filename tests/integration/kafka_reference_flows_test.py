"""The reference flows on real brokers: the same rows as their queries give in DuckDB.
Run by: with_kafka 1 .venv/bin/python kafka_reference_flows_test.py"""
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "oracle"))
import duckdb_reference_flows_test  # noqa: E402

BROKERS = os.environ["METERSTREAM_TEST_KAFKA"]


class KafkaReferenceFlows(duckdb_reference_flows_test.ReferenceFlows):
    def on_log(self, *arguments):
        return self.succeed(*arguments, "--kafka", BROKERS, "--schema-id", 1)

    def test_the_real_household(self):
        self.skipTest("the topics are those of the other test")


if __name__ == "__main__":
    unittest.main(defaultTest="KafkaReferenceFlows", verbosity=2)
