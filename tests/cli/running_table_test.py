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
