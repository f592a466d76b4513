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
CREATE STREAM powers AS SELECT CONCAT(gateway, '!') AS g, timestamp AS seen, value AS watts, CAST(value AS BIGINT) % 5 AS digit FROM metrics
  WHERE metricAttribute = 'ACTIVE_POWER' AND MINUTE(timestamp) % 3 = 0 AND gateway <> 'household-4';
CREATE STREAM volts AS SELECT CONCAT(gateway, '!') AS gw, timestamp, value AS voltage, NULLIF(CAST(value AS BIGINT) % 5, 3) AS digit FROM metrics
  WHERE metricAttribute = 'VOLTAGE' AND HOUR(timestamp) % 2 = 0 AND MINUTE(timestamp) % 5 = 0;
CREATE STREAM inner_pairs AS SELECT p.g, p.seen, p.watts, v.timestamp AS other, v.voltage FROM powers p
  JOIN volts v WITHIN (4 MINUTES, 90 SECONDS) {GRACE} ON p.g = v.gw WHERE p.watts < v.voltage * 10;
CREATE STREAM left_pairs AS SELECT p.seen, v.timestamp AS other, p.digit, v.voltage, b.note FROM powers p
  LEFT OUTER JOIN volts v WITHIN 1 MINUTE {GRACE} ON v.digit + 1 = p.digit
  LEFT JOIN bounds b ON REPLACE(p.g, '!', '.ELECTRICITY.VOLTAGE') = b.id;
CREATE STREAM full_pairs AS SELECT p.g, v.gw, COALESCE(p.seen, v.timestamp) AS time, p.watts, v.voltage FROM powers p
  FULL JOIN volts v WITHIN 1 MINUTE {GRACE} ON p.g = v.gw;
CREATE TABLE paired AS SELECT g, WINDOWSTART AS ws, COUNT(*) AS n, SUM(voltage) AS total FROM inner_pairs
  WINDOW TUMBLING (SIZE 1 HOUR, {GRACE}) GROUP BY g EMIT FINAL;
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
CREATE TABLE sessions AS
  SELECT gateway, metricType, WINDOWSTART AS ws, WINDOWEND AS we, COUNT(*) AS n, SUM(value) AS total, MAX(value) AS most FROM metrics
  WINDOW SESSION (2 MINUTES, {GRACE}) WHERE value > 1.3 GROUP BY gateway, metricType HAVING COUNT(*) > 1 EMIT FINAL;
CREATE TABLE athens AS
  SELECT gateway, WINDOWSTART AS ws, WINDOWEND AS we, COUNT(*) AS n, SUM(value) AS total, TIME_WEIGHTED_AVG(value) AS held FROM metrics
  WINDOW TUMBLING (SIZE 1 DAY, TIMEZONE 'Europe/Athens', {GRACE}) GROUP BY gateway EMIT FINAL;
CREATE TABLE samples AS
  SELECT gateway, WINDOWSTART AS ws, MIN(metricAttribute) AS least, MAX(metricAttribute) AS most, COUNT_DISTINCT(metricAttribute) AS attributes,
         COUNT_DISTINCT(value) AS distinctValues, PERCENTILE(value, 0.95) AS high, PERCENTILE(CAST(value AS BIGINT), 0.5) AS middle,
         TOPK(value, 3) AS top, TOPKDISTINCT(metricAttribute, 2) AS names, HISTOGRAM(metricAttribute) AS histogram
  FROM metrics WINDOW TUMBLING (SIZE 30 MINUTES, {GRACE}) GROUP BY gateway EMIT FINAL;
CREATE TABLE registers AS
  SELECT gateway, metricAttribute, WINDOWSTART AS ws, INCREASE(value) AS increase, INCREASE(CAST(value AS BIGINT), 300) AS turns,
         RATE(value) * 60 AS rate, TIME_WEIGHTED_AVG(value) AS held
  FROM metrics WINDOW HOPPING (SIZE 50 MINUTES, ADVANCE BY 20 MINUTES, {GRACE}) GROUP BY gateway, metricAttribute
  HAVING INCREASE(value) > 0 EMIT FINAL;
