"""The golden cases on a real broker: the rows of their .expected files. Several run at once, each with topics of its own.
METERSTREAM_CASES="alarms joins" runs these only. Run by: with_kafka 1 python3 kafka_golden_test.py"""
import concurrent.futures
import os
import pathlib
import sys
import unittest

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "golden"))
sys.path.insert(0, str(TESTS / "cli"))
import golden  # noqa: E402
from program import ProgramTest  # noqa: E402

BROKERS = os.environ["METERSTREAM_TEST_KAFKA"]
AT_ONCE = 4


class KafkaGolden(ProgramTest):
    maxDiff = None

    def results(self, case):
        def program(*arguments):
            command = self.command(*arguments)
            command[2] = case.name  # a data directory each
            result = self.run_command(command)
            if result.returncode != 0:
                raise RuntimeError(f"{case.name}: {arguments[0]} ended with {result.returncode}\n{result.stderr[-2000:]}")
            return result.stdout
        options = ["--kafka", BROKERS, "--schema-id", 1]
        return golden.Run(case, program, self.folder, topics=f"{case.name}-", options=options).straight("--threads", 2)

    def test_gives_the_expected_rows(self):
        names = os.environ.get("METERSTREAM_CASES", "").split()
        cases = [case for case in golden.cases() if not names or case.name in names]
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            results = [pool.submit(self.results, case) for case in cases]
        for case, result in zip(cases, results):
            with self.subTest(case=case.name):
                self.assertEqual(result.result(), case.expected_path.read_text(encoding="utf-8"), case.path)


if __name__ == "__main__":
    unittest.main(verbosity=2)
