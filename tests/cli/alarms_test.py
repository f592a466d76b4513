"""Tables that are joined: alarms by thresholds that change while the flow runs, and groups that change, beside ten lines of Python."""
import collections
import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from program import ProgramTest, uci_lines  # noqa: E402

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "examples" / "alarms.sql"


def state_of(average, bounds):
    return "UNDER" if average < bounds[0] else "OVER" if average > bounds[1] else "NORMAL"


class Alarms(ProgramTest):
    topics = ""  # behind the names of topics, so that tests on one cluster do not meet

    def on_log(self, *arguments):
        return self.succeed(*arguments)

    def console(self, topic):
        return [json.loads(line) for line in self.on_log("console", topic + self.topics, "--json").stdout.splitlines()]

    def flows(self, text):
        """With the topics of this test."""
        for topic in ("metrics-aggregates-60", "metrics", "alarm_thresholds", "alarms", "alarm_states", "alarm_changes",
                      "gateway_groups", "totals", "readings_of_groups"):
            text = text.replace(f"topic = '{topic}'", f"topic = '{topic}{self.topics}'")
        return self.write("flows.sql", text)

    def replay(self, name, *arguments):
        return self.on_log("replay", "--type", "electricity", "--data", name, "--topic", "metrics" + self.topics, *arguments)

    def run_flows(self, *arguments):
        return self.on_log("run", "flows.sql", "--until-idle", *arguments)

    def insert(self, statement):
        return self.on_log("sql", "--schema", "flows.sql", "--execute", statement)

    def expected(self, bounds_by_part, ends):
        """Alarms and changes of state; the bounds of a part hold for results whose position in their series is before its end."""
        alarms, changes, before = [], [], collections.defaultdict(lambda: "NORMAL")
        series = collections.defaultdict(list)
        for record in self.console("metrics-aggregates-60"):
            series[record["key"]].append(record["value"])
        for key, rows in series.items():
            for number, row in enumerate(rows):
                part = next(index for index, counts in enumerate(ends) if number < counts[key])
                if key not in bounds_by_part[part]:
                    continue
                bounds = bounds_by_part[part][key]
                state = state_of(row["average"], bounds)
                if state != "NORMAL":
                    alarms.append((key, row["windowEnd"], row["average"], *bounds, state))
                if state != before[key]:
                    changes.append((key, row["windowEnd"], before[key], state))
                before[key] = state
        return alarms, changes

    def check(self, bounds_by_part, ends):
        alarms, changes = self.expected(bounds_by_part, ends)
        self.assertTrue(alarms)
        self.assertTrue(changes)
        self.assertCountEqual([(record["key"], row["windowEnd"], row["average"], row["lowerBound"], row["upperBound"], row["alarm"])
                               for record in self.console("alarms") for row in [record["value"]]], alarms)
        self.assertCountEqual([(record["key"], row["windowEnd"], row["was"], row["state"])
                               for record in self.console("alarm_changes") for row in [record["value"]]], changes)

    def counts(self):
        return collections.Counter(record["key"] for record in self.console("metrics-aggregates-60"))

    def test_thresholds_change_between_runs_and_the_state_before_is_known_after_a_restart(self):
        self.flows(EXAMPLE.read_text())
        self.write("first.txt", uci_lines(120))
        self.write("all.txt", uci_lines(300))
        one, two = "household-1.ELECTRICITY.VOLTAGE", "household-2.ELECTRICITY.VOLTAGE"
        self.replay("first.txt", "--households", "1-2")
        self.run_flows("--keep-open")
        first = {one: (225, 245)}
        ends = [self.counts()]
        # The example's bounds are never crossed; those of this row are, and of the other series as well.
        self.insert(f"INSERT INTO alarm_thresholds VALUES ('{one}', 232, 235.5), ('{two}', 0, 234)")
        self.replay("all.txt", "--households", "1-2")
        self.run_flows("--keep-open")
        second = {one: (232, 235.5), two: (0, 234)}
        ends.append(self.counts())
        self.check([first, second], ends)
        # Neither an insertion that the file repeats nor a restart without readings changes anything.
        self.run_flows("--keep-open")
        self.check([first, second], ends)
        # A row without bounds is no alarm: comparisons with NULL are not TRUE.
        self.insert(f"INSERT INTO alarm_thresholds (id) VALUES ('{two}')")
        self.run_flows()
        ends.append(self.counts())
        third = {one: (232, 235.5), two: (float("-inf"), float("inf"))}
        self.check([first, second, third], ends)

    def test_rows_find_the_group_that_was_theirs_at_their_time(self):
        self.flows("""
            CREATE STREAM metrics WITH (topic = 'metrics');
            CREATE TABLE gateway_groups (gateway VARCHAR PRIMARY KEY, since TIMESTAMP, district VARCHAR)
              WITH (topic = 'gateway_groups', value_format = 'JSON', timestamp = 'since', partitions = 3);
            INSERT INTO gateway_groups VALUES ('household-1', '2006-12-16T00:00:00Z', 'north'), ('household-1', '2006-12-16T18:00:00Z', 'south'),
                                              ('household-2', '2006-12-16T17:30:00Z', 'north');
            CREATE TABLE totals WITH (topic = 'totals') AS
              SELECT g.district, WINDOWSTART AS windowStart, COUNT(*) AS readings, SUM(m.value) AS total
              FROM metrics m JOIN gateway_groups g ON m.gateway = g.gateway
              WINDOW TUMBLING (SIZE 10 MINUTES, GRACE PERIOD 0 SECONDS)
              WHERE m.metricAttribute = 'VOLTAGE' GROUP BY g.district EMIT FINAL;
            CREATE STREAM keyed (id VARCHAR KEY, gateway VARCHAR, metricAttribute VARCHAR, timestamp TIMESTAMP, value DOUBLE)
              WITH (topic = 'metrics', value_format = 'AVRO');
            CREATE STREAM readings_of_groups WITH (topic = 'readings_of_groups') AS
              SELECT m.id, m.gateway, m.timestamp, g.district FROM keyed m LEFT JOIN gateway_groups g ON g.gateway = m.gateway
              WHERE m.metricAttribute = 'VOLTAGE';""")
        self.write("uci.txt", uci_lines(90))
        self.replay("uci.txt", "--households", "1-3")
        # Stopped in the middle of windows, and gone on.
        self.run_flows("--keep-open")
        self.run_flows()

        def district(gateway, time):
            if gateway == "household-1":
                return "south" if time >= "2006-12-16T18:00:00Z" else "north"
            return "north" if gateway == "household-2" and time >= "2006-12-16T17:30:00Z" else None

        totals, rows = collections.Counter(), []
        for record in self.console("metrics"):
            reading = record["value"]
            if reading["metricAttribute"] != "VOLTAGE":
                continue
            found = district(reading["gateway"], reading["timestamp"])
            rows.append((record["key"], reading["gateway"], reading["timestamp"], found))
            if found:
                totals[found, reading["timestamp"][:15] + "0:00Z"] += 1
        self.assertEqual({(row["district"], row["windowStart"][:15] + "0:00Z"): row["readings"]
                          for record in self.console("totals") for row in [record["value"]]}, totals)
        self.assertCountEqual([(row["id"], row["gateway"], row["timestamp"], row["district"])
                               for record in self.console("readings_of_groups") for row in [record["value"]]], rows)