CREATE TABLE running AS SELECT metricAttribute, COUNT(*) AS n, MIN(timestamp) AS first FROM metrics GROUP BY metricAttribute;
CREATE TABLE notes (meter VARCHAR PRIMARY KEY, text VARCHAR, rank BIGINT) WITH (topic = 'notes');
INSERT INTO notes VALUES ('household-2.ELECTRICITY.VOLTAGE', 'second', 2), ('household-3.ELECTRICITY.VOLTAGE', 'third', 3), ('none', 'alone', 4);
CREATE TABLE inner_rows AS SELECT b.id, b.high, n.text, n.rank * 2 AS twice FROM bounds b JOIN notes n ON n.meter = b.id;
CREATE TABLE left_rows AS SELECT n.meter, n.text, b.high FROM notes n LEFT JOIN bounds b ON n.meter = b.id WHERE n.rank < 4 OR b.high IS NULL;
CREATE TABLE full_rows AS SELECT COALESCE(b.id, n.meter) AS k, b.note, n.text, n.rank FROM bounds b FULL JOIN notes n ON b.id = n.meter;
CREATE STREAM right_pairs AS SELECT p.g, v.gw, p.seen, v.timestamp AS time, p.watts, v.voltage FROM powers p
  RIGHT JOIN volts v WITHIN 1 MINUTE {GRACE} ON p.g = v.gw;
CREATE TABLE right_rows AS SELECT b.id, n.meter, b.note, n.text FROM bounds b RIGHT JOIN notes n ON b.id = n.meter WHERE n.rank <> 3;
CREATE TABLE foreign_rows AS SELECT n.meter, b.id, b.high FROM notes n
  JOIN bounds b ON CASE n.rank WHEN 4 THEN 'household-1.ELECTRICITY.VOLTAGE' ELSE 'household-2.ELECTRICITY.VOLTAGE' END = b.id;
CREATE TABLE foreign_left_rows AS SELECT n.meter, n.text, b.high FROM notes n LEFT JOIN bounds b ON CONCAT('household-', CAST(n.rank - 1 AS VARCHAR), '.ELECTRICITY.VOLTAGE') = b.id;
CREATE STREAM keyed AS SELECT timestamp, value, metricAttribute FROM metrics WHERE value > 220 PARTITION BY UCASE(metricAttribute);
CREATE TABLE session_samples AS
  SELECT gateway, WINDOWSTART AS ws, COUNT_DISTINCT(metricAttribute) AS attributes, PERCENTILE(value, 0.9) AS high, TOPK(value, 2) AS top,
         INCREASE(value) AS increase, HISTOGRAM(metricAttribute) AS histogram
  FROM metrics WINDOW SESSION (2 MINUTES, {GRACE}) WHERE value > 1.3 GROUP BY gateway EMIT FINAL;
CREATE STREAM documents AS
  SELECT timestamp, EXTRACTJSONFIELD(CONCAT('{{"m": {{"gateway": ', TO_JSON_STRING(gateway), ', "values": [1, ', CAST(CAST(value AS BIGINT) AS VARCHAR), ']}}}}'),
         '$.m.values[1]') AS whole, JSON_KEYS(CONCAT('{{', TO_JSON_STRING(metricAttribute), ': null}}')) AS names, TO_JSON_STRING(timestamp) AS time,
         JSON_ARRAY_CONTAINS('["VOLTAGE", 1]', metricAttribute) AS known, IS_JSON_STRING(gateway) AS odd, JSON_ARRAY_LENGTH('[1, 2]') AS two
  FROM metrics WHERE value > 230;
CREATE STREAM counted AS SELECT m.gateway, m.timestamp, m.value, r.n, r.first FROM metrics m JOIN running r ON m.metricAttribute = r.metricAttribute
  WHERE m.value > 200;
