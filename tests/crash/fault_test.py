"""What goes wrong outside the program: each fault gives one clear message and its exit code, and nothing is lost."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
from program import ProgramTest  # noqa: E402

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "examples/aggregates.sql"
TOPICS = [f"metrics-aggregates-{window}{kind}" for window in (60, 3600, 86400) for kind in ("", "-late")]
SIMULATION = ["replay", "--data", "simulate", "--households", "1-30", "--duration", "8h", "--seed", "11"]
RUN = ["run", EXAMPLE, "--until-idle"]
QUERY = ["query", "--gateway", "household-3", "--type", "ELECTRICITY", "--attribute", "VOLTAGE", "--window", "1m",
         "--format", "csv"]
ARRIVAL = re.compile(r'"ingestTime":"[^"]*",')


class Faults(ProgramTest):
    def topic(self, name):
        """Records of each partition in order, without their times of arrival."""
        partitions = {}
        for line in self.succeed("console", name, "--json").stdout.splitlines():
            partition = re.search(r'"partition":(\d+)', line).group(1)
            partitions.setdefault(partition, []).append(ARRIVAL.sub("", line))
        return partitions

    def results(self):
        seen = {name: self.topic(name) for name in [*TOPICS, "metrics-rejected"]}
        seen["query"] = self.succeed(*QUERY).stdout
        return seen

    def undisturbed(self):
        """A replayed directory `replayed`, and the results of a run over a copy of it."""
        self.data_dir = "replayed"
        self.succeed(*SIMULATION)
        shutil.copytree(self.folder / "replayed", self.folder / "undisturbed")
        self.data_dir = "undisturbed"
        self.succeed(*RUN)
        return self.results()

    def assert_one_message(self, result, code, *words):
        """The exit code, and one message of one line (what follows it is indented or says how to go on)."""
        self.assert_exit(result, code)
        messages = [line for line in result.stderr.splitlines() if line.startswith("meterstream")]
        self.assertEqual(len(messages), 1, result.stderr)
        for word in words:
            self.assertIn(word, result.stderr)
        self.assertNotIn("CHECK", result.stderr)

    def assert_same(self, actual, expected):
        for name, records in expected.items():
            self.assertTrue(actual[name] == records, f"{name} differs")


class InUse(Faults):
    def test_every_command_says_that_another_process_has_the_directory(self):
        self.succeed(*SIMULATION)
        before = self.store_files()
        holder = self.start_program("run", EXAMPLE)
        # Opening the store makes new files there.
        for _ in range(600):
            if self.store_files() - before:
                break
            time.sleep(0.05)
        for command in ([*SIMULATION, "--resume"], RUN, ["topics"], ["console", "--limit", "1"], QUERY):
            with self.subTest(command=command[0]):
                self.assert_one_message(self.run_program(*command), 3, self.data_dir)
        holder.send_signal(signal.SIGINT)
        _, errors = holder.communicate(timeout=60)
        # A run that follows for ever is ended this way: that is no failure.
        self.assertEqual(holder.returncode, 0, errors)
        self.succeed(*RUN)

    def store_files(self):
        return {file.name for file in (self.folder / "data/store").iterdir()}


class DiskFull(Faults):
    @staticmethod
    def resize(point, megabytes):
        subprocess.run(["mount", "-o", f"remount,size={megabytes}m", point], check=True)

    def test_replay_goes_on_when_there_is_space_again(self):
        self.data_dir = "whole"
        self.succeed(*SIMULATION)
        expected = self.topic("metrics")
        point = self.mount_small(6)
        self.data_dir = "small/data"
        self.assert_one_message(self.run_program(*SIMULATION), 3, "disk full", "small/data", "free some space")
        # Still full: the same answer, and nothing gets worse.
        self.assert_one_message(self.run_program(*SIMULATION, "--resume"), 3, "free some space")
        self.resize(point, 300)
        self.succeed(*SIMULATION, "--resume")
        self.assertTrue(self.topic("metrics") == expected)

    def test_run_goes_on_when_there_is_space_again(self):
        expected = self.undisturbed()
        used = sum(file.stat().st_size for file in (self.folder / "replayed").rglob("*") if file.is_file())
        point = self.mount_small(used // 1_000_000 + 8)
        shutil.copytree(self.folder / "replayed", point / "data")
        self.data_dir = "small/data"
        for _ in range(3):
            self.assert_one_message(self.run_program(*RUN), 3, "disk full", "small/data", "free some space")
        # Not one byte is left: reading still works, or says why not.
        with open(point / "filler", "wb", buffering=0) as filler:
            try:
                while filler.write(bytes(4096)):
                    pass
            except OSError:
                pass
        for command in (RUN, ["topics"], ["console", "--limit", "1"], QUERY, [*SIMULATION, "--resume"]):
            with self.subTest(full=command[0]):
                result = self.run_program(*command)
                if result.returncode != 0:
                    self.assert_one_message(result, result.returncode, "small/data")
                    self.assertEqual(result.returncode, 3, result.stderr)
        (point / "filler").unlink()
        for megabytes in (used // 1_000_000 + 20, 400):
            self.resize(point, megabytes)
            result = self.run_program(*RUN)
        self.assert_exit(result, 0)
        self.assert_same(self.results(), expected)


class Damage(Faults):
    @staticmethod
    def flip(path, places):
        content = bytearray(path.read_bytes())
        for place in places:
            content[int(len(content) * place)] ^= 0x10
        path.write_bytes(content)

    def test_flipped_bit_in_a_log_segment_names_the_topic(self):
        self.succeed(*SIMULATION)
        [segment] = (self.folder / "data/log").glob("*.segment")
        self.flip(segment, [0.5])
        self.assert_one_message(self.run_program(*RUN), 4, "topic metrics partition", "offset", "CRC", "restore")
        self.assert_one_message(self.run_program("console", "--json"), 4, "topic metrics partition")
        doctor = self.run_program("doctor")
        self.assertEqual(doctor.returncode, 4)
        self.assertIn(segment.name, doctor.stdout)

    def test_flipped_bits_in_a_file_of_the_store_name_the_file(self):
        self.succeed(*SIMULATION)
        self.succeed(*RUN)
        # Opening moves what is in the write-ahead log into files.
        self.succeed("topics")
        table = max((self.folder / "data/store").glob("*.sst"), key=lambda path: path.stat().st_size)
        self.flip(table, [0.05 * step for step in range(1, 19)])
        # Which series the largest file holds depends on when the store last merged its files.
        queries = [self.run_program("query", "--gateway", f"household-{number}", "--attribute", attribute)
                   for number in (1, 10, 20, 30) for attribute in ("ACTIVE_POWER", "VOLTAGE", "GAS_IDD")]
        damaged = [query for query in queries if query.returncode != 0]
        self.assertGreater(len(damaged), 0, "no query met the damage")
        for query in damaged:
            self.assert_one_message(query, 4, table.name, "restore")
        doctor = self.run_program("doctor")
        self.assertEqual(doctor.returncode, 4)
        self.assertIn(table.name, doctor.stdout)

    def test_a_segment_that_is_gone_is_named(self):
        self.succeed(*SIMULATION)
        [segment] = (self.folder / "data/log").glob("*.segment")
        segment.unlink()
        self.assert_one_message(self.run_program(*RUN), 4, segment.name)


class Input(Faults):
    def test_file_that_is_missing_unreadable_or_no_file(self):
        (self.folder / "folder").mkdir()
        for name in ("missing.txt", "folder"):
            with self.subTest(name=name):
                result = self.run_program("replay", "--type", "electricity", "--data", name)
                self.assertIn(result.returncode, (1, 2))
                self.assert_one_message(result, result.returncode, name)
        for name in ("missing.sql", "folder"):
            with self.subTest(name=name):
                result = self.run_program("run", name, "--until-idle")
                self.assertIn(result.returncode, (1, 2))
                self.assert_one_message(result, result.returncode, name)
        self.assertFalse((self.folder / "data").exists(), "a wrong file must not leave a data directory behind")

    def test_bad_sql_shows_the_place(self):
        for text, line, column, words in (
                ("CREATE STREAM metrics (gateway VARCHAR, value DOUBEL);\n", 1, 47, "expected DOUBLE"),
                ("CREATE STREAM metrics (\n  time TIMESTAMP\n) WITH (topik = 'metrics');\n", 3, 9, "topic"),
                ("CREATE TABLE t AS SELECT COUNT(*) AS n FROM nowhere GROUP BY gateway;\n", 1, 45, "nowhere"),
                ("SELECT 'open\n", 1, 8, "'")):
            with self.subTest(text=text):
                self.write("bad.sql", text)
                result = self.run_program("run", "bad.sql", "--until-idle")
                self.assert_one_message(result, 2, f"bad.sql:{line}:{column}:", words)
                lines = result.stderr.splitlines()
                caret = next(number for number, shown in enumerate(lines) if shown.strip().startswith("^"))
                self.assertEqual(lines[caret].index("^") - lines[caret - 1].index(text.splitlines()[line - 1]), column - 1)
        self.assertFalse((self.folder / "data").exists())

    def test_unknown_option(self):
        self.assert_one_message(self.run_program("run", EXAMPLE, "--until-idel"), 2, "--until-idel", "--until-idle")


class Stops(Faults):
    def stopped(self, seconds, *arguments):
        """Ctrl-C after some time. One that comes before the program listens ends it at once, as any program."""
        process = self.start_program(*arguments)
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
        self.assertIn(process.returncode, (0, 130, -signal.SIGINT), errors)
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)

    def test_stopped_runs_go_on_where_they_were(self):
        expected = self.undisturbed()
        stops = 0
        for number in range(5):
            self.data_dir = f"stopped-{number}"
            shutil.copytree(self.folder / "replayed", self.folder / self.data_dir)
            for step in range(20):
                result = self.stopped(0.05 + 0.03 * (step + number), *RUN)
                if result.returncode == 0:
                    break
                stops += 1
            else:
                self.succeed(*RUN)
            self.assert_same(self.results(), expected)
        self.assertGreater(stops, 2)

    def test_runs_over_parts_of_the_input_end_like_one_over_all(self):
        expected = self.undisturbed()
        self.data_dir = "parts"
        for count in (10_000, 10_001, 60_000, None):
            self.succeed(*SIMULATION, "--resume", *(["--count", count] if count else []))
            self.succeed(*RUN, *(["--keep-open"] if count else []))
        self.assert_same(self.results(), expected)

    def test_stopped_replays_go_on_where_they_were(self):
        self.succeed(*SIMULATION)
        expected = self.topic("metrics")
        self.data_dir = "stopped"
        stops = 0
        for _ in range(4):
            result = self.stopped(0.4, *SIMULATION, "--resume", "--rate", "100k")
            if result.returncode == 130:
                stops += 1
                self.assertIn("--resume", result.stderr)
        self.succeed(*SIMULATION, "--resume")
        self.assertGreater(stops, 0)
        self.assertTrue(self.topic("metrics") == expected)


if __name__ == "__main__":
    unittest.main()
