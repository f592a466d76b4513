"""Views, the tables they are stored in, and what query reads from them."""
import csv
import io
import json
import pathlib
import shlex
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from program import ProgramTest, uci_lines  # noqa: E402

STORE = ["store", "--window", "1h", "--until-idle"]


class Tables(ProgramTest):
    def setUp(self):
        super().setUp()
        self.write("uci.txt", uci_lines(600))

    def replay(self):
        self.succeed("replay", "--type", "electricity", "--data", "uci.txt")

    def test_table_keeps_its_bucket_under_every_application_id(self):
        self.replay()
        self.succeed(*STORE, "--bucket", "days", "--application-id", "a1")
        query = ["query", "--gateway", "household-1", "--attribute", "VOLTAGE", "--format", "csv"]
        before = self.succeed(*query).stdout
        result = self.run_program(*STORE, "--bucket", "months", "--application-id", "a2")
        self.assert_exit(result, 3)
        self.assertIn("table metrics_aggregates_3600 exists with bucket 'days'", result.stderr)
        self.assertEqual(self.succeed(*query).stdout, before)
        self.succeed(*STORE, "--bucket", "days", "--application-id", "a2")
        self.assertEqual(self.succeed(*query).stdout, before)

    def test_topic_that_is_missing_is_warned_of(self):
        self.replay()
        result = self.succeed("aggregate", "--window", "60", "--topic", "metric", "--until-idle")
        self.assertIn("topic metric did not exist", result.stderr)
        self.assertIn("Did you mean 'metrics'?", result.stderr)
        result = self.succeed("aggregate", "--window", "60", "--until-idle")
        self.assertNotIn("did not exist", result.stderr)

    def test_much_that_is_late_is_explained(self):
        self.replay()
        self.succeed("replay", "--type", "electricity", "--data", "uci.txt", "--day-offset", "-400")
        result = self.succeed("aggregate", "--window", "60", "--until-idle")
        self.assertIn("50.0 % of its readings came too late", result.stdout)
        self.assertIn("--topic", result.stdout)

    def test_wrong_settings_are_shown_where_they_stand(self):
        self.write("flows.sql", "CREATE STREAM metrics WITH (topic = 'metrics');\nSET 'commit.interval' = 'abc';\n")
        result = self.run_program("run", "flows.sql", "--until-idle")
        self.assert_exit(result, 2)
        self.assertIn("flows.sql:2:25:", result.stderr)
        self.assertIn("^", result.stderr)

    def test_order_of_times_and_formats_is_checked(self):
        self.replay()
        self.succeed(*STORE)
        one = ["query", "--gateway", "household-1", "--attribute", "VOLTAGE"]
        result = self.run_program(*one, "--from", "2007-01-02", "--to", "2007-01-01")
        self.assert_exit(result, 2)
        self.assertIn("--from 2007-01-02 is not before --to 2007-01-01", result.stderr)
        self.assert_exit(self.run_program(*one, "--json", "--format", "csv"), 2)


class ManySeries(ProgramTest):
    def test_filters_see_all_series(self):
        self.succeed("replay", "--data", "simulate", "--households", "1-300", "--duration", "2m")
        self.succeed("store", "--window", "60", "--until-idle")
        listed = self.succeed("query", "--format", "csv").stdout
        rows = list(csv.DictReader(io.StringIO(listed)))
        self.assertEqual(list(rows[0]), ["gateway", "metricType", "metricAttribute"])
        self.assertGreater(len(rows), 2000)
        wanted = [row for row in rows if row["metricAttribute"] == "GAS_IDD"]
        self.assertGreater(len(wanted), 200)
        found = self.succeed("query", "--type", "gas", "--attribute", "gas_idd", "--json").stdout.splitlines()
        self.assertEqual([json.loads(line)["gateway"] for line in found], [row["gateway"] for row in wanted])
        table = self.succeed("query")
        self.assertEqual(len(table.stdout.splitlines()), 1002)
        self.assertIn("only the first 1,000 series", table.stderr)
        few = self.succeed("query", "--limit", "1", "--format", "csv")
        self.assertEqual(len(few.stdout.splitlines()), 2)
        self.assert_exit(self.run_program("query", "--format", "chart"), 2)


class Demo(ProgramTest):
    def test_too_short_a_time_is_wrong_usage_and_removes_nothing(self):
        self.succeed("demo", "--households", "2", "--duration", "2h")
        for duration in ("10", "0"):
            result = self.run_program("demo", "--duration", duration)
            self.assert_exit(result, 2)
            self.assertIn("--duration", result.stderr)
        self.assertTrue(list((self.folder / "data" / "demo").iterdir()))
        self.assertIn("metrics", subprocess.run([*self.command("topics")[:1], "--data-dir", "data/demo", "topics"],
                                                cwd=self.folder, capture_output=True, text=True, check=False).stdout)

    def test_proposed_commands_work(self):
        self.data_dir = "d q"
        for kind in ("electricity", "water", "gas"):
            with self.subTest(kind=kind):
                result = self.succeed("demo", "--type", kind, "--households", "2", "--duration", "2h")
                proposed = result.stdout.split("Try next:")[1].strip().splitlines()
                self.assertEqual(len(proposed), 4)
                for line in proposed[:2]:
                    again = subprocess.run(shlex.split(line), cwd=self.folder, capture_output=True, text=True, check=False)
                    self.assert_exit(again, 0)
                self.assertIn(kind.upper(), proposed[0])


if __name__ == "__main__":
    unittest.main()
