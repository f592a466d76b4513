"""Tables without a window: the last record of each key is what all readings so far give, also after kills."""
import collections
import json
import pathlib
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from program import ProgramTest, uci_lines  # noqa: E402

FLOWS = """
SET 'commit.interval' = '20ms';
CREATE STREAM metrics WITH (topic = 'metrics');
CREATE TABLE counts WITH (topic = 'counts', partitions = 2) AS
  SELECT metricAttribute, COUNT(*) AS readings, MIN(value) AS least, MAX(timestamp) AS latest FROM metrics GROUP BY metricAttribute;
CREATE TABLE latest_activity WITH (topic = 'latest-activity') AS
  SELECT gateway, MAX(timestamp) AS latest FROM metrics GROUP BY gateway EMIT CHANGES;
CREATE TABLE minutes WITH (topic = 'minutes') AS
  SELECT metricAttribute, WINDOWSTART AS windowStart, COUNT(*) AS readings
  FROM metrics WINDOW TUMBLING (SIZE 1 MINUTE, GRACE PERIOD 0 SECONDS) GROUP BY metricAttribute EMIT FINAL;
"""


class RunningTables(ProgramTest):
    def console(self, topic):
        return [json.loads(line) for line in self.succeed("console", topic, "--json").stdout.splitlines()]

    def table(self, topic):
        return {record["key"]: record["value"] for record in self.console(topic)}

    def check(self):
        attributes, gateways = collections.defaultdict(list), collections.defaultdict(list)
        for record in self.console("metrics"):
            attributes[record["value"]["metricAttribute"]].append(record["value"])
            gateways[record["value"]["gateway"]].append(record["value"]["timestamp"])
        self.assertTrue(attributes)
        self.assertEqual(self.table("counts"),
                         {name: {"metricAttribute": name, "readings": len(rows), "least": min(row["value"] for row in rows),
                                 "latest": max(row["timestamp"] for row in rows)} for name, rows in attributes.items()})
        self.assertEqual(self.table("latest-activity"),
                         {name: {"gateway": name, "latest": max(times)} for name, times in gateways.items()})

    def test_go_on_after_restarts_and_never_close(self):
        self.write("flows.sql", FLOWS)
        for lines in (100, 300, 301):
            self.write("uci.txt", uci_lines(lines))
            self.succeed("replay", "--type", "electricity", "--data", "uci.txt", "--households", "1-3")
            self.succeed("run", "flows.sql", "--until-idle")
            self.check()

    def test_count_each_reading_once_whenever_they_are_killed(self):
        self.write("flows.sql", FLOWS)
        self.write("uci.txt", uci_lines(5000))
        self.succeed("replay", "--type", "electricity", "--data", "uci.txt", "--households", "1-20")
        for number in range(10):
            process = self.start_program("run", "flows.sql")
            time.sleep(0.05 + number * 0.03)
            process.kill()
            process.wait()
        self.succeed("run", "flows.sql", "--until-idle")
        self.check()

    def test_keep_their_state_when_other_views_come_and_go(self):
        declaration = "CREATE STREAM metrics WITH (topic = 'metrics');"
        counts = "CREATE TABLE {0} WITH (topic = '{0}') AS SELECT metricAttribute, COUNT(*) AS n FROM metrics GROUP BY metricAttribute;"
        changes = ("CREATE STREAM {0} WITH (topic = '{0}') AS SELECT gateway, timestamp, LAG(timestamp) AS was FROM metrics "
                   "WHERE metricAttribute = 'VOLTAGE';")
        steps = (("one", "lag1"), ("one", "two", "lag1", "lag2"), ("one", "lag2"), ("one", "two", "lag1"))
        for number, names in enumerate(steps):
            self.write("uci.txt", uci_lines(50 + 20 * number))
            self.succeed("replay", "--type", "electricity", "--data", "uci.txt", "--households", "1-3")
            self.write("flows.sql", declaration + "".join((changes if name.startswith("lag") else counts).format(name) for name in names))
            self.succeed("run", "flows.sql", "--until-idle")
        expected = collections.Counter(record["value"]["metricAttribute"] for record in self.console("metrics"))
        for name in ("one", "two"):
            self.assertEqual({key: row["n"] for key, row in self.table(name).items()}, expected)
        for name in ("lag1", "lag2"):
            before = {}
            for record in self.console(name):
                self.assertEqual(record["value"]["was"], before.get(record["key"]))
                before[record["key"]] = record["value"]["timestamp"]

    def test_are_refused_when_their_state_would_be_lost(self):
        self.write("uci.txt", uci_lines(20))
        self.succeed("replay", "--type", "electricity", "--data", "uci.txt")
        flows = "CREATE STREAM {0} WITH (topic = 'metrics'); CREATE TABLE c AS SELECT gateway, COUNT(*) AS n FROM {0} GROUP BY gateway;"
        self.write("flows.sql", flows.format("metrics"))
        self.succeed("run", "flows.sql", "--until-idle")
        self.write("flows.sql", flows.format("readings"))
        result = self.run_program("run", "flows.sql", "--until-idle")
        self.assert_exit(result, 3)
        self.assertIn("view c: its state was committed under another name", result.stderr)

    def test_explain_what_needs_a_window(self):
        for select, message in (("COUNT(*), WINDOWSTART AS w", "WINDOWSTART needs a window"),
                                ("COUNT(*)", "never final")):
            emit = "EMIT FINAL" if message == "never final" else ""
            self.write("flows.sql", f"CREATE STREAM metrics; CREATE TABLE t AS SELECT gateway, {select} FROM metrics GROUP BY gateway {emit};")
            result = self.run_program("run", "flows.sql", "--until-idle")
            self.assert_exit(result, 2)
            self.assertIn(message, result.stderr)


if __name__ == "__main__":
    unittest.main()
