"""The SQL shell: statements from standard input, and from a person on a terminal."""
import json
import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from program import ProgramTest  # noqa: E402

FLOWS = """
CREATE STREAM metrics WITH (topic = 'metrics', partitions = 2);
CREATE TABLE hourly WITH (partitions = 2) AS
  SELECT gateway, WINDOWSTART AS windowStart, COUNT(*) AS readings, MAX(value) AS highest
  FROM metrics WINDOW TUMBLING (SIZE 1 HOUR, GRACE PERIOD 0 SECONDS) GROUP BY gateway EMIT CHANGES;
"""
INSERT = "INSERT INTO metrics VALUES ('{}', 'ELECTRICITY', 'VOLTAGE', '2007-01-01T10:{:02}:00Z', {});\n"


class Shell:
    """The program on a pseudo-terminal, as a person has it."""

    def __init__(self, test, *arguments):
        self.main, other = pty.openpty()
        attributes = termios.tcgetattr(other)
        attributes[3] &= ~termios.ECHO
        termios.tcsetattr(other, termios.TCSANOW, attributes)
        environment = {**os.environ, "NO_COLOR": "1", "TERM": "dumb", "HOME": str(test.folder), "LC_ALL": "C.UTF-8",
                       # The line editor leaves a few bytes behind when it ends.
                       "ASAN_OPTIONS": "detect_leaks=0"}
        # A session of its own, whose terminal sends Ctrl-C to it.
        self.process = subprocess.Popen(test.command("sql", *arguments), cwd=test.folder, stdin=other, stdout=other, stderr=other,
                                        env=environment, start_new_session=True,
                                        preexec_fn=lambda: __import__("fcntl").ioctl(0, termios.TIOCSCTTY, 0))
        os.close(other)
        self.output = ""
        test.addCleanup(self.end)

    def expect(self, pattern, seconds=20):
        """Waits for the text; what came until its end is taken."""
        deadline = time.monotonic() + seconds
        while True:
            found = re.search(pattern, self.output, re.DOTALL)
            if found:
                before, self.output = self.output[:found.end()], self.output[found.end():]
                return before
            if time.monotonic() > deadline:
                raise AssertionError(f"no {pattern!r} in {self.output!r}")
            if select.select([self.main], [], [], 0.1)[0]:
                try:
                    self.output += os.read(self.main, 65536).decode(errors="replace").replace("\r", "")
                except OSError:
                    raise AssertionError(f"ended before {pattern!r}: {self.output!r}") from None

    def type(self, text):
        os.write(self.main, text.encode())

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.main)


