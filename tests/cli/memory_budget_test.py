"""State larger than the memory budget: slower, and the same answer."""
import collections
import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from program import ProgramTest  # noqa: E402


class MemoryBudget(ProgramTest):
    def run_with(self, budget, application):
        self.write("budget.toml", f'[engine]\nmemory_budget = "{budget}"\nthreads = 2\n')
        self.succeed("--config", "budget.toml", "aggregate", "--window", "60", "--grace", "1d", "--until-idle",
                     "--application-id", application)

    def results(self):
        """How often each result was written."""
        lines = self.succeed("console", "metrics-aggregates-60", "--json").stdout.splitlines()
        return collections.Counter((record["key"], repr(record["value"])) for record in map(json.loads, lines))

    def test_windows_beyond_the_budget_give_the_same_results(self):
        self.succeed("replay", "--data", "simulate", "--households", "1-10", "--duration", "12h")
        self.run_with("1GB", "roomy")
        expected = self.results()
        self.assertGreater(len(expected), 50_000)
        self.assertEqual(set(expected.values()), {1})
        # Two threads move pages out at the same time; several runs, because a race shows only in some.
        for attempt in range(4):
            self.run_with("1MB", f"narrow{attempt}")
        self.assertEqual(self.results(), {result: 5 for result in expected})


if __name__ == "__main__":
    unittest.main()
