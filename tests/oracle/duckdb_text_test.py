"""The query that EXPLAIN gives for DuckDB, run by DuckDB over all the readings, beside what the stream engine wrote."""
import datetime
import json
import math
import pathlib
import sys
import unittest

import duckdb

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
from program import ProgramTest  # noqa: E402

# Nothing is late with such a grace.
GRACE = "GRACE PERIOD 30 DAYS"
FLOWS = f"""
CREATE STREAM metrics WITH (topic = 'metrics');
CREATE TABLE bounds (id VARCHAR PRIMARY KEY, high DOUBLE, note VARCHAR) WITH (topic = 'bounds');
CREATE TABLE owners (gateway VARCHAR PRIMARY KEY, since TIMESTAMP, district VARCHAR, rank BIGINT) WITH (topic = 'owners', timestamp = 'since');
INSERT INTO bounds VALUES ('household-1.ELECTRICITY.VOLTAGE', 230.5, 'first'), ('household-2.ELECTRICITY.VOLTAGE', 229, NULL);
INSERT INTO owners VALUES ('household-1', '2024-02-29T20:00:00Z', 'north', 1), ('household-1', '2024-03-01T00:30:00Z', 'south', 2),
                          ('household-3', '2024-02-29T23:00:00Z', 'north', 3);
CREATE STREAM projected AS
  SELECT gateway, timestamp, value, value * 2 - 1 AS scaled, value / (value - value) AS nothing, CAST(value AS BIGINT) AS whole,
         CAST(value AS BIGINT) / 7 AS sevenths, -CAST(value AS BIGINT) % 7 AS rest, -CAST(value AS BIGINT) / 7 AS negative,
         CASE WHEN value > 200 THEN 'HIGH' WHEN value < 1 THEN 'LOW' END AS class, UCASE(gateway) AS loud,
         CONCAT_WS('.', gateway, metricType, metricAttribute) AS id, LEN(metricAttribute) AS length, REPLACE(gateway, '-', '') AS plain,
         HOUR(timestamp) AS h, DAY_OF_WEEK(timestamp) AS dow, UNIX_TIMESTAMP(timestamp) AS ms, ROUND(value) AS rounded, ABS(-value) AS same,
         9223372036854775807 + CAST(value AS BIGINT) AS overflow, SQRT(1 - value) AS root, LPAD(gateway, 14, 'x') AS padded,
         value IN (1, 2, 3) AS listed, metricAttribute IN ('VOLTAGE', 'INTENSITY') AS known, NULLIF(metricType, 'WATER') AS dry
  FROM metrics WHERE metricAttribute LIKE '%_POWER' OR metricAttribute = 'VOLTAGE' AND NOT gateway = 'household-2';
CREATE STREAM alarms AS
  SELECT m.gateway, m.timestamp, m.value, b.high, b.note FROM metrics m
  JOIN bounds b ON CONCAT_WS('.', m.gateway, m.metricType, m.metricAttribute) = b.id WHERE m.value > b.high;
CREATE STREAM owned AS
  SELECT m.gateway, m.timestamp, o.district, o.rank FROM metrics m LEFT JOIN owners o ON m.gateway = o.gateway
  WHERE m.metricAttribute = 'VOLTAGE';
CREATE TABLE quarters AS
  SELECT gateway, metricType, metricAttribute, WINDOWSTART AS ws, WINDOWEND AS we, COUNT(*) AS n, MIN(value) AS least, MAX(value) AS most,
         SUM(value) AS total, AVG(value) AS average, MAX(timestamp) AS latest, MAX(value) - MIN(value) AS spread
  FROM metrics WINDOW TUMBLING (SIZE 15 MINUTES, {GRACE}) GROUP BY gateway, metricType, metricAttribute
  HAVING COUNT(*) > 10 EMIT FINAL;
CREATE TABLE districts AS
  SELECT o.district, HOUR(m.timestamp) AS h, WINDOWSTART AS ws, COUNT(*) AS n, STDDEV_POP(m.value) AS deviation, SUM(o.rank) AS ranks
  FROM metrics m JOIN owners o ON m.gateway = o.gateway WINDOW TUMBLING (SIZE 2 HOURS, {GRACE}) WHERE m.metricAttribute = 'VOLTAGE'
  GROUP BY o.district, HOUR(m.timestamp) EMIT FINAL;
CREATE TABLE hopping AS
  SELECT gateway, WINDOWSTART AS ws, WINDOWEND AS we, COUNT(value) AS n, MAX(value) AS most, VAR_SAMP(value) AS variance FROM metrics
  WINDOW HOPPING (SIZE 50 MINUTES, ADVANCE BY 20 MINUTES, {GRACE}) WHERE metricAttribute = 'VOLTAGE' GROUP BY gateway EMIT FINAL;
CREATE TABLE running AS SELECT metricAttribute, COUNT(*) AS n, MIN(timestamp) AS first FROM metrics GROUP BY metricAttribute;
"""
VIEWS = ("projected", "alarms", "owned", "quarters", "districts", "hopping", "running")


