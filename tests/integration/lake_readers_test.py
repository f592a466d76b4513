"""The lake as others read it: DuckDB, pandas and pyarrow must find every reading of the topic once, in a directory and on a
real S3 server, after kill -9 at random moments of the sink and of compaction too. Run by with_s3.
METERSTREAM_SEED=<n> repeats the moments of another run, METERSTREAM_KILLS=<count> asks for more of them."""
import json
import os
import random
import signal
import subprocess
import sys
import unittest

import duckdb
import pandas
import pyarrow.dataset
import pyarrow.fs

from lake_test_base import COLUMNS, S3_URL, LakeTest

KILLS = int(os.environ.get("METERSTREAM_KILLS", "50"))
SEED = int(os.environ.get("METERSTREAM_SEED") or random.SystemRandom().randrange(1 << 32))


class LakeReaders(LakeTest):
    def test_duckdb_and_pandas_read_a_directory(self):
        rows = self.fill_topic()
        self.write_settings(uri="lake", roll_rows=2000)
        self.succeed("sink", "lake", "--until-idle")
        lake = self.folder / "lake"
        for merged in (False, True):
            if merged:
                self.succeed("lake", "compact", "--min-age", "0s")
            self.assertEqual(self.verified()["readings"], len(rows))
            self.assertEqual(self.duckdb_rows(lake), rows)
            frame = pandas.read_parquet(lake)
            self.assertEqual(len(frame), len(rows))
            self.assertEqual(str(frame["timestamp"].dtype), "datetime64[ms, UTC]")
            self.assertEqual(set(frame["dt"].astype(str)), {"2024-02-29", "2024-03-01"})
            self.assertTrue((frame["timestamp"].dt.strftime("%Y-%m-%d") == frame["dt"].astype(str)).all())
            groups = frame.groupby(["gateway", "metric_attribute"], observed=True)["value"].agg(["count", "min", "max"])
            by_duckdb = duckdb.sql("SELECT gateway, metric_attribute, count(value), min(value), max(value) "
                                   f"FROM read_parquet('{lake}/*/*.parquet') GROUP BY ALL").fetchall()
            self.assertEqual({key: tuple(group) for key, *group in groups.itertuples(name=None)},
                             {(gateway, attribute): tuple(group) for gateway, attribute, *group in by_duckdb})

    def test_compaction_that_has_nothing_to_do_says_why(self):
        self.fill_topic()
        self.write_settings(uri="lake", roll_rows=2000)
        self.succeed("sink", "lake", "--until-idle")
        objects = json.loads(self.succeed("lake", "verify", "--json").stdout)["objects"]
        self.assertEqual(self.succeed("lake", "compact").stdout, f"nothing to merge; objects: {objects} younger than 1h (--min-age)\n")
        text = self.succeed("lake", "compact", "--min-age", "0s", "--target", "1KB").stdout
        self.assertRegex(text, r"^nothing to merge; objects: .*larger than 1.00 kB \(--target\) or 2,000,000 readings together with the next one\n$")
        self.assertRegex(self.succeed("lake", "compact", "--min-age", "0s").stdout, r"^\d+ objects became \d+: ")
        left = json.loads(self.succeed("lake", "compact", "--min-age", "0s", "--json").stdout)["left"]
        self.assertEqual((left["young"], left["large"], left["apart"]), (0, 0, 0))
        self.assertEqual(self.succeed("lake", "compact", "--min-age", "0s").stdout,
                         f"nothing to merge; objects: {left['alone']} alone in their date, topic and partition\n")

    def test_statistics_let_duckdb_skip_what_was_not_asked_for(self):
        self.fill_topic()
        self.write_settings(uri="lake")
        self.succeed("sink", "lake", "--until-idle")
        statistics = duckdb.sql("SELECT path_in_schema, stats_min_value, stats_max_value, compression FROM "
                                f"parquet_metadata('{self.folder}/lake/dt=2024-03-01/*.parquet')").fetchall()
        for name, least, greatest, compression in statistics:
            self.assertIsNotNone(least, name)
            self.assertIsNotNone(greatest, name)
            self.assertEqual(compression, "ZSTD")

    def test_pyarrow_reads_s3(self):
        rows = self.fill_topic()
        endpoint = S3_URL.removeprefix("http://")
        self.write_s3_settings("s3://lake/readers", roll_rows=2000)
        self.succeed("sink", "lake", "--until-idle")
        self.assertEqual(self.verified()["readings"], len(rows))
        store = pyarrow.fs.S3FileSystem(access_key="meterstream", secret_key="local-secret", region="us-east-1",
                                        endpoint_override=endpoint, scheme="http")
        readings = pyarrow.dataset.dataset("lake/readers", filesystem=store, format="parquet", partitioning="hive").to_table()
        found = duckdb.sql(f"SELECT \"offset\", {COLUMNS} FROM readings").fetchall()
        self.assertEqual(sorted(found), sorted(row[1:] for row in rows))

    def killed(self, *arguments):
        """Starts the program and kills it after a random time, if it has not ended."""
        process = subprocess.Popen(self.command(*arguments), cwd=self.folder, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        try:
            process.wait(timeout=self.random.uniform(0.02, 0.15))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            return True
        return False

    def test_kills_lose_and_double_nothing(self):
        print(f"seed {SEED}", file=sys.stderr)
        self.random = random.Random(SEED)
        rows = self.fill_topic()
        kills = 0
        while kills < KILLS:
            # Each life ends its objects by another limit, and flushes what is idle at another moment.
            self.write_settings(uri="lake", roll_rows=self.random.choice([50, 70, 130]),
                           idle_flush=self.random.choice(["10ms", "100ms", "30s"]))
            kills += self.killed("sink", "lake")
            if self.random.random() < 0.2:
                kills += self.killed("lake", "compact", "--min-age", "0s")
        self.succeed("sink", "lake", "--until-idle")
        self.succeed("lake", "compact", "--min-age", "0s")
        self.assertEqual(self.verified()["readings"], len(rows))
        self.assertEqual(self.duckdb_rows(self.folder / "lake"), rows)


if __name__ == "__main__":
    unittest.main()