class TableCommands(ProgramTest):
    def test_says_what_cannot_be_inserted(self):
        self.write("flows.sql", "CREATE STREAM metrics; CREATE TABLE bounds (id VARCHAR PRIMARY KEY, high DOUBLE);")

        def refused(statement):
            result = self.run_program("sql", "--schema", "flows.sql", "--execute", statement)
            self.assert_exit(result, 2)
            return result.stderr

        self.assertIn("unknown table bound; did you mean bounds?", refused("INSERT INTO bound VALUES ('a', 1)"))
        self.assertIn("--execute:1:32: the row has 1 values for 2 columns", refused("INSERT INTO bounds VALUES     ('a')"))
        self.assertIn("column high is DOUBLE, this is VARCHAR", refused("INSERT INTO bounds VALUES ('a', 'b')"))
        self.assertIn("which is the primary key", refused("INSERT INTO bounds (high) VALUES (1)"))
        self.assertIn("INSERT INTO a stream", refused("INSERT INTO metrics VALUES (1)"))
        self.assertIn("started by meterstream run", refused("CREATE STREAM a AS SELECT * FROM metrics"))
        self.assertIn("nothing to do", self.run_program("sql", input="").stderr)
        self.assertIn("nothing to do", self.run_program("sql", "--schema", "flows.sql").stderr)
        self.assertEqual(json.loads(self.succeed("sql", "--schema", "flows.sql", "--execute",
                                                 "INSERT INTO bounds VALUES ('a', 1 + 1), ('b', -.5)", "--json").stdout), {"rows": 2})

    def console(self, topic):
        return [json.loads(line) for line in self.succeed("console", topic, "--json").stdout.splitlines()]

    def test_one_topic_may_be_two_tables_and_a_table_may_be_keys_only(self):
        self.write("flows.sql", """CREATE STREAM metrics;
            CREATE TABLE now (gateway VARCHAR PRIMARY KEY, since TIMESTAMP, district VARCHAR) WITH (topic = 'groups');
            CREATE TABLE at_the_time (gateway VARCHAR PRIMARY KEY, since TIMESTAMP, district VARCHAR) WITH (topic = 'groups', timestamp = 'since');
            CREATE TABLE known (gateway VARCHAR PRIMARY KEY);
            INSERT INTO at_the_time VALUES ('household-1', '2000-01-01T00:00:00Z', 'north'), ('household-1', '2020-01-01T00:00:00Z', 'south');
            INSERT INTO known VALUES ('household-1');
            CREATE TABLE one AS SELECT g.district, COUNT(*) AS n FROM metrics m LEFT JOIN now g ON m.gateway = g.gateway
              WINDOW TUMBLING (SIZE 1 HOUR, GRACE PERIOD 0 SECONDS) GROUP BY g.district EMIT FINAL;
            CREATE TABLE two AS SELECT g.district, COUNT(*) AS n FROM metrics m LEFT JOIN at_the_time g ON m.gateway = g.gateway
              WINDOW TUMBLING (SIZE 2 HOURS, GRACE PERIOD 0 SECONDS) GROUP BY g.district EMIT FINAL;
            CREATE STREAM three AS SELECT m.gateway FROM metrics m JOIN known k ON m.gateway = k.gateway;""")
        self.write("uci.txt", uci_lines(30))
        self.succeed("replay", "--type", "electricity", "--data", "uci.txt", "--households", "1-2")
        self.succeed("run", "flows.sql", "--until-idle")
        districts = {name: {record["value"]["district"] for record in self.console(name)} for name in ("one", "two")}
        self.assertEqual(districts, {"one": {"south", None}, "two": {"north", None}})
        self.assertEqual({record["value"]["gateway"] for record in self.console("three")}, {"household-1"})

    def test_groups_of_renamed_columns_are_in_one_place(self):
        self.write("flows.sql", """CREATE STREAM metrics;
            CREATE STREAM s AS SELECT 'all' AS gateway, metricType, metricAttribute, timestamp, value FROM metrics;
            CREATE TABLE counts AS SELECT gateway, metricType, metricAttribute, COUNT(*) AS n FROM s
              WINDOW TUMBLING (SIZE 1 DAY, GRACE PERIOD 0 SECONDS) GROUP BY gateway, metricType, metricAttribute EMIT FINAL;""")
        self.write("uci.txt", uci_lines(30))
        self.succeed("replay", "--type", "electricity", "--data", "uci.txt", "--households", "1-5")
        self.succeed("run", "flows.sql", "--until-idle")
        counts = [record["value"] for record in self.console("counts")]
        self.assertEqual(len(counts), 4)
        self.assertEqual(sum(row["n"] for row in counts), len(self.console("metrics")))

    def test_what_cannot_work_is_refused(self):
        def refused(text):
            self.write("flows.sql", "CREATE STREAM metrics; CREATE TABLE c AS SELECT gateway, COUNT(*) AS n FROM metrics GROUP BY gateway;" + text)
            result = self.run_program("run", "flows.sql", "--until-idle")
            self.assert_exit(result, 2)
            return result.stderr

        self.assertIn("a table over topic c, which c computes", refused("CREATE TABLE d (gateway VARCHAR PRIMARY KEY) WITH (topic = 'c');"))
        self.assertIn("topic c has no results of windows", refused("CREATE SINK k WITH (type = 'embedded', topic = 'c');"))

    def test_records_that_are_no_rows_are_left_out_and_told(self):
        self.write("flows.sql", """CREATE STREAM metrics; CREATE TABLE bounds (id VARCHAR PRIMARY KEY, high DOUBLE);
            CREATE STREAM high AS SELECT m.gateway, m.value FROM metrics m JOIN bounds b ON m.gateway = b.id WHERE m.value > b.high;""")
        self.write("other.sql", "CREATE TABLE other (id VARCHAR PRIMARY KEY, high VARCHAR) WITH (topic = 'bounds');"
                   "INSERT INTO other VALUES ('1', 'much')")
        self.succeed("sql", "--file", "other.sql")
        self.write("uci.txt", uci_lines(5))
        self.succeed("replay", "--type", "electricity", "--data", "uci.txt")
        result = self.succeed("run", "flows.sql", "--until-idle")
        self.assertIn("table bounds: 1 record(s) cannot be read", result.stderr)
        self.assertIn("topic bounds partition", result.stderr)


if __name__ == "__main__":
    unittest.main()