"""
VIEWS = ("projected", "alarms", "owned", "quarters", "districts", "hopping", "sessions", "athens", "samples", "registers", "running", "powers", "volts", "inner_pairs", "left_pairs",
         "full_pairs", "paired", "counted", "inner_rows", "left_rows", "full_rows",
         "right_pairs", "right_rows", "foreign_rows", "foreign_left_rows", "keyed", "session_samples", "documents")
ONE_OF_A_KEY = ("running", "inner_rows", "left_rows", "full_rows", "right_rows", "foreign_rows", "foreign_left_rows")
# That others read: as the stream engine wrote them.
COMPUTED = {"powers": {"g": "VARCHAR", "seen": "TIMESTAMP", "watts": "DOUBLE", "digit": "BIGINT"},
            "volts": {"gw": "VARCHAR", "timestamp": "TIMESTAMP", "voltage": "DOUBLE", "digit": "BIGINT"},
            "inner_pairs": {"g": "VARCHAR", "seen": "TIMESTAMP", "watts": "DOUBLE", "other": "TIMESTAMP", "voltage": "DOUBLE"},
            "running": {"metricAttribute": "VARCHAR", "n": "BIGINT", "first": "TIMESTAMP"}}


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
        if isinstance(value, list):
            return [text(one) for one in value]
        if isinstance(value, dict):
            return {name: text(one) for name, one in value.items()}
        return f"{value:.9g}" if isinstance(value, float) and math.isfinite(value) else value
    return sorted(({name: text(value) for name, value in row.items()} for row in rows), key=lambda row: json.dumps(row, sort_keys=True))


class BatchText(ProgramTest):
    """A subclass takes another system: its name in EXPLAIN, how it takes a relation and how it answers."""
    SYSTEM = "duckdb"

    def on_log(self, *arguments):
        return self.succeed(*arguments)

    def records(self, topic):
        return [json.loads(line) for line in self.on_log("console", topic, "--json").stdout.splitlines()]

    def latest(self, name):
        """The records of a topic; of a table without windows the last one of each key."""
        records = self.records(name)
        return list({record["key"]: record for record in records}.values()) if name in ONE_OF_A_KEY else records

    def relation(self, name, rows, columns):
        """`rows` as a table of DuckDB."""
        path = self.write(f"{name}.json", "\n".join(json.dumps(row) for row in rows))
        read = ", ".join(f"{column}: '{'VARCHAR' if kind == 'TIMESTAMP' else kind}'" for column, kind in columns.items())
        items = ", ".join(f"CAST(REPLACE({column}, 'Z', '') AS TIMESTAMP) AS {column}" if kind == "TIMESTAMP" else column
                          for column, kind in columns.items())
        duckdb.sql(f"CREATE OR REPLACE TABLE {name} AS SELECT {items} FROM read_json('{path}', columns={{{read}}})")

    def explanations(self, *names):
        statements = "; ".join(f"EXPLAIN {name}" for name in names)
        output = self.succeed("sql", "--schema", "flows.sql", "--execute", statements, "--json").stdout
        return {row["name"]: row for row in map(json.loads, output.splitlines())}

    def answer(self, query):
        result = duckdb.sql(query)
        return [dict(zip(result.columns, row)) for row in result.fetchall()]

    def metrics(self):
        self.relation("metrics", [record["value"] for record in self.records("metrics")],
                      {"gateway": "VARCHAR", "metricType": "VARCHAR", "metricAttribute": "VARCHAR", "timestamp": "TIMESTAMP",
                       "value": "DOUBLE"})

    def check(self, *views):
        for name, explanation in self.explanations(*views).items():
            with self.subTest(view=name):
                self.assertIsNone(explanation[f"{self.SYSTEM}Fault"])
                expected = self.answer(explanation[self.SYSTEM])
                records = self.latest(name)
                self.assertGreater(len(expected), 0 if name.endswith("_rows") else 3)
                self.assertEqual(sorted_rows(record["value"] for record in records), sorted_rows(expected))


class DuckDbText(BatchText):
    VIEWS = VIEWS

    def setUp(self):
        super().setUp()
        self.succeed("replay", "--data", "simulate", "--households", "1-4", "--start", "2024-02-29T20:00:00Z", "--duration", "8h",
                     "--seed", "7")
        self.write("flows.sql", FLOWS)
        self.succeed("run", "flows.sql", "--until-idle")

    def test_gives_the_rows_of_the_stream_engine(self):
        self.metrics()
        self.relation("bounds", [{"id": record["key"], **record["value"]} for record in self.records("bounds")],
                      {"id": "VARCHAR", "high": "DOUBLE", "note": "VARCHAR"})
        self.relation("notes", [{"meter": record["key"], **record["value"]} for record in self.records("notes")],
                      {"meter": "VARCHAR", "text": "VARCHAR", "rank": "BIGINT"})
        self.relation("owners", [{"gateway": record["key"], **record["value"]} for record in self.records("owners")],
                      {"gateway": "VARCHAR", "since": "TIMESTAMP", "district": "VARCHAR", "rank": "BIGINT"})
        for name, columns in COMPUTED.items():
            self.relation(name, [record["value"] for record in self.latest(name)], columns)
        self.check(*self.VIEWS)

    def test_says_what_it_cannot_and_shows_plan_and_operators(self):
        self.write("flows.sql", "CREATE STREAM metrics; CREATE STREAM changes AS SELECT gateway, LAG(value) AS was FROM metrics; "
                   "CREATE STREAM texts AS SELECT CAST(value AS VARCHAR) AS text FROM metrics; "
                   "CREATE STREAM zones AS SELECT FORMAT_TIMESTAMP(timestamp, 'HH XXX') AS h FROM metrics; "
                   "CREATE TABLE latest AS SELECT gateway, LATEST_BY_OFFSET(value) AS v FROM metrics GROUP BY gateway;")
        rows = self.explanations("changes", "texts", "zones", "latest")
        fault = f"{self.SYSTEM}Fault"
        self.assertIn("no counterpart of LATEST_BY_OFFSET", rows["latest"][fault])
        self.assertIn("no counterpart of LAG", rows["changes"][fault])
        self.assertIn("CAST(DOUBLE AS VARCHAR)", rows["texts"][fault])
        self.assertIn("FORMAT_TIMESTAMP with the pattern 'HH XXX'", rows["zones"][fault])
        self.assertIn("Scan stream metrics", rows["changes"]["plan"])
        self.assertIn("remember value of each key", rows["changes"]["operators"])
        refused = self.run_program("sql", "--schema", "flows.sql", "--execute", "EXPLAIN change")
        self.assert_exit(refused, 2)
        self.assertIn("did you mean changes?", refused.stderr)
        refused = self.run_program("sql", "--schema", "flows.sql", "--execute", "EXPLAIN metrics")
        self.assertIn("metrics is a stream that is not computed", refused.stderr)


class DaysOfPlaces(BatchText):
    def test_are_the_same_when_clocks_change(self):
        zones = {"athens": "Europe/Athens", "new_york": "America/New_York", "lord_howe": "Australia/Lord_Howe", "half_past": "+05:30",
                 "havana": "America/Havana"}  # where midnight comes twice
        self.write("flows.sql", "CREATE STREAM metrics;" + "".join(f"""
            CREATE TABLE {name} AS SELECT gateway, WINDOWSTART AS ws, WINDOWEND AS we, COUNT(*) AS n, SUM(value) AS total, TIME_WEIGHTED_AVG(value) AS held FROM metrics
            WINDOW TUMBLING (SIZE {1 + number % 2} DAYS, TIMEZONE '{zone}', GRACE PERIOD 300 DAYS) GROUP BY gateway EMIT FINAL;
            CREATE STREAM {name}_times AS SELECT timestamp, HOUR(timestamp, '{zone}') AS h, FORMAT_TIMESTAMP(timestamp, 'dd.MM. HH:mm', '{zone}') AS t
            FROM metrics WHERE metricAttribute = 'VOLTAGE';""" for number, (name, zone) in enumerate(zones.items())))
        for day in ("2024-03-09T12:00:00Z", "2024-03-30T12:00:00Z", "2024-04-05T22:00:00Z", "2024-10-26T12:00:00Z", "2024-11-02T12:00:00Z"):
            self.succeed("replay", "--data", "simulate", "--households", "1", "--start", day, "--duration", "30h", "--seed", "3")
        self.succeed("run", "flows.sql", "--until-idle")
        self.metrics()
        self.check(*zones, *(f"{name}_times" for name in zones))


# Values that systems take otherwise, in a stream of a name that the steps of a query have.
ODD_TEXTS = ("+-5", "+5", " -7\n", "+.5e1", "--1", "2024-03-31t12:00z", "2024-03-31 12:00:59,9999999+0230", "2024-03-31T24:00:00Z", "2024-03-31T12:00:60Z",
             "2024-03-31T12:00:00+18:00", "2024-03-31T12:00:00+18:01", "2024-03-31T12:00:00+02:60", "2024-3-1T12:00:00Z", "2024-02-30T12:00Z",
             "1969-12-31T23:59:59.9999Z", "2024-02-03 04:05", "2024-2-3 04:05", "24-02-03 04:05", "2024-02-03 24:00", " 2024-02-03 04:05", "2024-02-03 04:05 ",
             "2024-02-03 4:5", "2024-02-30 04:05", "e\u0301a", "\U0001f469\u200d\U0001f467x\ny")
ODD_NUMBERS = (123456789.123, 98765432.987, 0.001, 4611686018427.388, -123456789.123, 5e-9, 0.000000001, -7.000000003, 1e-300, 31415926.535)
ODD_INTEGERS = (-9223372036854775808, 9223372036854775807, 1, 9223372036854775807, -5, 0, 2, 3, 4, 7)
ODD_FLOWS = """
CREATE STREAM step1 (id BIGINT, t TIMESTAMP, s VARCHAR, x DOUBLE, b BIGINT) WITH (topic = 'step1', value_format = 'JSON', timestamp = 't', partitions = 1);
CREATE STREAM casts AS SELECT id, t, CAST(s AS BIGINT) AS whole, CAST(s AS DOUBLE) AS number, CAST(s AS TIMESTAMP) AS instant,
  PARSE_TIMESTAMP(s, 'yyyy-MM-dd HH:mm') AS parsed, REVERSE(s) AS turned, FROM_UNIXTIME(b) AS time, CAST(x * 1000 AS TIMESTAMP) AS other FROM step1 WHERE ABS(b) < 9;
