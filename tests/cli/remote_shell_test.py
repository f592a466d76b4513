"""`meterstream sql --server`: the shell as a client of a running server."""
import json
import pathlib
import re
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from program import ProgramTest  # noqa: E402
from sql_shell_test import FLOWS, INSERT, Shell  # noqa: E402


class RemoteShell(ProgramTest):
    def start_server(self, *arguments):
        process = self.start_program("server", "--listen", "127.0.0.1:0", *arguments)
        line = process.stdout.readline()
        found = re.search(r"127\.0\.0\.1:(\d+)", line)
        self.assertTrue(found, line or process.stderr.read())
        self.port = int(found.group(1))

    def sql(self, *arguments, **options):
        result = self.run_program("sql", "--server", f"localhost:{self.port}", *arguments, **options)
        self.assert_exit(result, 0)
        return result.stdout

    def test_files_statements_and_standard_input_are_carried_out_by_the_server(self):
        self.start_server()
        self.write("flows.sql", FLOWS)
        self.assertIn("table hourly created, filled by query CTAS_HOURLY_", self.sql("--file", "flows.sql"))
        self.assertIn("1 row written into metrics", self.sql("-e", INSERT.format("7", 10, 230)))
        self.sql(input=INSERT.format("8", 20, 210) + INSERT.format("7", 20, 240))
        for _ in range(100):
            rows = self.sql("--json", "-e", "SELECT gateway, readings, highest FROM hourly;").splitlines()
            if sorted(rows) == ['{"gateway":"7","readings":2,"highest":240}', '{"gateway":"8","readings":1,"highest":210}']:
                break
            time.sleep(0.1)
        else:
            self.fail(rows)
        self.assertEqual(json.loads(self.sql("--json", "-e", "SELECT COUNT(*) AS n, MAX(value) AS v FROM metrics")), {"n": 3, "v": 240.0})
        self.assertIn("hourly", self.sql("-e", "LIST TABLES; DESCRIBE hourly;"))
        self.assertEqual(self.sql("-e", "DEFINE g = '8'; SET 'auto.offset.reset' = 'earliest';"
                                  "SELECT value FROM metrics WHERE gateway = '${g}' EMIT CHANGES LIMIT 1;").count("210"), 1)
        refused = self.run_program("sql", "--server", f"localhost:{self.port}", "-e", "LIST STREAMS;\nSELECT nothing\nFROM metrics;")
        self.assert_exit(refused, 2)
        self.assertIn("--execute:2:8: unknown column nothing", refused.stderr)

    def test_a_person_follows_a_query_and_ends_it(self):
        self.start_server()
        self.sql("-e", FLOWS)
        shell = Shell(self, "--server", f"127.0.0.1:{self.port}")
        shell.expect(rf"server http://127.0.0.1:{self.port}.*sql> ")
        shell.type("SELECT gateway, COUNT(*) AS n\nFROM metrics GROUP BY gateway EMIT CHANGES;\n")
        for _ in range(100):
            if '"PUSH"' in self.sql("--json", "-e", "LIST QUERIES;") or "transient" in self.sql("-e", "LIST QUERIES;"):
                break
            time.sleep(0.1)
        self.sql("-e", INSERT.format("7", 10, 230))
        shell.expect(r"7 .* 1")
        shell.type("\x03")
        shell.expect("ended by Ctrl-C: 1 row.*sql> ")
        shell.type("LIST STREAMS;\n")
        shell.expect("metrics.*sql> ")
        shell.type("exit\n")
        self.assertEqual(shell.process.wait(timeout=20), 0)

    def test_secrets_and_tls(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-keyout", "key.pem", "-out", "server.pem", "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost"], cwd=self.folder, check=True, capture_output=True)
        self.write("login.txt", "user:secret\n")
        self.write("wrong.txt", "user:wrong\n")
        self.start_server("--tls-certificate", "server.pem", "--tls-key", "key.pem", "--login-file", "login.txt")
        url = f"https://localhost:{self.port}"
        shown = self.run_program("sql", "--server", url, "--tls-authorities", "server.pem", "--login-file", "login.txt", "-e", "LIST STREAMS;")
        self.assert_exit(shown, 0)
        refused = self.run_program("sql", "--server", url, "--tls-authorities", "server.pem", "--login-file", "wrong.txt", "-e", "LIST STREAMS;")
        self.assert_exit(refused, 2)
        self.assertIn("--login-file", refused.stderr)
        untrusted = self.run_program("sql", "--server", url, "--login-file", "login.txt", "-e", "LIST STREAMS;")
        self.assert_exit(untrusted, 3)
        self.assertIn("TLS", untrusted.stderr)

    def test_wrong_usage(self):
        for arguments in (("--server", "host:x", "-e", "LIST STREAMS;"), ("--token-file", "x", "-e", "LIST STREAMS;"),
                          ("--server", "localhost", "--schema", "x.sql", "-e", "LIST STREAMS;")):
            self.assert_exit(self.run_program("sql", *arguments), 2)
        away = self.run_program("sql", "--server", "127.0.0.1:1", "-e", "LIST STREAMS;")
        self.assert_exit(away, 3)
        self.assertIn("cannot be reached", away.stderr)


if __name__ == "__main__":
    unittest.main()
