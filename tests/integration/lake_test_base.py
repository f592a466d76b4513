"""What tests of the lake share: a topic with readings, and the lake's rows as DuckDB finds them. Run by with_s3."""
import json
import os
import pathlib
import sys

import duckdb
import pandas

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
from program import ProgramTest  # noqa: E402

S3_URL = os.environ["METERSTREAM_S3_URL"]
REPLAY = ["replay", "--data", "simulate", "--households", "1-5", "--start", "2024-02-29T20:00:00Z", "--duration", "8h",
          "--seed", "11"]
COLUMNS = "gateway, metric_type, metric_attribute, epoch_ms(\"timestamp\"), value"


class LakeTest(ProgramTest):
    def write_settings(self, **settings):
        lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
        self.write("meterstream.toml", "[lake]\n" + "\n".join(lines) + "\n")

    def write_s3_settings(self, uri, endpoint=S3_URL, **settings):
        self.write_settings(uri=uri, endpoint=endpoint, region="us-east-1", access_key="meterstream", secret_key="local-secret",
                            **settings)

    def fill_topic(self):
        """Rows (partition, offset, gateway, type, attribute, time in ms, value) of the topic, by the program's console."""
        self.succeed(*REPLAY)
        rows = []
        for line in self.succeed("console", "metrics", "--json").stdout.splitlines():
            record = json.loads(line)
            value = record["value"]
            time_ms = int(pandas.Timestamp(value["timestamp"]).timestamp() * 1000)
            rows.append((record["partition"], record["offset"], value["gateway"], value["metricType"],
                         value["metricAttribute"], time_ms, float(value["value"])))
        self.assertGreater(len(rows), 10_000)
        return sorted(rows)

    @staticmethod
    def duckdb_rows(lake):
        """The same rows by DuckDB, which takes the partition from the objects' names."""
        return sorted(duckdb.sql(
            f"SELECT regexp_extract(filename, '/metrics\\+(\\d+)\\+', 1)::INT, \"offset\", {COLUMNS} "
            f"FROM read_parquet('{lake}/dt=*/*.parquet', hive_partitioning=true, filename=true)").fetchall())

    def verified(self, *arguments):
        report = json.loads(self.succeed("lake", "verify", "--json", *arguments).stdout)
        self.assertEqual(report["faults"], [])
        return report
