"""examples/platform.sql with all its stores, against a real broker, Cassandra, Redis and S3. What other programs find in the stores
(cqlsh, redis-cli, DuckDB) must be what an embedded run gives, row by row, also when the process was killed again and again.
Run by: with_kafka 1 with_cassandra 1 with_s3 with_redis .venv/bin/python platform_test.py. METERSTREAM_SEED=<n> repeats the moments of another run,
METERSTREAM_KILLS=<count> asks for more of them, METERSTREAM_SHORT=1 for fewer."""
import collections
import csv
import json
import os
import pathlib
import subprocess
import sys
import time
import unittest
from decimal import Decimal

import duckdb

from kafka_cluster_test_base import ROOT, SEED, KafkaClusterTest, Load
from program import uci_lines

SHORT = os.environ.get("METERSTREAM_SHORT", "") not in ("", "0")
KILLS = int(os.environ.get("METERSTREAM_KILLS") or (8 if SHORT else 50))
DATA = ROOT.parent / "shared" / "data"
# Each data set begins after the one before has ended, so that nothing is late.
SETS = [("electricity", "household_power_consumption_2006-12-16_2007-06-30.txt.zst", ["--households", "1-3"]),
        ("water", "Water_WHW.csv.zst", []), ("gas", "NaturalGas_FRG.csv.zst", ["--day-offset", "90"])]
READINGS = 12_000  # of each data set
WINDOWS = {60: "days", 3600: "months", 86400: "none"}


def ampds2_lines(count):
    lines = ["unix_ts,counter,avg_rate,inst_rate"]
    lines += [f"{1333263600 + 60 * number},{45000 + number * 0.5:.3f},{number % 11}.5,{number % 7}.0" for number in range(count)]
    return "\n".join(lines) + "\n"


