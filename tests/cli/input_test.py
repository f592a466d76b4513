"""What a replay does with files that are damaged, empty or of another kind, and with wrong options."""
import gzip
import json
import pathlib
import random
import shlex
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from program import BINARY, ProgramTest, uci_lines  # noqa: E402

REPLAY = ["replay", "--type", "electricity", "--data"]


class Files(ProgramTest):
    def records(self):
        return self.succeed("console").stdout.splitlines()

    def test_readings_before_a_fault_are_committed_always_the_same(self):
        # Values that hardly compress, so that a damaged small file still has much text before the fault.
        numbers = random.Random(5)
        lines = [f"{line[:19]};{numbers.random():.3f};{numbers.random():.3f};{numbers.random():.3f};18.4;0;1;1"
                 for line in uci_lines(3000).splitlines()[1:]]
        header = uci_lines(0)
        compressed = gzip.compress((header + "\n".join(lines) + "\n").encode())
        cut = compressed[:len(compressed) // 2]
        self.write("cut.gz", cut)
        counts = set()
        for attempt in range(3):
            self.data_dir = f"data{attempt}"
            result = self.run_program(*REPLAY, "cut.gz")
            self.assert_exit(result, 1)
            self.assertIn("cut.gz", result.stderr)
            self.assertIn("--resume", result.stderr)
            counts.add(len(self.records()))
        self.assertEqual(len(counts), 1, counts)
        self.assertGreater(counts.pop(), 3000 * 4 * 0.4)
        self.write("cut.gz", compressed)
        result = self.run_program(*REPLAY, "cut.gz", "--resume", "--json")
        self.assert_exit(result, 0)
        self.assertEqual(json.loads(result.stdout)["readingsInAll"], 3000 * 4)

    def test_archive_that_is_none_is_a_failure_and_not_corrupt_stored_data(self):
        self.write("broken.zip", b"PK\x03\x04 and no archive")
        self.assert_exit(self.run_program(*REPLAY, "broken.zip"), 1)

    def test_counts_are_those_of_the_lines_that_were_used(self):
        self.write("uci.txt", uci_lines(2000))
        result = self.run_program(*REPLAY, "uci.txt", "--count", "4", "--json")
        self.assert_exit(result, 0)
        file = json.loads(result.stdout)["file"]
        self.assertEqual(file, {"lines": 2, "rows": 1, "skippedValues": 0, "malformedLines": 0})

    def test_file_without_a_row_is_warned_of(self):
        self.write("header.txt", uci_lines(0))
        result = self.succeed(*REPLAY, "header.txt")
        self.assertIn("no row below the header", result.stderr)
        self.assertEqual(self.succeed(*REPLAY, "header.txt", "--json").returncode, 0)

    def test_lines_that_end_in_carriage_returns_are_named(self):
        self.write("mac.txt", uci_lines(3, "\r"))
        result = self.run_program(*REPLAY, "mac.txt")
        self.assert_exit(result, 2)
        self.assertIn("carriage returns", result.stderr)

    def test_bytes_of_foreign_files_do_not_reach_the_terminal(self):
        self.write("utf16.txt", uci_lines(3).encode("utf-16"))
        self.write("escape.txt", b"\x1b[2J\x1b]0;title\x07 a;b\xc2\x9b31m\n")
        for name in ("utf16.txt", "escape.txt"):
            with self.subTest(name=name):
                result = self.run_program(*REPLAY, name)
                self.assert_exit(result, 2)
                self.assertTrue(all(letter == "\n" or letter.isprintable() for letter in result.stderr), result.stderr)
                self.assertIn("\\x", result.stderr)


class Options(ProgramTest):
    def test_times_stay_in_the_years_1_to_9999(self):
        self.write("uci.txt", uci_lines(3))
        sources = (["--type", "electricity", "--data", "uci.txt"], ["--data", "simulate", "--duration", "1h"])
        for source in sources:
            for offset in ("99999999999", "106751991167", "3650000", "-3650000", "-9223372036854775808"):
                with self.subTest(source=source, offset=offset):
                    result = self.run_program("replay", *source, "--day-offset", offset)
                    self.assert_exit(result, 2)
                    self.assertIn("years 1 to 9999", result.stderr)
            self.succeed("replay", *source, "--day-offset", "2900000")
        result = self.run_program("replay", "--data", "simulate", "--duration", "99999999d")
        self.assert_exit(result, 2)

    def test_messages_about_numbers_say_what_is_taken(self):
        self.write("uci.txt", uci_lines(3))
        for command in (["console", "--limit", "-1"], ["console", "--limit", "x"], ["query", "--limit", "0"], ["query", "--limit", "0.5"],
                        [*REPLAY, "uci.txt", "--from-line", "0"], ["topics", "--kafka", "a:1", "--schema-id", "0"]):
            with self.subTest(command=command):
                result = self.run_program(*command)
                self.assert_exit(result, 2)
                self.assertIn(f"{command[-2]}: '{command[-1]}' is not a whole number of at least", result.stderr)

    def test_options_of_the_simulation_are_not_for_files(self):
        self.write("uci.txt", uci_lines(3))
        for option, value in (("--seed", "2"), ("--start", "2008-01-01T00:00:00Z"), ("--duration", "2d"), ("--interval", "1s")):
            with self.subTest(option=option):
                result = self.run_program(*REPLAY, "uci.txt", option, value)
                self.assert_exit(result, 2)
                self.assertIn("--data simulate", result.stderr)
        self.assert_exit(self.run_program(*REPLAY, "uci.txt", "--rate", "0.5"), 2)

    def test_directory_is_no_program(self):
        result = self.run_program("run", ".", "--until-idle")
        self.assert_exit(result, 2)
        self.assertIn("is a directory", result.stderr)

    def test_console_begins_at_a_date(self):
        self.write("uci.txt", uci_lines(3))
        self.succeed(*REPLAY, "uci.txt")
        self.assertEqual(len(self.succeed("console", "--from", "2020-01-01").stdout.splitlines()), 12)
        self.assertEqual(self.succeed("console", "--from", "2999-01-01").stdout, "")

    def test_console_reads_topics_one_after_the_other(self):
        self.write("uci.txt", uci_lines(3))
        self.succeed(*REPLAY, "uci.txt")
        self.succeed(*REPLAY, "uci.txt", "--topic", "other")
        topics = [json.loads(line)["topic"] for line in self.succeed("console", "other", "metrics", "--json").stdout.splitlines()]
        self.assertEqual(topics, ["other"] * 12 + ["metrics"] * 12)
        self.assertEqual(len(self.succeed("console", "other", "metrics", "--limit", "13").stdout.splitlines()), 13)
        refused = self.run_program("console", "other", "metrics", "--follow")
        self.assert_exit(refused, 2)
        self.assertIn("one topic", refused.stderr)

    def test_types_may_be_in_any_letter_case(self):
        self.write("uci.txt", uci_lines(3))
        self.succeed("replay", "--type", "ELECTRICITY", "--data", "uci.txt")
        result = self.succeed("replay", "--type", "electricity", "--data", "uci.txt", "--resume")
        self.assertIn("going on after", result.stderr)

    def test_command_that_goes_on_can_be_pasted(self):
        self.data_dir = "d q"
        self.write("cut.gz", gzip.compress(uci_lines(50).encode())[:-4])
        result = self.run_program(*REPLAY, "cut.gz")
        words = shlex.split(result.stderr.strip().splitlines()[-1])
        self.assertEqual(words[:3], ["meterstream", "--data-dir", "d q"])
        self.write("cut.gz", gzip.compress(uci_lines(50).encode()))
        again = subprocess.run([BINARY, *words[1:]], cwd=self.folder, capture_output=True, text=True, check=False)
        self.assert_exit(again, 0)

    def test_new_topic_needs_a_name(self):
        self.assert_exit(self.run_program("topics", "--create", ""), 2)


if __name__ == "__main__":
    unittest.main()
