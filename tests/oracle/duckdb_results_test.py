"""Tables with calculations, HAVING and groups of all kinds, on simulated households, beside the same questions to DuckDB."""
import datetime
import decimal
import json
import math
import pathlib
import sys
import unittest

import duckdb

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
from program import ProgramTest  # noqa: E402

# Nothing is late with such a grace, so that DuckDB need not know about time.
WINDOW = "WINDOW TUMBLING (SIZE {size}, GRACE PERIOD 30 DAYS)"
KEY = "gateway, metricType, metricAttribute"
EXACT = "SUM(exact)"  # of each value rounded half-even to nine digits, which DuckDB's own CAST does not do
NEAREST = f"CAST(CAST({EXACT} AS VARCHAR) AS DOUBLE)"
TABLES = {
    "quarters": (
        "15 MINUTES", f"{KEY}, SUM(value) / COUNT(*) AS mean, MAX(value) - MIN(value) AS spread, "
        "CASE WHEN MAX(value) > 240 THEN 'OVER' WHEN MIN(value) < 0.5 THEN 'UNDER' ELSE 'OK' END AS state, UCASE(gateway) AS loud, "
        "COUNT(*) % 7 AS rest, ROUND(AVG(value) * 100) AS cents", KEY, "COUNT(*) >= 10 AND NOT metricType = 'WATER'",
        f"{KEY}, {NEAREST} / COUNT(*) AS mean, MAX(value) - MIN(value) AS spread, "
        "CASE WHEN MAX(value) > 240 THEN 'OVER' WHEN MIN(value) < 0.5 THEN 'UNDER' ELSE 'OK' END AS state, UPPER(gateway) AS loud, "
        f"COUNT(*) % 7 AS rest, CAST(FLOOR(CAST(ROUND({EXACT} / COUNT(*), 9) AS DOUBLE) * 100 + 0.5) AS BIGINT) AS cents",
        KEY, "COUNT(*) >= 10 AND NOT metricType = 'WATER'"),
    "hours": (
        "1 HOUR", f"{KEY}, COUNT(*) AS n, MAX(value) - MIN(value) AS spread", KEY, "SUM(value) > 1000",
        f"{KEY}, COUNT(*) AS n, MAX(value) - MIN(value) AS spread", KEY, f"{EXACT} > 1000"),
    "spreads": (
        "1 HOUR", f"{KEY}, STDDEV_SAMP(value) AS deviation, VAR_POP(value) * 2 AS variance", KEY, "STDDEV(value) > 0.01",
        f"{KEY}, STDDEV_SAMP(value) AS deviation, VAR_POP(value) * 2 AS variance", KEY, "STDDEV_SAMP(value) > 0.01"),
    "clock": (
        "1 DAY", "gateway, HOUR(timestamp, '+02:00') AS h, value > 1 AS high, COUNT(*) AS n, SUM(value) AS total",
        "gateway, HOUR(timestamp, '+02:00'), value > 1", "HOUR(timestamp, '+02:00') <> 3",
        f"gateway, hour(timestamp + INTERVAL 2 HOUR) AS h, value > 1 AS high, COUNT(*) AS n, {EXACT} AS total",
        "gateway, hour(timestamp + INTERVAL 2 HOUR), value > 1", "hour(timestamp + INTERVAL 2 HOUR) <> 3"),
    "classes": (
        "6 HOURS", "CAST(value / 50 AS BIGINT) AS class, metricAttribute, COUNT(*) AS n, MIN(timestamp) AS first",
        "CAST(value / 50 AS BIGINT), metricAttribute", "COUNT(*) > 3 OR CAST(value / 50 AS BIGINT) = 0",
        "CAST(TRUNC(value / 50) AS BIGINT) AS class, metricAttribute, COUNT(*) AS n, MIN(timestamp) AS first",
        "CAST(TRUNC(value / 50) AS BIGINT), metricAttribute", "COUNT(*) > 3 OR CAST(TRUNC(value / 50) AS BIGINT) = 0"),
}


def flows():
    text = "CREATE STREAM metrics WITH (topic = 'metrics');\n"
    for name, (size, select, group_by, having, *_) in TABLES.items():
        text += (f"CREATE TABLE {name} AS SELECT WINDOWSTART AS start, {select} FROM metrics {WINDOW.format(size=size)} "
                 f"GROUP BY {group_by} HAVING {having} EMIT FINAL;\n")
    return text


def plain(value):
    """As the program writes it in JSON."""
    if isinstance(value, datetime.datetime):
        text = value.isoformat(timespec="milliseconds" if value.microsecond else "seconds")
        return text + "Z"
    return float(value) if hasattr(value, "quantize") else value


def sorted_rows(rows):
    """1 and 1.0 are one number, whichever JSON or DuckDB gives."""
    def same(value):
        return float(value) if type(value) is int else value
    return sorted(({name: same(value) for name, value in row.items()} for row in rows), key=json.dumps)


def with_exact_value(reading):
    exact = decimal.Decimal(reading["value"]).quantize(decimal.Decimal("1e-9"), rounding=decimal.ROUND_HALF_EVEN)
    return json.dumps({**reading, "exact": f"{exact:f}"})


class DuckDbResults(ProgramTest):
    def test_tables_answer_as_duckdb(self):
        self.succeed("replay", "--data", "simulate", "--households", "1-4", "--start", "2024-02-29T20:00:00Z", "--duration",
                     "10h", "--seed", "5")
        self.write("flows.sql", flows())
        self.succeed("run", "flows.sql", "--until-idle")
        self.assertEqual(self.console("metrics-rejected"), [])
        self.write("readings.json", "\n".join(with_exact_value(record["value"]) for record in self.console("metrics")))
        duckdb.sql("CREATE OR REPLACE TABLE readings AS SELECT gateway, metricType, metricAttribute, "
                   "CAST(REPLACE(timestamp, 'Z', '') AS TIMESTAMP) AS timestamp, value, CAST(exact AS DECIMAL(38,9)) AS exact "
                   f"FROM read_json('{self.folder}/readings.json', columns={{gateway: 'VARCHAR', metricType: 'VARCHAR', "
                   "metricAttribute: 'VARCHAR', timestamp: 'VARCHAR', value: 'DOUBLE', exact: 'VARCHAR'})")
        for name, (size, _, _, _, select, group_by, having) in TABLES.items():
            with self.subTest(table=name):
                answer = duckdb.sql(
                    f"SELECT time_bucket(INTERVAL '{size}', timestamp, TIMESTAMP '1970-01-01') AS start, {select} "
                    f"FROM readings GROUP BY time_bucket(INTERVAL '{size}', timestamp, TIMESTAMP '1970-01-01'), {group_by} "
                    f"HAVING {having}")
                expected = [dict(zip(answer.columns, map(plain, row))) for row in answer.fetchall()]
                actual = [record["value"] for record in self.console(name)]
                self.assertGreater(len(expected), 20)
                self.check(sorted_rows(actual), sorted_rows(expected))

    def check(self, actual, expected):
        """DuckDB computes deviations in doubles, so that their last digits are its own."""
        for row, other in zip(actual, expected):
            for name in {"deviation", "variance"} & row.keys():
                self.assertTrue(math.isclose(row.pop(name), other.pop(name), rel_tol=1e-9), (row, other))
        self.assertEqual(actual, expected)

    def console(self, topic):
        return [json.loads(line) for line in self.succeed("console", topic, "--json").stdout.splitlines()]


if __name__ == "__main__":
    unittest.main()
