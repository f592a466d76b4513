"""A public client library of ksqlDB (ksql-python-ng, as PyPI has it) drives the server: HTTP/1.1 for statements and queries,
HTTP/2 for inserts and streamed queries. Run by the Python of .venv; on a data directory, or on brokers when with_kafka runs it."""
import json
import os
import pathlib
import re
import sys
import threading
import time
import unittest

from ksql import KSQLAPI
from ksql.errors import KSQLError

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
from program import ProgramTest  # noqa: E402

BROKERS = os.environ.get("METERSTREAM_TEST_KAFKA")
WITHIN_S = 60  # on a busy machine


class KsqldbClient(ProgramTest):
    def setUp(self):
        super().setUp()
        self.name = f"client-{os.getpid()}-{self.id().rsplit('.', 1)[1][:16]}"
        self.url = self.start_server()
        self.client = KSQLAPI(self.url, timeout=WITHIN_S)

    def start_server(self, *arguments):
        cluster = ["--kafka", BROKERS, "--service-id", self.name] if BROKERS else []
        process = self.start_program("server", "--listen", "127.0.0.1:0", *cluster, *arguments)
        line = process.stdout.readline()
        found = re.search(r"http://\S+?(?=;)", line)
        self.assertTrue(found, line or process.stderr.read())
        self.process = process
        return found.group()

    def rows(self, sql, **options):
        """Rows of a query over HTTP/1.1: the columns, then lists of values."""
        answer = json.loads("".join(self.client.query(sql, **options)))
        return answer[0]["header"]["schema"], [entry["row"]["columns"] for entry in answer[1:] if "row" in entry]

    def wait_for_rows(self, sql, expected):
        deadline = time.monotonic() + WITHIN_S
        while time.monotonic() < deadline:
            rows = sorted(self.rows(sql)[1])
            if rows == expected:
                return
            time.sleep(0.05)
        self.fail(f"{sql}: {rows}")

    def create_meters(self):
        self.assertTrue(self.client.create_stream("meters", ["meter VARCHAR KEY", "place VARCHAR", "used DOUBLE", "at TIMESTAMP"],
                                                  f"{self.name}-meters", "JSON"))

    def insert(self, *rows):
        acknowledged = self.client.inserts_stream(
            "meters", [{"meter": meter, "place": place, "used": used, "at": at} for meter, place, used, at in rows])
        self.assertEqual(acknowledged, [{"status": "ok", "seq": number} for number in range(len(rows))])

    def test_stream_table_insert_pull_list_describe_drop(self):
        self.create_meters()
        made = self.client.ksql("CREATE TABLE totals AS SELECT place, COUNT(*) AS readings, SUM(used) AS used FROM meters "
                                "GROUP BY place EMIT CHANGES;")
        self.assertEqual(made[0]["@type"], "currentStatus")
        self.assertEqual(made[0]["commandStatus"]["status"], "SUCCESS")
        self.insert(("1", "cellar", 1.5, "2024-01-01T00:00:00Z"), ("2", "roof", 2.0, "2024-01-01T00:01:00Z"),
                    ("1", "cellar", 2.5, "2024-01-01T00:02:00Z"))
        self.wait_for_rows("SELECT place, readings, used FROM totals;", [["cellar", 2, 4], ["roof", 1, 2]])
        schema, rows = self.rows("SELECT used FROM totals WHERE place = 'roof'")
        self.assertEqual((schema, rows), ("`used` DOUBLE", [[2]]))

        self.assertTrue(self.client.create_stream_as("high", ["*"], "meters", "high", "JSON", "used > 2"))
        self.wait_for_rows("SELECT meter, used FROM high;", [["1", 2.5]])

        streams = self.client.ksql("LIST STREAMS")[0]["streams"]
        self.assertEqual(sorted(stream["name"] for stream in streams), ["high", "meters"])
        self.assertEqual([table["name"] for table in self.client.ksql("SHOW TABLES;")[0]["tables"]], ["totals"])
        queries = self.client.ksql("LIST QUERIES;")[0]["queries"]
        self.assertEqual(sorted(query["sinks"][0] for query in queries), ["high", "totals"])
        described = self.client.ksql("DESCRIBE totals EXTENDED;")[0]["sourceDescription"]
        self.assertEqual([field["name"] for field in described["fields"]], ["place", "readings", "used"])
        self.assertEqual(len(described["writeQueries"]), 1)
        self.assertTrue(any(one["name"] == "service.id" for one in self.client.get_properties()))

        with self.assertRaises(KSQLError) as refused:
            self.client.ksql("DROP STREAM meters;")
        self.assertEqual(refused.exception.error_code, 40001)
        self.assertIn("is read by", refused.exception.msg)
        self.client.ksql("DROP TABLE totals; DROP STREAM high;")
        self.client.ksql("DROP STREAM meters;")
        self.assertEqual(self.client.ksql("LIST STREAMS;")[0]["streams"], [])

    def test_push_queries_over_both_protocols(self):
        self.create_meters()
        self.insert(("1", "cellar", 1.5, "2024-01-01T00:00:00Z"))
        sql = "SELECT meter, used FROM meters EMIT CHANGES LIMIT 3;"
        earliest = {"auto.offset.reset": "earliest"}
        answers = {}

        def follow(use_http2):
            answers[use_http2] = "".join(self.client.query(sql, stream_properties=earliest, use_http2=use_http2))

        threads = [threading.Thread(target=follow, args=(use_http2,)) for use_http2 in (False, True)]
        for thread in threads:
            thread.start()
        for number in range(2):
            time.sleep(0.1)
            self.insert((str(number + 2), "roof", number, f"2024-01-01T00:0{number + 1}:00Z"))
        for thread in threads:
            thread.join(WITHIN_S)
            self.assertFalse(thread.is_alive())
        expected = [["1", 1.5], ["2", 0], ["3", 1]]
        self.assertEqual(sorted(entry["row"]["columns"] for entry in json.loads(answers[False])[1:] if "row" in entry), expected)
        header, *rows = [json.loads(line) for line in answers[True].splitlines()]
        self.assertEqual(header["columnNames"], ["meter", "used"])
        self.assertEqual(header["columnTypes"], ["STRING", "DOUBLE"])
        self.assertEqual(sorted(rows), expected)

    def test_a_push_query_is_closed_by_another_request(self):
        self.create_meters()
        query = self.client.query("SELECT meter FROM meters EMIT CHANGES;", use_http2=True)
        header = json.loads(next(query))
        self.assertFalse(self.client.close_query("no-such-query"))
        self.assertTrue(self.client.close_query(header["queryId"]))
        self.assertEqual(list(query), [])

    def test_errors_have_their_place(self):
        with self.assertRaises(KSQLError) as refused:
            self.client.ksql("CREATE STREAM a WITH (topic = 'a'); CREATE TABLE b AS SELECT gatewy, COUNT(*) FROM a GROUP BY gatewy;")
        self.assertEqual(refused.exception.error_code, 40001)
        self.assertRegex(refused.exception.msg, r"1:\d+.*gatewy")
        with self.assertRaisesRegex(ValueError, "400.*40001.*nothing"):
            list(self.client.query("SELECT * FROM nothing;"))
        with self.assertRaises(KSQLError) as refused:
            self.client.ksql("SELECT * FROM a;")
        self.assertEqual(refused.exception.error_code, 40002)
        self.create_meters()
        answers = self.client.inserts_stream("meters", [{"meter": "1", "at": "2024-01-01T00:00:00Z"}, {"metre": "1"}])
        self.assertEqual([answer["status"] for answer in answers], ["ok", "error"])

    def test_statements_outlive_the_server_and_logins_are_asked_for(self):
        self.create_meters()
        self.process.terminate()
        self.assertEqual(self.process.wait(WITHIN_S), 0)
        (self.folder / "login.txt").write_text("me:secret\n")
        url = self.start_server("--login-file", "login.txt")
        with self.assertRaisesRegex(ValueError, "Status Code: 401"):
            KSQLAPI(url)
        self.client = KSQLAPI(url, api_key="me", secret="secret", timeout=WITHIN_S)
        self.assertEqual([stream["name"] for stream in self.client.ksql("LIST STREAMS;")[0]["streams"]], ["meters"])


if __name__ == "__main__":
    unittest.main()
