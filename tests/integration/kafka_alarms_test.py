"""Tables, joins and LAG on real brokers: as on the program's own log. Run by: with_kafka 1 python3 kafka_alarms_test.py"""
import json
import os
import pathlib
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
import alarms_test  # noqa: E402

BROKERS = os.environ["METERSTREAM_TEST_KAFKA"]
WITHIN_S = 20  # on a busy machine; an idle one needs less than one


class KafkaAlarms(alarms_test.Alarms):
    def setUp(self):
        super().setUp()
        self.topics = f"-{self.id().rsplit('.', 1)[1]}-{os.getpid()}"[:60]

    def on_cluster(self, *arguments):
        more = ["--application-id", "app" + self.topics] if arguments[0] == "run" else []
        return [*arguments, *more, "--kafka", BROKERS, "--schema-id", 1]

    def on_log(self, *arguments):
        return self.succeed(*self.on_cluster(*arguments))

    def test_a_change_raises_and_clears_an_alarm_of_readings_that_keep_coming(self):
        self.flows("""
            SET 'commit.interval' = '50ms';
            CREATE STREAM metrics WITH (topic = 'metrics');
            CREATE TABLE alarm_thresholds (id VARCHAR PRIMARY KEY, upperBound DOUBLE) WITH (topic = 'alarm_thresholds');
            INSERT INTO alarm_thresholds VALUES ('household-1', 1e6);
            CREATE STREAM alarm_states WITH (topic = 'alarm_states') AS
              SELECT m.gateway, m.timestamp, m.value, CASE WHEN m.value > t.upperBound THEN 'OVER' ELSE 'NORMAL' END AS state
              FROM metrics m JOIN alarm_thresholds t ON m.gateway = t.id WHERE m.metricAttribute = 'VOLTAGE';
            CREATE STREAM alarm_changes WITH (topic = 'alarm_changes') AS
              SELECT gateway, timestamp, state FROM alarm_states WHERE state <> LAG(state, 1, 'NORMAL');""")
        self.write("uci.txt", alarms_test.uci_lines(20000))
        self.start_program(*self.on_cluster("run", "flows.sql"))
        self.start_program(*self.on_cluster("replay", "--type", "electricity", "--data", "uci.txt", "--households", "1", "--topic",
                                            "metrics" + self.topics, "--rate", "500"))
        self.assertEqual(self.states_after(lambda: None, 0), [])
        self.assertEqual(self.states_after(lambda: self.insert("INSERT INTO alarm_thresholds VALUES ('household-1', 0)"), 1), ["OVER"])
        self.assertEqual(self.states_after(lambda: self.insert("INSERT INTO alarm_thresholds VALUES ('household-1', 1e6)"), 2),
                         ["OVER", "NORMAL"])

    def test_thresholds_change_between_runs_and_the_state_before_is_known_after_a_restart(self):
        self.skipTest("a golden case on both logs")

    def test_rows_find_the_group_that_was_theirs_at_their_time(self):
        self.skipTest("a golden case on both logs")

    def states_after(self, change, count):
        """The states of alarm_changes once there are as many; the first time once results of any kind are there."""
        change()
        began = time.monotonic()
        while time.monotonic() - began < WITHIN_S:
            results = self.run_program(*self.on_cluster("console", "alarm_states" + self.topics, "--json", "--limit", "1"))
            changes = self.run_program(*self.on_cluster("console", "alarm_changes" + self.topics, "--json"))
            states = [json.loads(line)["value"]["state"] for line in changes.stdout.splitlines()]
            if len(states) >= count and results.stdout:
                print(f"{count} change(s) seen after {time.monotonic() - began:.1f} s", file=sys.stderr)
                return states
            time.sleep(0.05)
        return states

    def test_topic_of_a_table_is_compacted_and_that_of_versions_is_not(self):
        self.flows("""CREATE STREAM metrics WITH (topic = 'metrics');
            CREATE TABLE alarm_thresholds (id VARCHAR PRIMARY KEY, upperBound DOUBLE) WITH (topic = 'alarm_thresholds', partitions = 2);
            CREATE TABLE gateway_groups (id VARCHAR PRIMARY KEY, since TIMESTAMP) WITH (topic = 'gateway_groups', timestamp = 'since');
            CREATE STREAM alarms WITH (topic = 'alarms') AS SELECT m.gateway FROM metrics m
              JOIN alarm_thresholds t ON m.gateway = t.id JOIN gateway_groups g ON m.gateway = g.id;""")
        self.run_flows()
        described = {name: json.loads(self.on_log("describe", name + self.topics, "--json").stdout)
                     for name in ("alarm_thresholds", "gateway_groups")}
        self.assertEqual({name: topic["compacted"] for name, topic in described.items()},
                         {"alarm_thresholds": True, "gateway_groups": False})
        self.assertEqual(len(described["alarm_thresholds"]["partitions"]), 2)

    def test_kcat_writes_a_row_and_deletes_it(self):
        self.flows("""CREATE STREAM metrics WITH (topic = 'metrics');
            CREATE TABLE alarm_thresholds (id VARCHAR PRIMARY KEY, upperBound DOUBLE) WITH (topic = 'alarm_thresholds');
            CREATE STREAM alarms WITH (topic = 'alarms') AS SELECT m.gateway, t.upperBound FROM metrics m
              JOIN alarm_thresholds t ON m.gateway = t.id WHERE m.metricAttribute = 'VOLTAGE' AND m.value > t.upperBound;""")
        self.insert("INSERT INTO alarm_thresholds VALUES ('household-1', 0), ('household-2', 0)")
        kcat = ["kcat", "-b", BROKERS, "-t", "alarm_thresholds" + self.topics, "-P", "-K", "|", "-Z"]
        # Java's partitioner, so that a key's records stay in one partition.
        subprocess.run([*kcat, "-X", "topic.partitioner=murmur2_random"], text=True, check=True,
                       input='household-2|\nhousehold-3|{"upperBound":1}\n', timeout=60)
        self.write("uci.txt", alarms_test.uci_lines(4))
        self.replay("uci.txt", "--households", "1-3")
        self.run_flows()
        bounds = {record["value"]["gateway"]: record["value"]["upperBound"] for record in self.console("alarms")}
        self.assertEqual(bounds, {"household-1": 0, "household-3": 1})


del alarms_test.Alarms, alarms_test.TableCommands
if __name__ == "__main__":
    unittest.main(verbosity=2)
