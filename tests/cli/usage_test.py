"""Exit codes, help and messages of the command line."""
import os
import pathlib
import pty
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from program import BINARY, ProgramTest, uci_lines  # noqa: E402


class Usage(ProgramTest):
    def commands(self):
        lines = self.succeed("--help").stdout.split("Subcommands:")[1].split("Exit codes:")[0].splitlines()
        return [line.split()[0] for line in lines if line.startswith("  ") and not line.startswith("   ")]

    def test_no_command_is_wrong_usage_and_prints_help(self):
        result = self.run_program()
        self.assert_exit(result, 2)
        self.assertIn("Subcommands:", result.stderr)

    def test_every_command_has_help_with_examples(self):
        commands = self.commands()
        self.assertIn("replay", commands)
        for command in commands:
            with self.subTest(command=command):
                text = self.succeed(command, "--help").stdout
                self.assertIn("Examples:\n  meterstream", text)

    def test_help_explains_exit_codes(self):
        text = self.succeed("--help").stdout
        for line in ("0    done", "2    wrong usage", "3    conflict (data directory in use", "4    stored data is corrupt", "130  interrupted"):
            self.assertIn(line, text)

    def test_unknown_option_names_the_nearest(self):
        result = self.run_program("replay", "--data", "x", "--housholds", "1-2")
        self.assert_exit(result, 2)
        self.assertIn("unknown option '--housholds' of replay. Did you mean '--households'?", result.stderr)

    def test_unknown_command_names_the_nearest(self):
        result = self.run_program("tpics")
        self.assert_exit(result, 2)
        self.assertIn("unknown command 'tpics'. Did you mean 'topics'?", result.stderr)

    def test_unknown_type_of_a_sink_names_the_nearest(self):
        result = self.run_program("sink", "casandra", "--window", "60")
        self.assert_exit(result, 2)
        self.assertIn("'casandra' is none of cassandra, redis, lake, embedded. Did you mean 'cassandra'?", result.stderr)
        self.write("flows.sql", "CREATE SINK latest WITH (type = 'rediss', topic = 'metrics');")
        result = self.run_program("run", "flows.sql", "--until-idle")
        self.assert_exit(result, 2)
        self.assertIn("'rediss' is not supported for type; there is embedded, cassandra, redis, lake. Did you mean 'redis'?",
                      result.stderr)

    def test_missing_required_option_is_named(self):
        result = self.run_program("track", "--topic", "metrics")
        self.assert_exit(result, 2)
        self.assertIn("--count", result.stderr)

    def test_global_options_may_follow_the_command(self):
        result = subprocess.run([BINARY, "topics", "--data-dir", "nowhere"], cwd=self.folder, capture_output=True,
                                text=True, check=False)
        self.assert_exit(result, 1)
        self.assertIn("nowhere", result.stderr)

    def test_version(self):
        self.assertRegex(self.succeed("--version").stdout, r"^meterstream \d+\.\d+\.\d+\n$")


