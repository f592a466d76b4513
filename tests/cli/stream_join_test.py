"""Joins of two streams by the program: beside a nested loop, in several runs, with kills."""
import collections
import json
import pathlib
import random
import signal
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from program import ProgramTest  # noqa: E402

FLOWS = """
SET 'commit.interval' = '20ms';
CREATE STREAM metrics WITH (topic = 'metrics', partitions = 4);
CREATE STREAM powers WITH (topic = 'powers') AS SELECT gateway, timestamp, value FROM metrics WHERE metricAttribute = 'ACTIVE_POWER';
CREATE STREAM volts WITH (topic = 'volts', partitions = 2) AS
  SELECT gateway, timestamp AS at, value FROM metrics WHERE metricAttribute = 'VOLTAGE' AND MINUTE(timestamp) % 10 = 0;
CREATE STREAM pairs WITH (topic = 'pairs') AS SELECT p.gateway, p.timestamp, v.at, p.value AS watts, v.value AS volts FROM powers p
  LEFT JOIN volts v WITHIN (90 SECONDS, 20 SECONDS) GRACE PERIOD 3650 DAYS ON p.gateway = v.gateway;
"""
TABLES = """
CREATE STREAM metrics WITH (topic = 'metrics', partitions = 4);
CREATE TABLE meters (id VARCHAR PRIMARY KEY, street VARCHAR) WITH (topic = 'meters', partitions = 4);
INSERT INTO meters VALUES ('household-1', 'north'), ('household-2', 'south'), ('household-9', 'east');
CREATE TABLE totals WITH (topic = 'totals', partitions = 4) AS SELECT gateway, COUNT(*) AS n FROM metrics GROUP BY gateway;
CREATE TABLE overview WITH (topic = 'overview') AS
  SELECT m.id, m.street, t.n FROM meters m LEFT JOIN totals t ON m.id = t.gateway WHERE m.street <> 'none';
CREATE STREAM addressed WITH (topic = 'addressed') AS
  SELECT m.gateway, m.timestamp, o.street, o.n FROM metrics m JOIN overview o ON m.gateway = o.id WHERE m.metricAttribute = 'VOLTAGE';
"""
KEYS = """
SET 'commit.interval' = '20ms';
CREATE STREAM metrics WITH (topic = 'metrics', partitions = 4);
CREATE STREAM by_attribute WITH (topic = 'by_attribute', partitions = 3, value_format = 'DELIMITED', value_delimiter = '|') AS
  SELECT metricAttribute, timestamp, value FROM metrics WHERE metricType = 'ELECTRICITY' PARTITION BY metricAttribute;
CREATE TABLE counts WITH (topic = 'counts') AS SELECT metricAttribute, COUNT(*) AS n, SUM(value) AS total FROM by_attribute GROUP BY metricAttribute;
CREATE TABLE meters (id VARCHAR PRIMARY KEY, street VARCHAR, tariff VARCHAR) WITH (topic = 'meters', partitions = 3, value_format = 'DELIMITED');
CREATE TABLE tariffs (name VARCHAR PRIMARY KEY, price DOUBLE) WITH (topic = 'tariffs', partitions = 2);
INSERT INTO meters VALUES ('m1', 'north, "1"', 'day'), ('m2', '', 'day'), ('m3', NULL, 'night'), ('m4', 'east', NULL);
INSERT INTO tariffs VALUES ('DAY', 0.25);
CREATE TABLE prices WITH (topic = 'prices') AS SELECT m.id, m.street, t.price FROM meters m JOIN tariffs t ON UCASE(m.tariff) = t.name;
"""
TOPICS = ("metrics", "powers", "volts", "pairs", "meters", "totals", "overview", "addressed", "by_attribute", "counts", "tariffs", "prices")


class StreamJoin(ProgramTest):
    def on_log(self, *arguments):
        return self.succeed(*arguments)

    def topic(self, name):
        return name

    def values(self, topic):
        return [json.loads(line)["value"] for line in self.on_log("console", self.topic(topic), "--json").stdout.splitlines()]

    def flows(self, sql=FLOWS):
        for name in TOPICS:
            sql = sql.replace(f"topic = '{name}'", f"topic = '{self.topic(name)}'")
        return sql

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

    def latest(self, topic):
        """The last value of each key."""
        records = map(json.loads, self.on_log("console", self.topic(topic), "--json").stdout.splitlines())
        return {record["key"]: record["value"] for record in records}

    def test_another_key_on_the_way_and_foreign_keys(self):
        self.write("flows.sql", self.flows(KEYS))
        self.replay()
        self.run_killed(3)
        self.on_log("run", "flows.sql", "--until-idle")
        readings = [reading for reading in self.values("metrics") if reading["metricType"] == "ELECTRICITY"]
        counts = collections.Counter(reading["metricAttribute"] for reading in readings)
        self.assertGreater(len(counts), 2)
        self.assertEqual({key: row["n"] for key, row in self.latest("counts").items()}, counts)
        records = [json.loads(line) for line in self.on_log("console", self.topic("by_attribute"), "--json").stdout.splitlines()]
        self.assertEqual(len(records), len(readings))
        self.assertTrue(all(str(record["value"]).startswith(record["key"] + "|") for record in records))
        self.assertEqual(len({(record["key"], record["partition"]) for record in records}), len(counts))
        self.assertEqual({key: row and (row["street"], row["price"]) for key, row in self.latest("prices").items()},
                         {"m1": ('north, "1"', 0.25), "m2": ("", 0.25)})
        self.on_log("sql", "--schema", "flows.sql", "--execute",
                    "INSERT INTO tariffs VALUES ('NIGHT', 0.125), ('DAY', 0.5); INSERT INTO meters VALUES ('m2', 'west', 'none'), ('m4', 'east', 'night')")
        self.run_killed(2)
        self.on_log("run", "flows.sql", "--until-idle")
        self.assertEqual({key: row and (row["street"], row["price"]) for key, row in self.latest("prices").items()},
                         {"m1": ('north, "1"', 0.5), "m2": None, "m3": (None, 0.125), "m4": ("east", 0.125)})

    def overview(self):
        """The latest row of each key."""
        records = map(json.loads, self.on_log("console", self.topic("overview"), "--json").stdout.splitlines())
        return {record["key"]: record["value"] and (record["value"]["street"], record["value"]["n"]) for record in records}

    def test_a_join_of_tables_follows_both(self):
        self.write("flows.sql", self.flows(TABLES))
        self.replay()
        self.on_log("run", "flows.sql", "--until-idle")
        readings = collections.Counter(reading["gateway"] for reading in self.values("metrics"))
        self.assertEqual(self.overview(), {"household-1": ("north", readings["household-1"]), "household-2": ("south", readings["household-2"]),
                                           "household-9": ("east", None)})
        # Both tables were whole before the first reading was joined.
        self.assertEqual({(row["gateway"], row["street"], row["n"]) for row in self.values("addressed")},
                         {("household-1", "north", readings["household-1"]), ("household-2", "south", readings["household-2"])})
        self.on_log("sql", "--schema", "flows.sql", "--execute",
                    "INSERT INTO meters VALUES ('household-1', 'none'), ('household-3', 'west')")
        self.run_killed(3)
        self.on_log("run", "flows.sql", "--until-idle")
        self.assertEqual(self.overview(), {"household-1": None, "household-2": ("south", readings["household-2"]),
                                           "household-3": ("west", readings["household-3"]), "household-9": ("east", None)})


if __name__ == "__main__":
    unittest.main()
