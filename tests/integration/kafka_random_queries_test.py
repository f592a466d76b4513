"""Random queries on a real broker: the same rows as their queries give in DuckDB.
Run by: with_kafka 1 .venv/bin/python kafka_random_queries_test.py"""
import os
import pathlib
import sys
import unittest

os.environ.setdefault("METERSTREAM_QUERIES", "30")  # all in one run: topics of a broker are there once
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "oracle"))
import duckdb_random_queries_test  # noqa: E402

BROKERS = os.environ["METERSTREAM_TEST_KAFKA"]


class KafkaRandomQueries(duckdb_random_queries_test.RandomQueries):
    ALWAYS_STOPS = True

    def on_log(self, *arguments):
        return self.succeed(*arguments, "--kafka", BROKERS)


if __name__ == "__main__":
    unittest.main(defaultTest="KafkaRandomQueries", verbosity=2)