class World(ProgramTest):
    def test_a_data_directory_without_permission_is_no_wrong_usage(self):
        # Nobody may make a directory there, not even root.
        self.data_dir = "/sys/meterstream-data"
        self.write("uci.txt", uci_lines(2))
        result = self.run_program("replay", "--type", "electricity", "--data", "uci.txt")
        self.assert_exit(result, 3)
        self.assertIn("give this user the right to write there, or choose another --data-dir", result.stderr)

    def test_a_signal_at_any_moment_of_the_start_is_told(self):
        # Most of the time until the first command's own handling lies before this; the loader's part cannot be told.
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            with self.subTest(signal=number):
                # Reads its program from a pipe that nobody writes to.
                os.mkfifo(self.folder / f"flows-{code}.sql")
                process = self.start_program("run", f"flows-{code}.sql")
                self.wait_until_started(process)
                process.send_signal(number)
                errors = process.communicate(timeout=30)[1]
                self.assertEqual(process.returncode, code, errors)
                self.assertIn("interrupted", errors)

    @staticmethod
    def wait_until_started(process):
        """Until it handles SIGINT itself."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
            if int(status.split("SigCgt:")[1].split()[0], 16) & (1 << (signal.SIGINT - 1)):
                return
            time.sleep(0.002)

    def test_following_ends_quietly_by_ctrl_c(self):
        self.write("uci.txt", uci_lines(5))
        self.succeed("replay", "--type", "electricity", "--data", "uci.txt")
        process = self.start_program("console", "metrics", "--follow", "--limit", "1000")
        for _ in range(20):
            process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=30)
        self.assertEqual((process.returncode, errors, out), (0, "", ""))

    def test_following_on_a_terminal_says_how_much_was_shown(self):
        self.write("uci.txt", uci_lines(5))
        self.succeed("replay", "--type", "electricity", "--data", "uci.txt")
        ours, its = pty.openpty()
        process = subprocess.Popen(self.command("console", "metrics", "--follow"), cwd=self.folder, stdout=subprocess.PIPE, stderr=its,
                                   text=True)
        self.addCleanup(process.stdout.close)
        os.close(its)
        for _ in range(20):
            process.stdout.readline()
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(30), 0)
        self.assertIn("20 records", os.read(ours, 1000).decode())
        os.close(ours)

    def test_tracking_cut_short_by_ctrl_c_says_how_far_it_came(self):
        self.write("uci.txt", uci_lines(5))
        self.succeed("replay", "--type", "electricity", "--data", "uci.txt")
        for patience_s in (1, 4, 16):
            process = self.start_program("track", "--topic", "metrics", "--count", "1000")
            time.sleep(patience_s)
            process.send_signal(signal.SIGINT)
            errors = process.communicate(timeout=30)[1]
            self.assertEqual(process.returncode, 130)
            if "after 20" in errors:
                break
        self.assertEqual(errors, "stopped after 20 of 1,000\n")


class Configuration(ProgramTest):
    def test_unknown_key_is_an_error_that_names_the_nearest(self):
        self.write("meterstream.toml", "[engine]\nthread = 2\n")
        result = self.run_program("topics")
        self.assert_exit(result, 2)
        self.assertIn("meterstream.toml:2: engine.thread: unknown key. Did you mean 'engine.threads'?", result.stderr)

    def test_flags_win_over_the_file(self):
        self.write("other.toml", 'data_dir = "from-file"\n')
        result = subprocess.run([BINARY, "--config", "other.toml", "topics"], cwd=self.folder, capture_output=True,
                                text=True, check=False)
        self.assertIn("from-file", result.stderr)
        self.assertNotIn("from-file", self.run_program("--config", "other.toml", "topics").stderr)

    def test_shortcuts_create_topics_with_the_partitions_of_the_file(self):
        self.write("meterstream.toml", "[replay]\npartitions = 7\n")
        for command in ("aggregate", "store"):
            text = self.succeed(command, "--window", "60", "--print-sql").stdout
            self.assertEqual(text.count("partitions = 7"), 2, text)

    def test_flags_for_schemas_need_a_cluster(self):
        for flags in (["--registry", "http://localhost:1"], ["--schema-id", "7"], ["--schema-file", "x.avsc"]):
            with self.subTest(flags=flags):
                result = self.run_program("topics", *flags)
                self.assert_exit(result, 2)
                self.assertIn("--kafka", result.stderr)

    def test_a_schema_comes_from_a_registry_or_a_file(self):
        result = self.run_program("topics", "--kafka", "localhost:1", "--registry", "http://localhost:1", "--schema-id", "7")
        self.assert_exit(result, 2)
        self.assertIn("exclude each other", result.stderr)

    def test_compacted_topics_are_kafkas(self):
        result = self.run_program("topics", "--create", "tariffs", "--compact")
        self.assert_exit(result, 2)
        self.assertIn("--kafka", result.stderr)

    def test_missing_file_named_by_the_user(self):
        result = self.run_program("--config", "no.toml", "topics")
        self.assert_exit(result, 2)
        self.assertIn("no.toml", result.stderr)


class BadInput(ProgramTest):
    def test_missing_data_file(self):
        result = self.run_program("replay", "--type", "water", "--data", "no.csv")
        self.assert_exit(result, 1)
        self.assertIn("no.csv", result.stderr)

    def test_file_of_another_format(self):
        self.write("notes.txt", "these are\nmy notes\n")
        result = self.run_program("replay", "--type", "electricity", "--data", "notes.txt")
        self.assert_exit(result, 2)
        self.assertIn("notes.txt", result.stderr)

    def test_missing_data_directory(self):
        for command in (["topics"], ["describe", "metrics"], ["console"], ["query"]):
            with self.subTest(command=command):
                result = self.run_program(*command)
                self.assert_exit(result, 1)
                self.assertIn("data", result.stderr)
        self.assertFalse((self.folder / "data").exists(), "reading must not create a data directory")

    def test_unknown_topic_lists_those_there_are(self):
        self.write("uci.txt", uci_lines(5))
        self.succeed("replay", "--type", "electricity", "--data", "uci.txt")
        result = self.run_program("describe", "metric")
        self.assert_exit(result, 1)
        self.assertIn("metrics", result.stderr)

    def test_bad_numbers_and_ranges(self):
        self.write("uci.txt", uci_lines(5))
        base = ["replay", "--type", "electricity", "--data", "uci.txt"]
        for option, value in (("--households", "9-3"), ("--rate", "fast"), ("--count", "-5"), ("--partitions", "0"),
                              ("--day-offset", "x")):
            with self.subTest(option=option):
                result = self.run_program(*base, option, value)
                self.assert_exit(result, 2)
                self.assertIn(value, result.stderr)
        self.assertFalse((self.folder / "data").exists())

    def test_query_of_nothing_says_how_to_store(self):
        self.write("uci.txt", uci_lines(5))
        self.succeed("replay", "--type", "electricity", "--data", "uci.txt")
        result = self.run_program("query", "--gateway", "household-1")
        self.assert_exit(result, 1)
        self.assertIn("meterstream store", result.stderr)

    def test_output_that_cannot_be_written_is_a_failure(self):
        self.write("uci.txt", uci_lines(2000))
        self.succeed("replay", "--type", "electricity", "--data", "uci.txt")
        self.succeed("store", "--window", "1", "--until-idle")
        rows = ["query", "--gateway", "household-1", "--attribute", "VOLTAGE", "--format", "csv"]
        # A few lines fail at the last flush; more than a buffer of them, where they are printed.
        for command in (["console", "--limit", "5"], ["console"], rows):
            with self.subTest(command=command), open("/dev/full", "w", encoding="utf-8") as full:
                result = subprocess.run(self.command(*command), cwd=self.folder, stdout=full, stderr=subprocess.PIPE,
                                        text=True, check=False)
                self.assertEqual(result.returncode, 1, result.stderr)
                self.assertIn("standard output", result.stderr)


if __name__ == "__main__":
    os.environ.pop("METERSTREAM_CONFIG", None)
    unittest.main()
