"""Every golden case straight, in batches of three records with a commit after each, stopped half-way and gone on with another number of
threads, and its queries in DuckDB: always the rows of its .expected file. `golden_test.py --accept [CASE...]` writes that file anew; read
what it changed before you commit it."""
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
import golden  # noqa: E402
from program import ProgramTest  # noqa: E402

ACCEPTS = "--accept" in sys.argv
# Sanitizers see the same code in every way.
IS_SHORT = "METERSTREAM_SHORT" in os.environ



SMALL = 'batch_records = 3\ncommit_interval = "1ms"'


class Golden(ProgramTest):
    maxDiff = None

    def in_directory(self, name):
        def program(*arguments):
            self.data_dir = name
            return self.succeed(*arguments).stdout
        return program

    def way(self, case, name, engine=""):
        return golden.Run(case, self.in_directory(name), self.folder, engine=engine)

    def check(self, case):
        straight = self.way(case, "straight")
        results = straight.straight()
        if ACCEPTS:
            case.expected_path.write_text(results, encoding="utf-8")
        self.assertEqual(results, case.expected_path.read_text(encoding="utf-8"), f"{case.path}, straight")
        if golden.duckdb is not None:
            self.assertEqual(golden.InDuckDb(straight, self.in_directory("scratch")).differences(), [], case.path)
        if not IS_SHORT:
            self.assertEqual(self.way(case, "small", SMALL).straight(), results, f"{case.path}, in small batches")
        self.assertEqual(self.way(case, "stopped").stopped(), results, f"{case.path}, stopped and gone on")


def add_test(case):
    setattr(Golden, f"test_{case.name}", lambda self: self.check(case))


for each in golden.cases():
    add_test(each)

if __name__ == "__main__":
    sys.argv = [argument if argument not in {case.name for case in golden.cases()} else f"Golden.test_{argument}"
                for argument in sys.argv if argument != "--accept"]
    unittest.main()
