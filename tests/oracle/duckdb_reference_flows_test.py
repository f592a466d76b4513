"""examples/reference-flows.sql on more readings than tests/golden/reference_flows.sql: what each flow wrote beside what its query gives in DuckDB over what it read."""
import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
import duckdb_text_test  # noqa: E402
from program import uci_lines  # noqa: E402

FLOWS = pathlib.Path(__file__).resolve().parents[2] / "examples" / "reference-flows.sql"
REAL = pathlib.Path(__file__).resolve().parents[3] / "shared" / "data"
READING = {"gateway": "VARCHAR", "metricType": "VARCHAR", "metricAttribute": "VARCHAR", "timestamp": "TIMESTAMP", "value": "DOUBLE"}
AGGREGATE = {"windowStart": "TIMESTAMP", "windowEnd": "TIMESTAMP", "sampleCount": "BIGINT", "min": "DOUBLE", "max": "DOUBLE",
             "average": "DOUBLE", "metricType": "VARCHAR", "metricAttribute": "VARCHAR", "gateway": "VARCHAR"}
# Relation, its topic, its columns; the key of a table's record is its first column.
STREAMS = (("metrics", "metrics", READING), ("aggregates_60", "metrics-aggregates-60", AGGREGATE),
           ("aggregates_3600", "metrics-aggregates-3600", AGGREGATE))
TABLES = (("alarm_thresholds", {"id": "VARCHAR", "lowerBound": "DOUBLE", "upperBound": "DOUBLE"}),
          ("transformers_of_gateways", {"gateway": "VARCHAR", "since": "TIMESTAMP", "transformer": "VARCHAR"}),
          ("districts_of_transformers", {"transformer": "VARCHAR", "district": "VARCHAR"}))
TOPICS = {"metrics_": "metrics_", "metrics_aggregates_60": "metrics-aggregates-60", "metrics_aggregates_3600": "metrics-aggregates-3600",
          "december": "december", "readings_by_attribute": "readings-by-attribute", "alarms": "alarms", "alarm_states": "alarm_states",
          "device_uplink_count": "device_uplink_count", "gateway_sessions": "gateway_sessions", "latest_activity": "latest_activity", "group_totals": "group_totals",
          "load_profile": "load_profile"}
REFINED = ("readings_by_attribute", "latest_activity", "load_profile")


class ReferenceFlows(duckdb_text_test.DuckDbText):
    def setUp(self):
        super(duckdb_text_test.DuckDbText, self).setUp()
        self.write("flows.sql", FLOWS.read_text())

    def test_gives_the_rows_of_the_stream_engine(self):
        # The fourth gateway is silent for some hours.
        lines = uci_lines(1800).splitlines(keepends=True)
        for number, first in enumerate((1, 701, 1101)):
            self.write(f"part{number}.txt", "".join([lines[0], *lines[first:(701, 1101, 1801)[number]]]))
        self.replay("part0.txt", "--households", "1-4")
        self.replay("part1.txt", "--households", "1-3")
        self.on_log("run", "flows.sql", "--until-idle", "--keep-open")
        self.assertEqual([(row["gateway"], row["alarm"]) for row in self.silence_alarms()], [("household-4", "RAISED")])
        self.replay("part2.txt", "--households", "1-4")
        self.check_flows()
        first, second = self.silence_alarms()
        times = sorted(row["timestamp"] for row in (record["value"] for record in self.records("metrics"))
                       if row["gateway"] == "household-4")
        before, after = next((a, b) for a, b in zip(times, times[1:]) if a[:10] == b[:10] and int(b[11:13]) > int(a[11:13]) + 1)
        self.assertEqual((first["silentSince"], second["silentSince"]), (before, before))
        self.assertEqual((second["gateway"], second["alarm"], second["activeSince"]), ("household-4", "CLEARED", after))

    def test_the_real_household(self):
        files = sorted(REAL.glob("**/household_power_consumption*")) if REAL.is_dir() else []
        if not files:
            self.skipTest("no real data beside this clone")
        self.replay(files[0], "--households", "1-3", "--count", "60000")
        # In two runs, so that all of them go on from where they were.
        self.on_log("run", "flows.sql", "--until-idle", "--keep-open")
        self.check_flows()

    def replay(self, data, *options):
        self.on_log("replay", "--type", "electricity", "--data", data, *options)

    def silence_alarms(self):
        return [record["value"] for record in self.records("silence_alarms")]

    def check_flows(self):
        self.on_log("run", "flows.sql", "--until-idle")
        for name, topic, columns in STREAMS:
            self.relation(name, [record["value"] for record in self.records(topic)], columns)
        for name, columns in TABLES:
            key = next(iter(columns))
            self.relation(name, [{key: record["key"], **record["value"]} for record in self.records(name)], columns)
        for name, explanation in self.explanations(*TOPICS).items():
            with self.subTest(view=name):
                self.assertIsNone(explanation[f"{self.SYSTEM}Fault"])
                expected = self.answer(explanation[self.SYSTEM])
                records = self.records(TOPICS[name])
                if name in REFINED:
                    records = list({record["key"]: record for record in records}.values())
                self.assertGreater(len(expected), 1)
                self.assertEqual(duckdb_text_test.sorted_rows(record["value"] for record in records),
                                 duckdb_text_test.sorted_rows(expected))
        self.check_changes()

    def check_changes(self):
        """LAG has no counterpart in DuckDB, but a line of Python."""
        before, expected = {}, []
        for record in self.records("alarm_states"):
            was, state = before.get(record["key"], "NORMAL"), record["value"]["state"]
            before[record["key"]] = state
            if was != state:
                expected.append((record["key"], record["value"]["windowEnd"], was, state))
        self.assertTrue(expected)
        self.assertCountEqual([(record["key"], row["windowEnd"], row["was"], row["state"])
                               for record in self.records("alarm_changes") for row in [record["value"]]], expected)

    def test_says_what_it_cannot_and_shows_plan_and_operators(self):
        self.skipTest("once is enough")


if __name__ == "__main__":
    # The class it is made from has a file of its own.
    unittest.main(defaultTest="ReferenceFlows")
