"""Replay end to end: what arrives, at which rate, and that an end in the middle loses and repeats nothing."""
import collections
import gzip
import json
import pathlib
import resource
import shlex
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from program import BINARY, ProgramTest, uci_lines  # noqa: E402


class Replay(ProgramTest):
    def replay(self, *arguments):
        return self.succeed("replay", "--type", "electricity", "--data", "uci.txt", *arguments)

    def records(self):
        """Values of the topic by key, in order."""
        by_key = collections.defaultdict(list)
        for line in self.succeed("console", "--json").stdout.splitlines():
            record = json.loads(line)
            by_key[record["key"]].append(record["value"])
        return dict(by_key)

    def test_every_household_gets_every_value_once(self):
        self.write("uci.txt", uci_lines(50))
        summary = json.loads(self.replay("--households", "2-4", "--json").stdout)
        self.assertEqual(summary["readings"], 45 * 4 * 3)
        self.assertTrue(summary["complete"])
        self.assertEqual(summary["file"]["skippedValues"], 5 * 4)
        records = self.records()
        self.assertEqual(len(records), 12)
        first = records["household-3.ELECTRICITY.ACTIVE_POWER"][0]
        self.assertEqual(first, {"gateway": "household-3", "metricType": "ELECTRICITY", "metricAttribute": "ACTIVE_POWER",
                                 "timestamp": "2006-12-16T17:24:00Z", "value": 1.003})

    def test_raw_values_and_moved_days(self):
        self.write("uci.txt", uci_lines(2))
        self.replay("--no-offset", "--day-offset", "-1")
        first = self.records()["household-1.ELECTRICITY.REACTIVE_POWER"][0]
        self.assertEqual((first["timestamp"], first["value"]), ("2006-12-15T17:24:00Z", 0.418))

    def test_compressed_files_and_both_line_ends_give_the_same(self):
        self.write("uci.txt", uci_lines(30))
        self.replay()
        expected = self.records()
        self.data_dir = "other"
        self.write("uci.txt.gz", gzip.compress(uci_lines(30, "\r\n").encode()))
        self.succeed("replay", "--type", "electricity", "--data", "uci.txt.gz")
        self.assertEqual(self.records(), expected)

    def test_malformed_lines_are_counted_and_named(self):
        lines = uci_lines(10).splitlines()
        lines.insert(4, "this is no reading")
        self.write("uci.txt", "\n".join(lines) + "\n")
        result = self.replay()
        self.assertIn("1 malformed lines", result.stdout)
        self.assertIn("first malformed line 5", result.stdout)

    def test_count_and_rate(self):
        self.write("uci.txt", uci_lines(1000))
        began = time.monotonic()
        summary = json.loads(self.replay("--count", "300", "--rate", "400", "--json").stdout)
        self.assertEqual(summary["readings"], 300)
        self.assertGreater(time.monotonic() - began, 0.7)

    def interrupted(self, end_signal):
        """A slow replay that is ended after some commits."""
        process = self.start_program("replay", "--type", "electricity", "--data", "uci.txt", "--households", "1-3",
                                     "--rate", "3000")
        time.sleep(0.7)
        process.send_signal(end_signal)
        output, errors = process.communicate(timeout=60)
        return process.returncode, output, errors

    def test_ctrl_c_commits_and_prints_the_command_that_goes_on(self):
        self.write("uci.txt", uci_lines(600))
        code, _, errors = self.interrupted(signal.SIGINT)
        self.assertEqual(code, 130, errors)
        command = shlex.split(errors.strip().splitlines()[-1])
        self.assertEqual(command[0], "meterstream")
        command = [word for index, word in enumerate(command) if word != "--rate" and command[index - 1] != "--rate"]
        result = subprocess.run([BINARY, *command[1:]], cwd=self.folder, capture_output=True, text=True, check=False)
        self.assert_exit(result, 0)
        self.assertIn("going on after", result.stderr)
        self.check_complete()

    def test_kill_loses_and_repeats_nothing_after_resume(self):
        self.write("uci.txt", uci_lines(600))
        for _ in range(3):
            process = self.start_program("replay", "--type", "electricity", "--data", "uci.txt", "--households", "1-3",
                                         "--rate", "3000", "--resume")
            time.sleep(0.5)
            process.kill()
            process.wait()
        self.replay("--households", "1-3", "--resume")
        self.check_complete()

    def check_complete(self):
        """The topic equals that of an undisturbed replay."""
        actual = self.records()
        self.data_dir = "undisturbed"
        self.replay("--households", "1-3")
        self.assertEqual(actual, self.records())

    def test_resume_of_a_finished_replay_adds_nothing(self):
        self.write("uci.txt", uci_lines(20))
        self.replay()
        before = self.records()
        self.assertEqual(json.loads(self.replay("--resume", "--json").stdout)["readings"], 0)
        self.assertEqual(self.records(), before)

    def test_simulation_is_the_same_for_the_same_seed(self):
        arguments = ["replay", "--data", "simulate", "--households", "1-5", "--duration", "2h"]
        self.succeed(*arguments, "--seed", "7")
        first = self.records()
        self.data_dir = "second"
        self.succeed(*arguments, "--seed", "7", "--count", "500")
        self.succeed(*arguments, "--seed", "7", "--resume")
        self.assertEqual(self.records(), first)