def same(value):
    if isinstance(value, datetime.datetime):
        return value.isoformat(timespec="milliseconds" if value.microsecond else "seconds") + "Z"
    if hasattr(value, "quantize") or type(value) is int:
        return float(value)
    return value


def sorted_rows(rows):
    """Numbers to nine digits: DuckDB adds the squares of a deviation as doubles."""
    def text(value):
        value = same(value)
        return f"{value:.9g}" if isinstance(value, float) and math.isfinite(value) else value
    return sorted(({name: text(value) for name, value in row.items()} for row in rows), key=lambda row: json.dumps(row, sort_keys=True))


class DuckDbText(ProgramTest):
    def on_log(self, *arguments):
        return self.succeed(*arguments)

    def records(self, topic):
        return [json.loads(line) for line in self.on_log("console", topic, "--json").stdout.splitlines()]

    def relation(self, name, rows, columns):
        """`rows` as a table of DuckDB."""
        path = self.write(f"{name}.json", "\n".join(json.dumps(row) for row in rows))
        read = ", ".join(f"{column}: '{'VARCHAR' if kind == 'TIMESTAMP' else kind}'" for column, kind in columns.items())
        items = ", ".join(f"CAST(REPLACE({column}, 'Z', '') AS TIMESTAMP) AS {column}" if kind == "TIMESTAMP" else column
                          for column, kind in columns.items())
        duckdb.sql(f"CREATE OR REPLACE TABLE {name} AS SELECT {items} FROM read_json('{path}', columns={{{read}}})")

    def setUp(self):
        super().setUp()
        self.succeed("replay", "--data", "simulate", "--households", "1-4", "--start", "2024-02-29T20:00:00Z", "--duration", "8h",
                     "--seed", "7")
        self.write("flows.sql", FLOWS)
        self.succeed("run", "flows.sql", "--until-idle")

    def explanations(self, *names):
        statements = "; ".join(f"EXPLAIN {name}" for name in names)
        output = self.succeed("sql", "--schema", "flows.sql", "--execute", statements, "--json").stdout
        return {row["name"]: row for row in map(json.loads, output.splitlines())}

    def test_gives_the_rows_of_the_stream_engine(self):
        self.relation("metrics", [record["value"] for record in self.records("metrics")],
                      {"gateway": "VARCHAR", "metricType": "VARCHAR", "metricAttribute": "VARCHAR", "timestamp": "TIMESTAMP",
                       "value": "DOUBLE"})
        self.relation("bounds", [{"id": record["key"], **record["value"]} for record in self.records("bounds")],
                      {"id": "VARCHAR", "high": "DOUBLE", "note": "VARCHAR"})
        self.relation("owners", [{"gateway": record["key"], **record["value"]} for record in self.records("owners")],
                      {"gateway": "VARCHAR", "since": "TIMESTAMP", "district": "VARCHAR", "rank": "BIGINT"})
        for name, explanation in self.explanations(*VIEWS).items():
            with self.subTest(view=name):
                self.assertIsNone(explanation["duckdbFault"])
                result = duckdb.sql(explanation["duckdb"])
                expected = [dict(zip(result.columns, row)) for row in result.fetchall()]
                records = self.records(name)
                if name == "running":
                    records = list({record["key"]: record for record in records}.values())
                self.assertGreater(len(expected), 3)
                self.assertEqual(sorted_rows(record["value"] for record in records), sorted_rows(expected))

    def test_says_what_it_cannot_and_shows_plan_and_operators(self):
        self.write("flows.sql", "CREATE STREAM metrics; CREATE STREAM changes AS SELECT gateway, LAG(value) AS was FROM metrics; "
                   "CREATE STREAM texts AS SELECT CAST(value AS VARCHAR) AS text FROM metrics; "
                   "CREATE STREAM zones AS SELECT FORMAT_TIMESTAMP(timestamp, 'HH XXX') AS h FROM metrics;")
        rows = self.explanations("changes", "texts", "zones")
        self.assertIn("no counterpart of LAG", rows["changes"]["duckdbFault"])
        self.assertIn("CAST(DOUBLE AS VARCHAR)", rows["texts"]["duckdbFault"])
        self.assertIn("FORMAT_TIMESTAMP with the pattern 'HH XXX'", rows["zones"]["duckdbFault"])
        self.assertIn("Scan stream metrics", rows["changes"]["plan"])
        self.assertIn("remember value of each key", rows["changes"]["operators"])
        refused = self.run_program("sql", "--schema", "flows.sql", "--execute", "EXPLAIN change")
        self.assert_exit(refused, 2)
        self.assertIn("did you mean changes?", refused.stderr)
        refused = self.run_program("sql", "--schema", "flows.sql", "--execute", "EXPLAIN metrics")
        self.assertIn("metrics is a stream that is not computed", refused.stderr)


if __name__ == "__main__":
    unittest.main()
