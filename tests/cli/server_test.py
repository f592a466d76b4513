"""`meterstream server` from outside: who may reach it, how it ends, and 200 clients at once."""
import http.client
import json
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from program import ProgramTest  # noqa: E402

READINGS = "SELECT gateway, value FROM metrics EMIT CHANGES;"


class Server(ProgramTest):
    def start_server(self, *arguments):
        self.process = self.start_program("server", "--listen", "127.0.0.1:0", *arguments)
        line = self.process.stdout.readline()
        found = re.search(r"127\.0\.0\.1:(\d+)", line)
        self.assertTrue(found, line or self.process.stderr.read())
        self.port = int(found.group(1))

    def request(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        self.addCleanup(connection.close)
        connection.request(method, path, body if body is None or isinstance(body, str) else json.dumps(body), headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    def ksql(self, text):
        status, body = self.request("POST", "/ksql", {"ksql": text})
        self.assertEqual(status, 200, body)
        return json.loads(body)

    def follow(self):
        """A push query over a bare connection: what comes is read by the caller."""
        body = json.dumps({"sql": READINGS})
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        self.addCleanup(connection.close)
        connection.sendall(f"POST /query-stream HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        return connection

    def read_until(self, connection, text):
        read = b""
        while text not in read:
            some = connection.recv(65536)
            self.assertTrue(some, read)
            read += some
        return read

    def test_only_this_machine_unless_somebody_is_asked(self):
        refused = self.run_program("server", "--listen", "0.0.0.0:0")
        self.assert_exit(refused, 2)
        self.assertIn("--token-file", refused.stderr)
        refused = self.run_program("server", "--listen", "nowhere:0x")
        self.assert_exit(refused, 2)
        refused = self.run_program("server", "--tls-certificate", "none.pem")
        self.assert_exit(refused, 2)
        (self.folder / "token.txt").write_text("secret\n")
        self.start_server("--token-file", "token.txt")
        self.assertEqual(self.request("GET", "/info")[0], 401)
        self.assertEqual(self.request("GET", "/info", headers={"Authorization": "Bearer secret"})[0], 200)

    def test_other_names_and_other_sites_are_refused(self):
        self.start_server()
        self.assertEqual(self.request("GET", "/info")[0], 200)
        self.assertEqual(self.request("GET", "/info", headers={"Host": "rebound.example"})[0], 403)
        self.assertEqual(self.request("POST", "/ksql", {"ksql": "LIST STREAMS;"}, {"Origin": "http://site.example"})[0], 403)

    def test_tls(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-keyout", "key.pem", "-out", "server.pem", "-days", "2", "-subj", "/CN=localhost"],
                       cwd=self.folder, check=True, capture_output=True)
        self.start_server("--tls-certificate", "server.pem", "--tls-key", "key.pem")
        context = ssl.create_default_context(cafile=str(self.folder / "server.pem"))
        context.check_hostname = False
        for _ in range(2):
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=20, context=context)
            for _ in range(2):
                connection.request("GET", "/info")
                self.assertIn(b"KsqlServerInfo", connection.getresponse().read())
            connection.close()

    def test_ends_on_sigterm_while_clients_follow(self):
        self.start_server()
        self.ksql("CREATE STREAM metrics WITH (topic = 'metrics');")
        followers = [self.follow() for _ in range(5)]
        for follower in followers:
            self.read_until(follower, b"columnNames")
        self.ksql("INSERT INTO metrics VALUES ('7', 'GAS', 'VOLUME', '2024-01-01T00:00:00Z', 1.5);")
        for follower in followers:
            self.read_until(follower, b'["7",1.5]')
        self.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.process.wait(20), 0)
        for follower in followers:
            self.assertNotIn(b"\r\n0\r\n\r\n", follower.recv(65536))

    def test_two_hundred_clients(self):
        self.start_server()
        self.ksql("CREATE STREAM metrics WITH (topic = 'metrics');")
        followers = [self.follow() for _ in range(150)]
        for follower in followers:
            self.read_until(follower, b"columnNames")
        failures = []

        def insert(number):
            status, body = self.request("POST", "/inserts-stream", json.dumps({"target": "metrics"}) + "\n" + json.dumps(
                {"gateway": str(number), "metricType": "GAS", "metricAttribute": "VOLUME", "timestamp": 1704067200000 + number,
                 "value": number}))
            if status != 200 or '"ok"' not in body:
                failures.append(body)

        threads = [threading.Thread(target=insert, args=(number,)) for number in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        for follower in followers:
            read = b""
            while sum(f'["{number}",'.encode() in read for number in range(50)) < 50:
                some = follower.recv(65536)
                self.assertTrue(some)
                read += some
        for follower in followers[:149]:
            follower.close()
        for _ in range(200):
            if len(self.ksql("LIST QUERIES;")[0]["queries"]) == 1:
                break
            time.sleep(0.05)
        else:
            self.fail("queries of clients that went away still run")


if __name__ == "__main__":
    unittest.main()
