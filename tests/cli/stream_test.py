"""Computed streams: every row that a program of ten lines computes from the readings, once, in the order of its key."""
import collections
import datetime
import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from program import ProgramTest, uci_lines  # noqa: E402

FLOWS = """
CREATE STREAM metrics WITH (topic = '{topic}', deduplicate = '1 day');
CREATE STREAM high WITH (topic = '{topic}_', partitions = 3) AS
  SELECT gateway, metricType, metricAttribute AS attribute, timestamp, value, value * 2 AS doubled, value > 235 AS isVeryHigh,
         NULLIF(ROUND(value), 233) AS rounded, FORMAT_TIMESTAMP(timestamp, 'EEE HH:mm', 'Europe/Paris') AS localTime
  FROM metrics WHERE metricAttribute LIKE 'VOLT%' AND value > 231;
CREATE TABLE counts WITH (topic = '{topic}-counts') AS
  SELECT gateway, metricType, attribute, COUNT(*) AS readings, COUNT(rounded) AS known, MAX(timestamp) AS latest
  FROM high WINDOW TUMBLING (SIZE 1 HOUR, GRACE PERIOD 0 SECONDS) GROUP BY gateway, metricType, attribute EMIT FINAL;
CREATE TABLE all_counts WITH (topic = '{topic}-all-counts') AS
  SELECT gateway, metricType, metricAttribute, COUNT(*) AS readings
  FROM metrics WINDOW TUMBLING (SIZE 1 DAY, GRACE PERIOD 0 SECONDS) GROUP BY gateway, metricType, metricAttribute EMIT FINAL;
"""


def expected_row(reading):
    time = datetime.datetime.fromisoformat(reading["timestamp"])
    local = time + datetime.timedelta(hours=1)  # Paris in December
    value = reading["value"]
    rounded = int(value // 1 + (1 if value % 1 >= 0.5 else 0))
    return {"gateway": reading["gateway"], "metricType": reading["metricType"], "attribute": reading["metricAttribute"],
            "timestamp": reading["timestamp"], "value": value, "doubled": value * 2, "isVeryHigh": value > 235,
            "rounded": None if rounded == 233 else rounded, "localTime": local.strftime("%a %H:%M")}


def expected_rows(readings):
    rows = collections.defaultdict(list)
    for record in readings:
        value = record["value"]
        if value["metricAttribute"].startswith("VOLT") and value["value"] > 231:
            rows[record["key"]].append(expected_row(value))
    return dict(rows)


def by_key(records):
    rows = collections.defaultdict(list)
    for record in records:
        rows[record["key"]].append(record["value"])
    return dict(rows)


class Streams(ProgramTest):
    topic = "metrics"

    def console(self, topic):
        return [json.loads(line) for line in self.on_log("console", topic, "--json").stdout.splitlines()]

    def on_log(self, *arguments):
        return self.succeed(*arguments)

    def replay(self, name, *arguments):
        return self.on_log("replay", "--type", "electricity", "--data", name, "--topic", self.topic, *arguments)

    def run_flows(self, *arguments):
        return self.on_log("run", "flows.sql", "--until-idle", *arguments)

    def check(self):
        readings = self.console(self.topic)
        expected = expected_rows(readings)
        self.assertTrue(expected)
        self.assertEqual(by_key(self.console(self.topic + "_")), expected)
        return expected

    def test_rows_are_there_once_also_after_restarts_beside_windows_that_stay_open(self):
        self.write("flows.sql", FLOWS.format(topic=self.topic))
        self.write("first.txt", uci_lines(200))
        self.write("all.txt", uci_lines(700))
        self.replay("first.txt", "--households", "1-3")
        self.run_flows("--keep-open")
        self.check()
        self.run_flows("--keep-open")
        self.check()
        # What was there before comes again, and is dropped as repeats.
        self.replay("all.txt", "--households", "1-3")
        before = sum(map(len, by_key(self.console(self.topic + "_")).values()))
        self.run_flows()
        rows = by_key(self.console(self.topic + "_"))
        expected = {key: list({row["timestamp"]: row for row in values}.values())
                    for key, values in expected_rows(self.console(self.topic)).items()}
        self.assertEqual(rows, expected)
        total = sum(map(len, rows.values()))
        self.assertGreater(total, before)
        counts = [record["value"] for record in self.console(self.topic + "-counts")]
        self.assertEqual(sum(row["readings"] for row in counts), total)
        self.assertEqual(sum(row["known"] for row in counts),
                         sum(row["rounded"] is not None for values in rows.values() for row in values))

    def test_accounts_and_a_changed_definition(self):
        self.write("flows.sql", FLOWS.format(topic=self.topic))
        self.write("uci.txt", uci_lines(60))
        self.replay("uci.txt")
        summary = json.loads(self.run_flows("--json").stdout)
        views = {view["view"] if "view" in view else view["name"]: view for view in summary["views"]}
        high = views["high"]
        self.assertEqual(high["read"], high["aggregated"] + high["filtered"] + high["late"] + high["duplicate"] + high["rejected"])
        self.assertEqual(high["aggregated"], len(self.console(self.topic + "_")))
        more = "CREATE STREAM more AS SELECT gateway, value FROM metrics;"
        self.write("flows.sql", FLOWS.format(topic=self.topic).replace("value * 2", "value * 3") + more)
        result = self.run_program("run", "flows.sql", "--until-idle")
        self.assert_exit(result, 3)
        self.assertIn("view high exists with another definition", result.stderr)
        self.assertIn("What did not change keeps its state: counts, all_counts", result.stderr)
        # Nothing was done: what is as before goes on, and what is new begins.
        self.write("flows.sql", FLOWS.format(topic=self.topic) + more)
        result = self.run_flows("--json")
        self.assertIn("views that did not change go on: high, counts, all_counts; new: more", result.stderr)
        views = {view["name"]: view for view in json.loads(result.stdout)["views"]}
        self.assertEqual(views["high"]["aggregated"], high["aggregated"])
        self.assertEqual(views["more"]["aggregated"], len(self.console(self.topic)))
        self.assertNotIn("go on", self.run_flows().stderr)


if __name__ == "__main__":
    unittest.main()
