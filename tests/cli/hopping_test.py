"""Hopping windows: what a program of ten lines computes from the readings, and the tumbling windows among them."""
import collections
import datetime
import decimal
import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from program import ProgramTest, uci_lines  # noqa: E402

COLUMNS = """SELECT gateway, metricType, metricAttribute, WINDOWSTART AS windowStart, WINDOWEND AS windowEnd, COUNT(*) AS readings,
    MIN(value) AS least, MAX(value) AS greatest, SUM(value) AS total
  FROM metrics {window} GROUP BY gateway, metricType, metricAttribute EMIT FINAL;
"""
FLOWS = ("CREATE STREAM metrics WITH (topic = 'metrics');\n"
         "CREATE TABLE hours AS\n  " + COLUMNS.format(window="WINDOW TUMBLING (SIZE 1 HOUR, GRACE PERIOD 0 SECONDS)") +
         "CREATE TABLE hopping AS\n  " +
         COLUMNS.format(window="WINDOW HOPPING (SIZE 1 HOUR, ADVANCE BY 12 MINUTES, GRACE PERIOD 0 SECONDS)") +
         "CREATE TABLE uneven AS\n  " +
         COLUMNS.format(window="WINDOW HOPPING (SIZE 50 MINUTES, ADVANCE BY 21 MINUTES, GRACE PERIOD 0 SECONDS)"))


def exact(value):
    """A reading as it enters sums: its binary value rounded to 9 decimals."""
    return decimal.Decimal(value).quantize(decimal.Decimal("1e-9"), decimal.ROUND_HALF_EVEN)


def expected_windows(readings, size_s, advance_s):
    windows = collections.defaultdict(list)
    for record in readings:
        time = int(datetime.datetime.fromisoformat(record["value"]["timestamp"]).timestamp())
        start = time - time % advance_s
        while start + size_s > time:
            windows[record["key"], start].append(record["value"]["value"])
            start -= advance_s
    return {key: (len(values), min(values), max(values), sum(map(exact, values)))
            for key, values in windows.items()}


class Hopping(ProgramTest):
    def console(self, topic):
        return [json.loads(line) for line in self.succeed("console", topic, "--json").stdout.splitlines()]

    def windows(self, topic, size_s):
        found = {}
        for record in self.console(topic):
            row = record["value"]
            start, end = (int(datetime.datetime.fromisoformat(row[name]).timestamp()) for name in ("windowStart", "windowEnd"))
            self.assertEqual(end - start, size_s)
            self.assertNotIn((record["key"], start), found, "a window came twice")
            found[record["key"], start] = (row["readings"], row["least"], row["greatest"], decimal.Decimal(str(row["total"])))
        return found

    def test_windows_are_those_of_the_readings_also_after_runs_in_parts(self):
        (self.folder / "uci.txt").write_text(uci_lines(1500))
        (self.folder / "flows.sql").write_text(FLOWS)
        self.succeed("replay", "--data", "uci.txt", "--type", "electricity", "--households", "1-2")
        self.succeed("run", "flows.sql", "--until-idle", "--keep-open")
        self.succeed("run", "flows.sql", "--until-idle")
        readings = self.console("metrics")
        self.assertGreater(len(readings), 5000)
        self.assertEqual(self.windows("hopping", 3600), expected_windows(readings, 3600, 720))
        self.assertEqual(self.windows("uneven", 3000), expected_windows(readings, 3000, 1260))
        hopping = {json.dumps(record["value"]) for record in self.console("hopping")}
        hours = [json.dumps(record["value"]) for record in self.console("hours")]
        self.assertGreater(len(hours), 100)
        self.assertTrue(hopping.issuperset(hours))

    def test_refuses_windows_that_leave_readings_out(self):
        (self.folder / "flows.sql").write_text(FLOWS.replace("ADVANCE BY 12", "ADVANCE BY 61"))
        result = self.run_program("run", "flows.sql", "--until-idle")
        self.assertEqual(result.returncode, 2)
        self.assertIn("ADVANCE BY at most SIZE", result.stderr)


if __name__ == "__main__":
    unittest.main()
