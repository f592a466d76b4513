"""The queries of Nexmark and Theodolite in benchmarks/, on few events: all rows beside what DuckDB gives for the benchmark's definition."""
import os
import pathlib
import subprocess
import sys
import unittest

import duckdb

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "cli"))
sys.path.insert(0, str(ROOT / "benchmarks" / "workload"))
import suite  # noqa: E402
from program import ProgramTest  # noqa: E402

WORKLOAD = os.environ.get("METERSTREAM_WORKLOAD") or str(ROOT / "build/release/benchmarks/workload/workload")
SIZES = {"nexmark": 60_000, "sensors": 60_000, "months": 40_000}
# Fewer events a second make more windows of them.
MORE = {"nexmark": ["--events-per-second", 500]}


class DuckDbBenchmarks(ProgramTest):
    def test_nexmark(self):
        self.check("nexmark")

    def test_theodolite(self):
        self.check("theodolite")

    def test_same_seed_same_events_and_another_seed_others(self):
        for folder, seed in (("one", 1), ("same", 1), ("other", 2)):
            (self.folder / folder).mkdir()
            subprocess.run([WORKLOAD, "--data-dir", self.folder / f"data-{folder}", "nexmark", "--events", "2000", "--seed", str(seed),
                            "--files", self.folder / folder], check=True, capture_output=True)
        one, same, other = (("".join((self.folder / folder / f"{kind}.json").read_text() for kind in ("person", "auction", "bid")))
                            for folder in ("one", "same", "other"))
        self.assertEqual(one, same)
        self.assertNotEqual(one, other)
        self.assertEqual(one.count("\n"), 2000)

    def check(self, name):
        connection = duckdb.connect()
        loaded = {}
        for query in suite.SUITES[name]:
            load = suite.LOADS[query.load]
            self.data_dir = f"data-{query.load}"
            folder = self.folder / f"files-{query.load}"
            if query.load not in loaded:
                wanted = suite.Load(load.command, lambda size, load=load, key=query.load: [*load.arguments(size), *MORE.get(key, [])],
                                    load.relations)
                wanted.generate(WORKLOAD, ["--data-dir", self.folder / self.data_dir], folder, SIZES[query.load])
                loaded[query.load] = True
            suite.load_relations(connection, folder, load.relations)
            with self.subTest(query=query.name):
                self.succeed("run", query.sql, "--until-idle")
                self.write("results.json", self.succeed("console", query.topic, "--json").stdout)
                found = suite.differences(connection, query, self.folder / "results.json")
                self.assertEqual((found["missing"], found["unexpected"]), ([], []))
                self.assertGreater(found["rows"], 10)


if __name__ == "__main__":
    unittest.main()