class SqlShell(ProgramTest):
    def sql(self, text, *arguments):
        result = self.run_program("sql", *arguments, input=text)
        self.assert_exit(result, 0)
        return result.stdout

    def wait_for(self, query, expected):
        for _ in range(100):
            rows = [json.loads(line) for line in self.sql(query, "--json").splitlines()]
            if sorted(rows, key=str) == expected:
                return
            time.sleep(0.1)
        self.fail(f"{query}: {rows}")

    def test_statements_of_standard_input_are_kept(self):
        self.sql(FLOWS + INSERT.format("7", 10, 230) + INSERT.format("7", 20, 240) + INSERT.format("8", 20, 210))
        self.wait_for("SELECT gateway, readings, highest FROM hourly;",
                      [{"gateway": "7", "readings": 2, "highest": 240.0}, {"gateway": "8", "readings": 1, "highest": 210.0}])
        self.assertIn("CTAS_HOURLY_", self.sql("LIST QUERIES;"))
        self.assertEqual(self.sql("SELECT readings FROM hourly WHERE gateway = '8' AND WINDOWSTART >= '2007-01-01T10:00:00Z';", "--json"),
                         '{"readings":1}\n')
        refused = self.run_program("sql", input="LIST STREAMS; DROP STREAM metrics; DROP TABLE hourly;")
        self.assert_exit(refused, 2)
        self.assertIn("sql:1:27: stream metrics is read by hourly", refused.stderr)
        self.assertIn("metrics", refused.stdout)
        self.sql("DROP TABLE hourly; DROP STREAM metrics;")
        self.assertEqual(self.sql("LIST QUERIES;"), "none\n")

    def test_carries_out_files_and_statements_of_the_command_line(self):
        self.write("flows.sql", FLOWS)
        self.write("readings.sql", INSERT.format("7", 10, 230) + INSERT.format("8", 20, 210))
        self.succeed("sql", "--file", "flows.sql", "-f", "readings.sql")
        result = self.succeed("sql", "-e", "SELECT gateway FROM metrics", "--json")
        self.assertEqual(sorted(result.stdout.split()), ['{"gateway":"7"}', '{"gateway":"8"}'])
        self.write("wrong.sql", "LIST STREAMS;\nSELECT nothing\nFROM metrics;")
        refused = self.run_program("sql", "--file", "wrong.sql")
        self.assert_exit(refused, 2)
        self.assertIn("wrong.sql:2:8: unknown column nothing", refused.stderr)

    def test_a_changed_threshold_raises_and_clears_an_alarm_at_once(self):
        shell = Shell(self)
        shell.expect("sql> ")
        for statement in (
                "CREATE STREAM metrics WITH (topic = 'metrics', partitions = 1);",
                "CREATE TABLE thresholds (id VARCHAR PRIMARY KEY, upperBound DOUBLE) WITH (topic = 'thresholds');",
                "CREATE STREAM states AS SELECT m.gateway, m.timestamp, CASE WHEN m.value > t.upperBound THEN 'OVER' ELSE 'NORMAL' END AS state "
                "FROM metrics m JOIN thresholds t ON m.gateway = t.id;",
                "CREATE STREAM alarm_changes AS SELECT gateway, timestamp, state FROM states WHERE state <> LAG(state, 1, 'NORMAL');",
                "SET 'auto.offset.reset' = 'earliest';",
                "INSERT INTO thresholds VALUES ('7', 245);", INSERT.format("7", 1, 240).strip()):
            shell.type(statement + "\n")
            shell.expect("sql> ")
        # Both are far below a second on a machine that does nothing else.
        for bound, minute, alarm, changes in ((235, 2, "OVER", 1), (245, 3, "NORMAL", 2)):
            begun = time.monotonic()
            shell.type(f"INSERT INTO thresholds VALUES ('7', {bound});\n")
            shell.expect("1 row written.*sql> ")
            # Who joins looks for news of the table every 10 ms.
            time.sleep(1)
            shell.type(INSERT.format("7", minute, 240))
            shell.type(f"SELECT state FROM alarm_changes EMIT CHANGES LIMIT {changes};\n")
            told = shell.expect(rf"\n{changes} rows?\n.*sql> ")
            self.assertLess(time.monotonic() - begun, 20)
            self.assertEqual(re.findall("OVER|NORMAL", told)[-1], alarm)
        shell.type("exit\n")
        self.assertEqual(shell.process.wait(timeout=20), 0)

    def test_a_person_types_statements_of_several_lines(self):
        shell = Shell(self)
        shell.expect("sql> ")
        shell.type("create stream metrics\n")
        shell.expect("  -> ")
        shell.type("with (topic = 'metrics');\n")
        shell.expect("stream metrics created.*sql> ")
        shell.type("LIST STREAM;\n")
        self.assertIn("expected STREAMS", shell.expect("sql> "))
        shell.type(INSERT.format("7", 10, 230.5))
        shell.expect("1 row written.*sql> ")
        shell.type("SELECT gateway, value FROM metrics;\n")
        self.assertRegex(shell.expect("1 row\n.*sql> "), "7 +230.5")
        shell.type("help\n")
        shell.expect("Statements end with a semicolon.*sql> ")
        shell.type("quit\n")
        self.assertEqual(shell.process.wait(timeout=20), 0)
        again = Shell(self)
        again.expect("sql> ")
        again.type("\x1b[A\x1b[A\n")  # the history: behind help and quit, which it leaves out
        self.assertRegex(again.expect("1 row.*sql> "), "7.*230.5|written")
        again.type("\x04")
        self.assertEqual(again.process.wait(timeout=20), 0)

    def test_tab_completes_words_and_names(self):
        self.sql("CREATE STREAM measurements WITH (topic = 'metrics');")
        shell = Shell(self)
        shell.expect("sql> ")
        shell.type("DESCR\tmeasu\t;\n")
        self.assertIn("measurements over topic metrics", shell.expect("event time.*sql> "))
        shell.type("exit\n")
        self.assertEqual(shell.process.wait(timeout=20), 0)

    def test_control_c_ends_the_query_and_not_the_shell(self):
        self.sql("CREATE STREAM metrics WITH (topic = 'metrics');")
        shell = Shell(self)
        shell.expect("sql> ")
        shell.type("SET 'auto.offset.reset' = 'earliest';\n")
        shell.expect("sql> ")
        shell.type(INSERT.format("9", 10, 230.5))
        shell.expect("sql> ")
        shell.type("SELECT gateway FROM metrics EMIT CHANGES;\n")
        shell.expect("\n9\n")
        shell.type("\x03")
        shell.expect("ended by Ctrl-C: 1 row\n.*sql> ")
        shell.type("SELECT something that is never sent")
        time.sleep(0.3)
        shell.type("\x03")
        shell.expect("sql> ")
        shell.type("LIST TOPICS;\n")
        shell.expect("metrics.*sql> ")
        shell.type("exit\n")
        self.assertEqual(shell.process.wait(timeout=20), 0)

    def test_queries_go_on_where_a_killed_shell_left_them(self):
        self.sql(FLOWS + INSERT.format("7", 10, 230))
        shell = Shell(self)
        shell.expect("sql> ")
        shell.type(INSERT.format("7", 20, 240))
        shell.expect("written.*sql> ")
        os.killpg(shell.process.pid, signal.SIGKILL)
        shell.process.wait()
        self.wait_for("SELECT readings, highest FROM hourly WHERE gateway = '7';", [{"readings": 2, "highest": 240.0}])


if __name__ == "__main__":
    unittest.main()