CREATE TABLE sums AS SELECT id % 3 AS third, SUM(x) AS total, AVG(x) AS average, AVG(x * 2) AS twice, INCREASE(x) AS grown, COUNT(*) AS n FROM step1
  WINDOW TUMBLING (SIZE 1 DAY, GRACE PERIOD 30 DAYS) GROUP BY id % 3 EMIT FINAL;
CREATE TABLE pairs AS SELECT id / 2 AS pair, AVG(x) AS average, AVG(b) AS middle, INCREASE(b) AS grown, RATE(b) AS rate FROM step1
  WINDOW TUMBLING (SIZE 1 DAY, GRACE PERIOD 30 DAYS) GROUP BY id / 2 EMIT FINAL;
CREATE STREAM beyond AS SELECT id, t, FROM_UNIXTIME(9223372036854775807) AS never, FROM_UNIXTIME(b * 1000) AS late, CAST(x * 1e12 AS TIMESTAMP) AS later FROM step1
  WHERE x > 1e7;
"""


class OddValues(BatchText):
    def test_are_the_same_to_the_last_digit(self):
        self.write("flows.sql", ODD_FLOWS)
        rows = ", ".join(f"({number}, '2024-03-01T00:{number:02}:00Z', '{text}', {ODD_NUMBERS[number % 10]!r}, {ODD_INTEGERS[number % 10]})"
                         for number, text in enumerate(ODD_TEXTS))
        self.succeed("sql", "--execute", f"{ODD_FLOWS.split(';')[0]}; INSERT INTO step1 (id, t, s, x, b) VALUES {rows};")
        self.succeed("run", "flows.sql", "--until-idle")
        self.relation("step1", [record["value"] for record in self.records("step1")],
                      {"id": "BIGINT", "t": "TIMESTAMP", "s": "VARCHAR", "x": "DOUBLE", "b": "BIGINT"})
        explanations = self.explanations("casts", "sums", "pairs", "beyond")

        def in_order(rows):
            return sorted(({name: same(value) for name, value in row.items()} for row in rows), key=lambda row: json.dumps(row, sort_keys=True))
        for name in ("casts", "sums", "pairs"):
            with self.subTest(view=name):
                self.maxDiff = None
                self.assertIsNone(explanations[name][f"{self.SYSTEM}Fault"])
                expected = in_order(record["value"] for record in self.records(name))
                self.assertGreater(len(expected), 2)
                self.assertEqual(expected, in_order(self.answer(explanations[name][self.SYSTEM])))
        beyond = self.answer(explanations["beyond"][self.SYSTEM])
        self.assertGreater(len(beyond), 3)
        for row in beyond:
            self.assertEqual((None, None), (row["never"], row["later"]))
        self.assertTrue(any(row["late"] is None for row in beyond) and any(row["late"] is not None for row in beyond))


if __name__ == "__main__":
    unittest.main()
