"""Joins of two streams by the program: beside a nested loop, in several runs, with kills."""
import json
import pathlib
import random
import signal
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from program import ProgramTest  # noqa: E402

WITHIN_S = 20
FLOWS = """
SET 'commit.interval' = '20ms';
CREATE STREAM metrics WITH (topic = 'metrics', partitions = 4);
CREATE STREAM powers WITH (topic = 'powers') AS SELECT gateway, timestamp, value FROM metrics WHERE metricAttribute = 'ACTIVE_POWER';
CREATE STREAM volts WITH (topic = 'volts', partitions = 2) AS
  SELECT gateway, timestamp AS at, value FROM metrics WHERE metricAttribute = 'VOLTAGE' AND MINUTE(timestamp) % 10 = 0;
CREATE STREAM pairs WITH (topic = 'pairs') AS SELECT p.gateway, p.timestamp, v.at, p.value AS watts, v.value AS volts FROM powers p
  LEFT JOIN volts v WITHIN (90 SECONDS, 20 SECONDS) GRACE PERIOD 3650 DAYS ON p.gateway = v.gateway;
"""


class StreamJoin(ProgramTest):
    def on_log(self, *arguments):
        return self.succeed(*arguments)

    def topic(self, name):
        return name

    def values(self, topic):
        return [json.loads(line)["value"] for line in self.on_log("console", self.topic(topic), "--json").stdout.splitlines()]

    def flows(self):
        return FLOWS

    def replay(self, *options):
        self.on_log("replay", "--data", "simulate", "--households", "1-5", "--start", "2024-02-29T20:00:00Z", "--duration", "3h", "--seed", "5",
                    "--topic", self.topic("metrics"), *options)

    def expected(self):
        """Times are whole seconds as text, so that they sort; a day is not crossed by the reach."""
        def seconds(text):
            return int(text[11:13]) * 3600 + int(text[14:16]) * 60 + int(text[17:19])
        rows = []
        volts = self.values("volts")
        for power in self.values("powers"):
            near = [volt for volt in volts if volt["gateway"] == power["gateway"] and volt["at"][:10] == power["timestamp"][:10]
                    and -90 <= seconds(volt["at"]) - seconds(power["timestamp"]) <= 20]
            for volt in near or [{"at": None, "value": None}]:
                rows.append((power["gateway"], power["timestamp"], volt["at"], power["value"], volt["value"]))
        return sorted(rows, key=str)

    def pairs(self):
        return sorted(((row["gateway"], row["timestamp"], row["at"], row["watts"], row["volts"]) for row in self.values("pairs")), key=str)

    def run_killed(self, kills):
        for _ in range(kills):
            process = self.start_run()
            time.sleep(random.uniform(0.1, 0.6))
            process.send_signal(signal.SIGKILL)
            process.wait()

    def start_run(self):
        return self.start_program("run", "flows.sql")

    def test_gives_each_pair_once_whatever_is_killed(self):
        self.write("flows.sql", self.flows())
        self.replay()
        self.run_killed(4)
        self.on_log("run", "flows.sql", "--until-idle")
        expected = self.expected()
        self.assertGreater(len(expected), 300)
        self.assertTrue(any(row[2] is None for row in expected))
        self.assertEqual(self.pairs(), expected)

    def test_prints_the_accounting_of_both_streams(self):
        self.write("flows.sql", self.flows())
        self.replay()
        summary = json.loads(self.on_log("run", "flows.sql", "--until-idle", "--json").stdout.splitlines()[-1])
        view = next(view for view in summary["views"] if view["name"] == "pairs")
        self.assertEqual(view["read"], len(self.values("powers")) + len(self.values("volts")))
        self.assertEqual(view["aggregated"], view["read"])
        self.assertEqual(view["results"], len(self.values("pairs")))


if __name__ == "__main__":
    unittest.main()
