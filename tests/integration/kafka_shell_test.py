"""The SQL shell on real brokers: statements are in a topic, so a process with another data directory knows them, too; queries run as members
of consumer groups. Run by: with_kafka 1 python3 kafka_shell_test.py"""
import json
import os
import pathlib
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
from program import ProgramTest  # noqa: E402

BROKERS = os.environ["METERSTREAM_TEST_KAFKA"]
WITHIN_S = 60  # on a busy machine

FLOWS = """
CREATE STREAM readings (gateway VARCHAR KEY, "read at" TIMESTAMP, value DOUBLE) WITH (topic = '{name}-readings', value_format = 'JSON', partitions = 2);
CREATE TABLE totals WITH (topic = '{name}-totals', partitions = 2) AS SELECT gateway, COUNT(*) AS readings, SUM(value) AS total FROM readings GROUP BY gateway;
CREATE TABLE bounds (id VARCHAR PRIMARY KEY, high DOUBLE) WITH (topic = '{name}-bounds', partitions = 2);
INSERT INTO bounds VALUES ('7', 245), ('8', 250);
CREATE STREAM large (gateway VARCHAR KEY, "read at" TIMESTAMP, value DOUBLE) WITH (topic = '{name}-large', value_format = 'JSON', partitions = 2);
INSERT INTO large SELECT * FROM readings WHERE value > 1.75;
"""


class KafkaShell(ProgramTest):
    def setUp(self):
        super().setUp()
        self.name = f"shell-{os.getpid()}-{self.id().rsplit('.', 1)[1][-12:]}"

    def options(self):
        return ["--kafka", BROKERS, "--schema-id", "1", "--service-id", self.name]

    def sql(self, text):
        result = self.run_program("sql", *self.options(), "--json", input=text)
        self.assert_exit(result, 0)
        return [json.loads(line) for line in result.stdout.splitlines()]

    def test_statements_and_queries_live_on_the_cluster(self):
        self.sql(FLOWS.format(name=self.name))
        self.assertEqual(sorted(row["id"] for row in self.sql("SELECT id FROM bounds WHERE high > 240;")), ["7", "8"])
        self.data_dir = "another"
        insert = "INSERT INTO readings (gateway, \"read at\", value) VALUES ('7', '2007-01-01T10:00:00Z', 1.5), ('7', '2007-01-01T11:00:00Z', 2);"
        self.sql(insert)
        shell = self.start_program_with_input("sql", *self.options())
        began = time.monotonic()
        while time.monotonic() - began < WITHIN_S:
            rows = self.run_on("third", "SELECT readings, total FROM totals WHERE gateway = '7';")
            if rows == [{"readings": 2, "total": 3.5}]:
                break
            time.sleep(0.5)
        self.assertEqual(rows, [{"readings": 2, "total": 3.5}])
        while (rows := self.run_on("third", "SELECT value FROM large;")) == [] and time.monotonic() - began < WITHIN_S:
            time.sleep(0.5)
        self.assertEqual(rows, [{"value": 2}])
        shell.terminate()
        shell.wait(timeout=60)
        self.data_dir = "another"
        insertion = next(row["query"] for row in self.sql("LIST QUERIES;") if row["query"].startswith("INSERTQUERY"))
        self.sql(f"TERMINATE {insertion}; DROP STREAM large DELETE TOPIC; DROP TABLE totals; DROP STREAM readings; DROP TABLE bounds;")
        self.data_dir = "fourth"
        self.assertEqual(self.sql("LIST QUERIES;"), [])
        topics = [row["topic"] for row in self.sql("LIST TOPICS;")]
        self.assertIn(f"{self.name}-readings", topics)
        self.assertNotIn(f"{self.name}-large", topics)

    def run_on(self, data_dir, text):
        self.data_dir = data_dir
        return self.sql(text)

    def start_program_with_input(self, *arguments):
        """A shell that a push query keeps, and with it the queries of the service."""
        process = subprocess.Popen(self.command(*arguments), cwd=self.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        process.stdin.write("SELECT * FROM totals EMIT CHANGES;")
        process.stdin.close()
        self.addCleanup(self.end_process, process)
        return process


if __name__ == "__main__":
    unittest.main()