class DataDirectory(ProgramTest):
    def test_second_process_is_told_that_the_directory_is_in_use(self):
        self.write("uci.txt", uci_lines(1000))
        self.start_program("replay", "--type", "electricity", "--data", "uci.txt", "--rate", "50")
        time.sleep(0.7)
        for command in (["topics"], ["replay", "--type", "electricity", "--data", "uci.txt"], ["doctor"]):
            with self.subTest(command=command):
                result = self.run_program(*command)
                self.assert_exit(result, 3)
                self.assertIn("data", result.stderr + result.stdout)

    def test_disk_full_is_told_with_what_to_do(self):
        def limit_files():
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
            resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))

        self.write("uci.txt", uci_lines(20_000))
        result = self.run_program("replay", "--type", "electricity", "--data", "uci.txt", "--households", "1-5",
                                  preexec_fn=limit_files)
        self.assert_exit(result, 3)
        self.assertIn("--resume", result.stderr)
        result = self.run_program("replay", "--type", "electricity", "--data", "uci.txt", "--households", "1-5",
                                  "--resume", "--json")
        self.assert_exit(result, 0)
        self.assertEqual(json.loads(result.stdout)["readingsInAll"], 18_000 * 4 * 5)

    def test_file_that_cannot_be_read_any_more_is_told(self):
        self.write("uci.txt", uci_lines(1000))
        process = self.start_program("replay", "--type", "electricity", "--data", "uci.txt", "--rate", "50")
        time.sleep(0.7)
        # What the operating system sends when the disk under a mapped file fails.
        process.send_signal(signal.SIGBUS)
        _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 4, errors)
        self.assertIn("could not be read", errors)

    def test_doctor_finds_damaged_data(self):
        self.write("uci.txt", uci_lines(2000))
        self.succeed("replay", "--type", "electricity", "--data", "uci.txt")
        self.assertIn("all checksums right", self.succeed("doctor").stdout)
        largest = max((path for path in (self.folder / "data").rglob("*") if path.is_file()),
                      key=lambda path: path.stat().st_size)
        content = bytearray(largest.read_bytes())
        for position in range(len(content) // 4, len(content), len(content) // 8):
            content[position] ^= 0xFF
        largest.write_bytes(bytes(content))
        result = self.run_program("doctor")
        self.assert_exit(result, 4)
        self.assertIn("BAD", result.stdout)
        self.assertIn("->", result.stdout)


class Track(ProgramTest):
    def test_counts_and_gives_up(self):
        self.write("uci.txt", uci_lines(100))
        self.succeed("replay", "--type", "electricity", "--data", "uci.txt")
        result = json.loads(self.succeed("track", "--topic", "metrics", "--count", "200", "--json").stdout)
        self.assertEqual(result["seen"], 200)
        self.assertLessEqual(result["delayMs"]["p50"], result["delayMs"]["max"])
        result = self.run_program("track", "--topic", "metrics", "--count", "1000", "--timeout", "300ms")
        self.assert_exit(result, 1)
        self.assertIn("360 of 1,000", result.stderr)


if __name__ == "__main__":
    unittest.main()
