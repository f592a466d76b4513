"""The command line with a real Cassandra node. Run by with_cassandra 1."""
import os
import pathlib
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
from program import ProgramTest  # noqa: E402


class CassandraCommands(ProgramTest):
    def cql(self, text):
        subprocess.run([os.environ["METERSTREAM_TEST_CASSANDRA_SCRIPT"], "--directory", os.environ["METERSTREAM_TEST_CASSANDRA_DIRECTORY"],
                        "cql", "-"], input=text, text=True, check=True, capture_output=True, timeout=100)

    def test_keyspace_that_asks_for_more_nodes_than_there_are_is_named_by_schema_and_by_the_sink_that_waits(self):
        self.write("meterstream.toml", f"""[cassandra]
hosts = "{os.environ["METERSTREAM_TEST_CASSANDRA"]}"
keyspace = "wide"
replication_factor = 3
""")
        self.assertEqual(self.succeed("schema", "cassandra", "--window", "60").stderr, "", "there is no keyspace yet")
        told = "keyspace wide keeps each row on 3 nodes (SimpleStrategy), and the cluster has 1 (1 up)"
        made = self.succeed("schema", "cassandra", "--window", "60,3600", "--apply")
        self.assertIn("table wide.metrics_aggregates_3600, bucket months", made.stdout)
        for result in (made, self.succeed("schema", "cassandra", "--window", "60")):
            lines = result.stderr.splitlines()
            self.assertEqual(len(lines), 1, lines)
            self.assertIn(f"warning: Cassandra at {os.environ['METERSTREAM_TEST_CASSANDRA']}: {told}", lines[0])

        self.succeed("replay", "--data", "simulate", "--households", "1", "--duration", "1h")
        self.succeed("aggregate", "--window", "60", "--until-idle")
        said = self.folder / "said"
        with open(said, "w", encoding="utf-8") as file:
            sink = subprocess.Popen(self.command("sink", "cassandra", "--window", "60", "--until-idle"), cwd=self.folder,
                                    stdout=subprocess.DEVNULL, stderr=file)
        self.addCleanup(sink.wait)
        self.addCleanup(sink.kill)
        deadline = time.monotonic() + 30
        while "waits" not in said.read_text() and time.monotonic() < deadline:
            time.sleep(0.02)
        waits = said.read_text()
        self.assertIn("sink cassandra_60 waits: ", waits)
        self.assertIn("too few nodes for consistency LOCAL_QUORUM: " + told, waits)
        self.assertNotIn("does not answer", waits)
        statement = waits[waits.index("ALTER KEYSPACE"):].splitlines()[0]
        self.cql(statement + ";")
        self.assertEqual(sink.wait(timeout=60), 0, said.read_text())
        self.assertIn("sink cassandra_60 goes on", said.read_text())
        self.assertEqual(self.succeed("schema", "cassandra", "--window", "60").stderr, "")


if __name__ == "__main__":
    unittest.main()
