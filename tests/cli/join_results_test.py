"""Aggregates over a join whose sources have columns of one name, with HAVING and groups that are expressions."""
import collections
import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from program import ProgramTest, uci_lines  # noqa: E402

LIMITS = {"household-1": 2.5, "household-2": 1.25, "household-3": 4.0}
FLOWS = """
CREATE STREAM metrics WITH (topic = 'metrics');
CREATE TABLE limits (gateway VARCHAR PRIMARY KEY, value DOUBLE);
INSERT INTO limits (gateway, value) VALUES ('household-1', 2.5), ('household-2', 1.25), ('household-3', 4);
CREATE TABLE shares AS
  SELECT m.gateway AS gateway, WINDOWSTART AS start, l.value > 2 AS high, COUNT(*) AS readings, SUM(l.value) AS theirs,
         SUM(m.value) AS mine, STDDEV_POP(l.value) AS spread, SUM(m.value) / SUM(l.value) AS share
  FROM metrics m JOIN limits l ON m.gateway = l.gateway
  WINDOW TUMBLING (SIZE 1 HOUR, GRACE PERIOD 30 DAYS)
  GROUP BY m.gateway, l.value > 2 HAVING l.value > 2 OR SUM(l.value) > 400 EMIT FINAL;
"""


class JoinResults(ProgramTest):
    def console(self, topic):
        return [json.loads(line)["value"] for line in self.succeed("console", topic, "--json").stdout.splitlines()]

    def test_columns_of_one_name_are_summed_each_for_itself(self):
        self.write("flows.sql", FLOWS)
        self.write("uci.txt", uci_lines(500))
        self.succeed("replay", "--type", "electricity", "--data", "uci.txt", "--households", "1-4")
        self.succeed("run", "flows.sql", "--until-idle")
        groups = collections.defaultdict(list)
        for reading in self.console("metrics"):
            if reading["gateway"] in LIMITS:
                groups[reading["gateway"], reading["timestamp"][:13] + ":00:00Z"].append(reading["value"])
        expected = {}
        for (gateway, start), values in groups.items():
            limit = LIMITS[gateway]
            if limit > 2 or limit * len(values) > 400:
                expected[gateway, start] = (limit > 2, len(values), limit * len(values), 0, sum(values))
        self.assertEqual({gateway for gateway, _ in expected}, {"household-1", "household-3"})
        results = self.console("shares")
        self.assertEqual(len(results), len(expected))
        for row in results:
            high, readings, theirs, spread, mine = expected[row["gateway"], row["start"]]
            self.assertEqual((row["high"], row["readings"], row["theirs"], row["spread"]), (high, readings, theirs, spread))
            self.assertAlmostEqual(row["mine"], mine, places=6)
            self.assertAlmostEqual(row["share"], mine / theirs, places=9)


if __name__ == "__main__":
    unittest.main()