class Platform(KafkaClusterTest):
    brokers = os.environ["METERSTREAM_TEST_KAFKA"]

    @classmethod
    def setUpClass(cls):
        print(f"seed {SEED}", file=sys.stderr)
        folder = os.environ["METERSTREAM_TEST_REDIS_FOLDER"]
        cls.redis = [os.environ["METERSTREAM_TEST_REDIS_SCRIPT"], "--directory", f"{folder}/platform"]
        subprocess.run([*cls.redis, "start"], check=True, stdout=subprocess.DEVNULL)

    def setUp(self):
        super().setUp()
        self.name = self.id().rsplit("_", 1)[1]
        sql = (ROOT / "examples" / "platform.sql").read_text().replace("'metrics", f"'{self.name}")
        # No partition counts as idle, however slow the machine is.
        sql = sql.replace("deduplicate = '1 hour'", "deduplicate = '1 hour', idle_timeout = '1 hour'")
        self.sql = self.write("platform.sql", sql)
        self.views = self.write("views.sql", sql[:sql.index("-- Medium term.")])
        redis = subprocess.run([*self.redis, "client"], check=True, capture_output=True, text=True).stdout
        s3 = subprocess.run([os.environ["METERSTREAM_S3_SCRIPT"], "--directory", os.environ["METERSTREAM_S3_DIRECTORY"], "settings"],
                            check=True, capture_output=True, text=True).stdout
        lake = "\n".join(line for line in s3.splitlines() if " = " in line and not line.startswith(("uri", "export", "#")))
        self.configuration = f"""[kafka]
session_timeout = "6s"
transaction_timeout = "6s"
commit_interval = "100ms"
guarantee = "{{guarantee}}"
{{member}}
[cassandra]
hosts = "{os.environ["METERSTREAM_TEST_CASSANDRA"]}"
[lake]
uri = "s3://lake/{self.name}"
idle_flush = "2s"
roll_rows = 3000
{lake}
{redis}
key_prefix = "{self.name}:"
"""

    def replays(self):
        """Options of one replay for each data set."""
        for kind, file, options in SETS:
            path = DATA / file
            if not path.exists():
                path = self.folder / f"{kind}.txt"
                if not path.exists():
                    path.write_text(uci_lines(READINGS // 12) if kind == "electricity" else ampds2_lines(READINGS // 2))
            yield ["--type", kind, "--data", str(path), "--count", READINGS, *options]

    def run_embedded(self):
        """Results of the three windows, and the readings."""
        self.data_dir = "embedded"
        for options in self.replays():
            self.succeed("replay", *options, "--topic", self.name)
        self.succeed("run", self.views, "--until-idle")
        results = {seconds: self.values(f"aggregates-{seconds}") for seconds in WINDOWS}
        return results, self.values(None)

    def values(self, topic):
        name = self.name if topic is None else f"{self.name}-{topic}"
        lines = self.succeed("console", name, "--json").stdout.splitlines()
        return [json.loads(line, parse_float=Decimal, parse_int=Decimal)["value"] for line in lines]

    def compare_stores(self, results, readings):
        for seconds, bucket in WINDOWS.items():
            self.compare_cassandra(seconds, bucket, results[seconds])
        self.compare_redis(readings)
        self.compare_lake(readings)

    def compare_cassandra(self, seconds, bucket, results):
        columns = ["gateway", "metric", "attribute", "windowstart", "windowend", "samplecount", "min", "max", "sum", "average"]
        script = (f"COPY metrics.{self.name}_aggregates_{seconds} ({', '.join(columns)}) TO '{self.folder}/rows.csv' "
                  "WITH DATETIMEFORMAT='%Y-%m-%dT%H:%M:%SZ' AND DOUBLEPRECISION=17 AND NUMPROCESSES=1;")
        subprocess.run([os.environ["METERSTREAM_TEST_CASSANDRA_SCRIPT"], "cql", "-", "--directory",
                        os.environ["METERSTREAM_TEST_CASSANDRA_DIRECTORY"]], input=script, text=True, check=True, capture_output=True, timeout=240)
        with open(self.folder / "rows.csv", newline="", encoding="utf-8") as file:
            rows = collections.Counter(
                (*row[:5], int(row[5]), float(row[6]), float(row[7]), Decimal(row[8]), Decimal(row[9])) for row in csv.reader(file))
        expected = collections.Counter(
            (value["gateway"], value["metricType"], value["metricAttribute"], value["windowStart"], value["windowEnd"],
             int(value["sampleCount"]), float(value["min"]), float(value["max"]), value["sum"], value["average"]) for value in results)
        self.assertEqual(rows, expected, f"seed {SEED}: rows of {seconds} s in Cassandra")
        # Our own reader gives the same as another store: one series from its first window to its last, newest first.
        one = results[0]
        series = ["--gateway", one["gateway"], "--type", one["metricType"], "--attribute", one["metricAttribute"], "--newest-first"]
        queried = self.succeed(*self.on_kafka("query"), "--store", "cassandra", "--table", f"{self.name}_aggregates_{seconds}", *series,
                               "--format", "json").stdout.splitlines()
        wanted = sorted((value["windowStart"] for value in results
                         if all(value[name] == one[name] for name in ("gateway", "metricType", "metricAttribute"))), reverse=True)
        self.assertEqual([json.loads(line)["windowStart"] for line in queried], wanted)

    def compare_redis(self, readings):
        activity, values = {}, {}
        for reading in readings:
            gateway, time_text = reading["gateway"], reading["timestamp"]
            activity[gateway] = max(activity.get(gateway, ""), time_text)
            series = values.setdefault(gateway, {})
            field = f"{reading['metricType']}.{reading['metricAttribute']}"
            series[field] = max(series.get(field, ("", 0)), (time_text, float(reading["value"])))
        for gateway, latest in activity.items():
            self.assertEqual(self.redis_cli("GET", f"{self.name}:{gateway}"), [latest])
            lines = self.redis_cli("HGETALL", f"{self.name}:values:{gateway}")
            found = {field: (text.split()[0], float(text.split()[1])) for field, text in zip(lines[::2], lines[1::2])}
            self.assertEqual(found, values[gateway], f"seed {SEED}: {gateway} in Redis")

    def redis_cli(self, *arguments):
        return subprocess.run([*self.redis, "cli", *arguments], check=True, capture_output=True, text=True).stdout.splitlines()

    def compare_lake(self, readings):
        files = f"{os.environ['METERSTREAM_S3_FILES']}/{self.name}/dt=*/*.parquet"
        rows = duckdb.sql(f"""SELECT gateway, metric_type, metric_attribute, epoch_ms(timestamp) AS ms, value, dt, CAST(timestamp AT TIME ZONE 'UTC' AS DATE)
                              FROM read_parquet('{files}', hive_partitioning = true)""").fetchall()
        for row in rows:
            self.assertEqual(str(row[5]), str(row[6]), "a reading lies in the partition of its date")
        found = collections.Counter((*row[:3], time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(row[3] / 1000)), row[4]) for row in rows)
        expected = collections.Counter((reading["gateway"], reading["metricType"], reading["metricAttribute"], reading["timestamp"],
                                        float(reading["value"])) for reading in readings)
        self.assertEqual(sum((found - expected).values()), 0, f"seed {SEED}: the lake has readings that nobody sent")
        self.assertEqual(sum((expected - found).values()), 0, f"seed {SEED}: the lake misses readings")
        verified = self.succeed(*self.on_kafka("lake", "verify", "--json"))
        self.assertTrue(verified.stdout)

    def test_agrees(self):
        results, readings = self.run_embedded()
        self.assertEqual(len(readings), READINGS * len(SETS))
        for options in self.replays():
            self.succeed(*self.on_kafka("replay", *options, "--topic", self.name))
        self.data_dir = "worker"
        summary = json.loads(self.succeed(*self.on_kafka("run", self.sql, "--until-idle", "--json")).stdout)
        self.assertTrue(summary["balanced"], summary)
        self.compare_stores(results, readings)
        # Nothing is left to do, whoever does it.
        self.data_dir = "another"
        self.succeed(*self.on_kafka("run", self.sql, "--until-idle"))
        self.compare_stores(results, readings)

    def test_kills(self):
        """Between a write and the commit of its position, and everywhere else."""
        results, readings = self.run_embedded()
        sets = list(self.replays())
        worker = self.start_worker("a")
        loads = []
        for number in range(KILLS):
            if number % max(1, KILLS // len(sets)) == 0 and len(loads) < len(sets):
                if loads:
                    loads[-1].finish()
                self.readings = sets[len(loads)]
                loads.append(Load(self, 600))
            time.sleep(self.random.uniform(0.2, 1.4))
            self.kill_worker("a")
            worker = self.start_worker("a")
        loads[-1].finish()
        self.assertEqual(len(loads), len(sets))
        self.assertIsNone(worker.poll())
        self.stop_workers()
        self.data_dir = "last"
        self.succeed(*self.on_kafka("run", self.sql, "--until-idle"))
        self.compare_stores(results, readings)


if __name__ == "__main__":
    unittest.main(verbosity=2)
