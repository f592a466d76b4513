"""The commands on a real broker, with kcat as the other client. Run by: with_kafka 1 kafka_commands_test.py"""
import json
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
from program import ProgramTest, uci_lines  # noqa: E402

BROKERS = os.environ["METERSTREAM_TEST_KAFKA"]
SCHEMA_ID = 7


def kcat(*arguments, data=None):
    return subprocess.run(["kcat", "-b", BROKERS, *map(str, arguments)], input=data, capture_output=True, timeout=60,
                          check=True).stdout


def avro_text(text):
    return bytes([len(text) << 1]) + text.encode()


def avro_reading(gateway, metric_type, attribute, timestamp, value):
    """A reading as any Avro library writes it, behind the header of Confluent's wire format. All texts are short."""
    body = b"".join(map(avro_text, (gateway, metric_type, attribute, timestamp)))
    return struct.pack(">bi", 0, SCHEMA_ID) + body + struct.pack("<d", value)


class KafkaTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.topic = f"metrics-{self.id().rsplit('.', 1)[1]}-{os.getpid()}"[:80]

    def kafka(self, *arguments):
        return self.run_program(*arguments, "--kafka", BROKERS, "--schema-id", SCHEMA_ID)

    def on_kafka(self, *arguments):
        result = self.kafka(*arguments)
        self.assert_exit(result, 0)
        return result

    def replay(self, lines=20, *arguments):
        self.write("uci.txt", uci_lines(lines))
        return self.on_kafka("replay", "--type", "electricity", "--data", "uci.txt", "--topic", self.topic, *arguments)

    def console(self, *arguments):
        return [json.loads(line) for line in self.on_kafka("console", self.topic, "--json", *arguments).stdout.splitlines()]


class Topics(KafkaTest):
    def test_create_list_and_describe(self):
        self.assertIn("with 3 partitions, kept 30d",
                      self.on_kafka("topics", "--create", self.topic, "--partitions", 3, "--retention", "30d").stdout)
        again = self.kafka("topics", "--create", self.topic, "--partitions", 5)
        self.assert_exit(again, 3)
        self.assertIn("left as it is", again.stderr)
        rows = {row["topic"]: row for row in json.loads(self.on_kafka("topics", "--json").stdout)}
        self.assertEqual(rows[self.topic], {"topic": self.topic, "partitions": 3, "records": 0, "bytes": None})
        self.assertFalse([name for name in rows if name.startswith("__")])
        described = json.loads(self.on_kafka("describe", self.topic, "--json").stdout)
        self.assertEqual((described["retentionMs"], described["compacted"]), (30 * 86400 * 1000, False))
        self.assertFalse((self.folder / "data").exists(), "a cluster needs no data directory for this")

    def test_compacted_topic(self):
        self.on_kafka("topics", "--create", self.topic, "--compact")
        self.assertTrue(json.loads(self.on_kafka("describe", self.topic, "--json").stdout)["compacted"])

    def test_unknown_topic_names_the_nearest(self):
        self.on_kafka("topics", "--create", self.topic)
        for command in (["describe", self.topic[:-1]], ["console", self.topic[:-1]], ["track", "--topic", self.topic[:-1], "--count", 1]):
            with self.subTest(command=command):
                result = self.kafka(*command)
                self.assert_exit(result, 1)
                self.assertIn(f"Did you mean '{self.topic}'?", result.stderr)

    def test_describe_tells_when_records_arrived(self):
        began = time.strftime("%Y-%m-%dT%H:%M", time.gmtime(time.time() - 60))
        self.replay()
        described = json.loads(self.on_kafka("describe", self.topic, "--json").stdout)
        for row in described["partitions"]:
            if row["begin"] < row["end"]:
                self.assertGreaterEqual(row["firstIngestTime"], began)
                self.assertGreaterEqual(row["lastIngestTime"], row["firstIngestTime"])


class Replay(KafkaTest):
    def test_kcat_reads_the_bytes_of_the_wire_format(self):
        self.replay(2, "--no-offset")
        out = kcat("-C", "-t", self.topic, "-o", "beginning", "-e", "-q", "-X", "isolation.level=read_committed",
                   "-f", "%k %S %s\\n")
        key = b"household-1.ELECTRICITY.ACTIVE_POWER"
        value = avro_reading("household-1", "ELECTRICITY", "ACTIVE_POWER", "2006-12-16T17:24:00Z", 1.0)
        self.assertIn(key + b" %d " % len(value) + value, out)

    def test_partitions_are_those_of_javas_clients(self):
        self.replay(20, "--households", "1-10")
        for record in self.console("--limit", 40):
            placed = kcat("-C", "-t", self.topic, "-p", record["partition"], "-o", record["offset"], "-c", 1, "-f", "%k").decode()
            self.assertEqual(placed, record["key"])
        # murmur2 of this key, as org.apache.kafka.common.utils.Utils computes it, modulo 4.
        self.on_kafka("topics", "--create", self.topic + "-twin")
        key = "household-1.ELECTRICITY.VOLTAGE"
        kcat("-P", "-t", self.topic + "-twin", "-X", "topic.partitioner=murmur2_random", "-K", "|", data=f"{key}|x".encode())
        twin = json.loads(self.on_kafka("console", self.topic + "-twin", "--json").stdout)
        self.assertEqual({record["partition"] for record in self.console("--key", key)}, {twin["partition"]})

    def test_record_time_is_arrival(self):
        self.replay()
        millis = int(kcat("-C", "-t", self.topic, "-o", "beginning", "-c", 1, "-q", "-f", "%T"))
        self.assertLess(abs(time.time() * 1000 - millis), 120_000)

    def test_killed_and_resumed_writes_every_reading_once(self):
        self.write("uci.txt", uci_lines(3000))
        command = ["replay", "--type", "electricity", "--data", "uci.txt", "--households", "1-3", "--topic", self.topic,
                   "--rate", "8000", "--kafka", BROKERS, "--schema-id", SCHEMA_ID]
        process = self.start_program(*command)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            found = [row for row in json.loads(self.on_kafka("topics", "--json").stdout) if row["topic"] == self.topic]
            if found and found[0]["records"] > 2000:
                break
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        resumed = self.run_program(*command[:-6], *command[-4:], "--resume")
        self.assert_exit(resumed, 0)
        self.assertRegex(resumed.stderr, r"going on after [1-9]")
        places = [(record["key"], record["value"]["timestamp"]) for record in self.console()]
        self.assertEqual(len(places), 2700 * 4 * 3)
        self.assertEqual(len(set(places)), len(places))

    def test_resume_after_the_end_writes_nothing(self):
        self.replay()
        self.assertIn("0 readings", self.replay(20, "--resume").stdout)
        self.assertEqual(len(self.console()), 18 * 4)

    def test_topics_that_would_lose_readings(self):
        self.write("uci.txt", uci_lines(5))
        base = ["replay", "--type", "electricity", "--data", "uci.txt", "--topic"]
        for flags in (["--compact"], ["--retention", "1m"]):
            with self.subTest(flags=flags):
                name = self.topic + flags[0]
                self.on_kafka("topics", "--create", name, *flags)
                refused = self.kafka(*base, name)
                self.assert_exit(refused, 3)
                self.assertIn("kafka-configs --alter", refused.stderr)
        self.on_kafka("topics", "--create", self.topic, "--retention", "7d")
        warned = self.kafka(*base, self.topic)
        self.assert_exit(warned, 0)
        self.assertIn("deletes records 7d after they arrive", warned.stderr)


class Console(KafkaTest):
    def test_a_reading_of_kcat_is_shown(self):
        self.on_kafka("topics", "--create", self.topic)
        value = avro_reading("gateway-9", "WATER", "WATER_IDD", "2024-02-29T12:00:00Z", 2.5)
        self.write("reading", value)
        kcat("-P", "-t", self.topic, "-p", "2", "-k", "gateway-9.WATER.WATER_IDD", "-H", "source=kcat", self.folder / "reading")
        self.assertEqual([{name: record[name] for name in ("partition", "key", "headers", "value")} for record in self.console()],
                         [{"partition": 2, "key": "gateway-9.WATER.WATER_IDD", "headers": [{"name": "source", "value": "kcat"}],
                           "value": {"gateway": "gateway-9", "metricType": "WATER", "metricAttribute": "WATER_IDD",
                                     "timestamp": "2024-02-29T12:00:00Z", "value": 2.5}}])
        self.assertIn("{source=kcat}", self.on_kafka("console", self.topic).stdout)

    def test_tombstones_and_records_without_key(self):
        self.on_kafka("topics", "--create", self.topic, "--partitions", 1)
        kcat("-P", "-t", self.topic, "-Z", "-K", "|", data=b"gone|\n")
        kcat("-P", "-t", self.topic, data=b'{"a":1}')
        self.assertEqual([(record["key"], record["value"]) for record in self.console()], [("gone", None), (None, {"a": 1})])

    def test_without_schemas_bytes_are_shown_and_the_reason_said_once(self):
        self.replay(3)
        result = self.run_program("console", self.topic, "--kafka", BROKERS, "--limit", 3)
        self.assert_exit(result, 0)
        self.assertEqual(result.stderr.count("--registry URL"), 1)
        self.assertEqual(len(result.stdout.splitlines()), 3)

    def test_places(self):
        self.replay(20)
        self.assertEqual(len(self.console("--from", "5m")), 18 * 4)
        self.assertEqual(self.console("--from", "end"), [])
        self.assertEqual(self.console("--from", "2100-01-01T00:00:00Z"), [])

    def test_follow_shows_what_comes(self):
        self.on_kafka("topics", "--create", self.topic)
        process = self.start_program("console", self.topic, "--follow", "--from", "end", "--limit", "1", "--kafka", BROKERS)
        # Until it stands at the end, records would lie before its place.
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            kcat("-P", "-t", self.topic, data=b'{"late":true}')
            time.sleep(0.5)
        out, errors = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 0, errors)
        self.assertIn('{"late":true}', out)


class Track(KafkaTest):
    def test_counts_committed_records(self):
        self.replay(20)
        seen = json.loads(self.on_kafka("track", "--topic", self.topic, "--count", 72, "--json").stdout)
        self.assertEqual(seen["seen"], 72)
        self.assertGreaterEqual(seen["delayMs"]["p50"], 0)
        short = self.kafka("track", "--topic", self.topic, "--count", 73, "--timeout", "2s")
        self.assert_exit(short, 1)
        self.assertIn("ends after 72 of 73", short.stderr)


class Doctor(KafkaTest):
    def lines(self, *arguments, brokers=BROKERS):
        result = self.run_program("doctor", "--json", "--kafka", brokers, "--schema-id", SCHEMA_ID, *arguments)
        return result.returncode, json.loads(result.stdout)

    def test_good_cluster(self):
        code, lines = self.lines("--probe")
        states = {line["check"]: line["state"] for line in lines}
        for check in ("kafka", "broker 1", "schemas", "probe"):
            self.assertEqual(states[check], "good", lines)
        # One broker is a warning, never a failure.
        self.assertEqual(states["replication"], "warning")
        self.assertRegex(next(line["detail"] for line in lines if line["check"] == "broker 1"), r"Kafka \d")
        for line in lines:
            self.assertEqual(bool(line["advice"]), line["state"] != "good", line)

    def test_topics_that_lose_records_and_groups_that_lag(self):
        self.on_kafka("topics", "--create", self.topic, "--compact", "--partitions", 1)
        kcat("-P", "-t", self.topic, "-K", "|", data=b"a|1\nb|2\nc|3\n")
        group = self.topic + "-readers"
        kcat("-G", group, "-c", 1, "-X", "auto.offset.reset=earliest", "-q", self.topic)
        code, lines = self.lines()
        self.assertEqual(code, 1)
        setting = next(line for line in lines if self.topic in line["detail"] and line["check"] == "topic settings")
        self.assertEqual(setting["state"], "bad")
        self.assertIn("cleanup.policy=delete", setting["advice"])
        lag = next(line for line in lines if line["check"] == f"group {group}")
        self.assertIn(f"topic {self.topic}", lag["detail"])

    def test_registry_that_is_away(self):
        result = self.run_program("doctor", "--json", "--kafka", BROKERS, "--registry", "http://127.0.0.1:1")
        self.assert_exit(result, 3)
        registry = next(line for line in json.loads(result.stdout) if line["check"] == "registry")
        self.assertEqual(registry["state"], "bad")

    def test_cluster_that_is_away(self):
        code, lines = self.lines(brokers="127.0.0.1:1")
        self.assertEqual(code, 3)
        self.assertEqual(next(line["state"] for line in lines if line["check"] == "kafka"), "bad")


class Run(KafkaTest):
    def view(self, window="1 HOUR"):
        return self.write("view.sql", f"""
CREATE STREAM readings WITH (topic = '{self.topic}', value_format = 'AVRO');
CREATE TABLE counted WITH (topic = '{self.topic}-counted') AS
SELECT WINDOWSTART AS windowStart, COUNT(*) AS sampleCount FROM readings
WINDOW TUMBLING (SIZE {window}, GRACE PERIOD 2 HOURS) GROUP BY gateway, metricType, metricAttribute EMIT FINAL;
""")

    def run_view(self, *arguments, window="1 HOUR"):
        return self.kafka("run", self.view(window), "--until-idle", "--application-id", self.topic, *arguments)

    def test_a_source_topic_that_is_created_is_told_once(self):
        text = f"topic {self.topic} did not exist and was created with 4 partitions"
        first = self.run_view()
        self.assert_exit(first, 0)
        self.assertEqual(first.stderr.count(text), 1, first.stderr)
        self.assertNotIn("did not exist", self.run_view().stderr)

    def test_full_disk_ends_the_run_and_gives_its_partitions_to_others(self):
        self.on_kafka("replay", "--data", "simulate", "--households", "1-200", "--duration", "3h", "--seed", 5, "--topic", self.topic)
        self.mount_small(1)
        self.data_dir = "small/data"
        result = self.run_view(window="1 MINUTE")
        self.assert_exit(result, 3)
        self.assertIn("disk full", result.stderr)
        self.assertIn("small/data", result.stderr)
        self.data_dir = "other"
        self.assert_exit(self.run_view(window="1 MINUTE"), 0)
        counted = self.on_kafka("console", f"{self.topic}-counted", "--json").stdout.splitlines()
        self.assertEqual(len({json.loads(line)["key"] + str(json.loads(line)["value"]["windowStart"]) for line in counted}),
                         len(counted))
        self.assertGreater(len(counted), 200_000)

    def test_bytes_that_only_look_like_the_wire_format_are_named_with_their_place_and_the_ways_out(self):
        self.on_kafka("topics", "--create", self.topic, "--partitions", 1)
        for value in (avro_reading("gateway-9", "WATER", "WATER_IDD", "2024-02-29T12:00:00Z", 2.5), b"\0\x7frubbish"):
            kcat("-P", "-t", self.topic, "-p", "0", "-k", "gateway-9.WATER.WATER_IDD", self.write("value", value))
        process = self.start_program("run", self.view(), "--until-idle", "--kafka", BROKERS, "--schema-id", SCHEMA_ID,
                                     "--application-id", self.topic)
        line = process.stderr.readline()
        while line and not line.startswith("waiting: "):
            line = process.stderr.readline()
        for part in (f"topic {self.topic} partition 0", "offset 1", "schema 2138207586", "[registry] unknown_schema = \"reject\""):
            self.assertIn(part, line)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        self.write("meterstream.toml", '[registry]\nunknown_schema = "reject"\n')
        rejecting = self.run_view()
        self.assert_exit(rejecting, 0)
        rejected = json.loads(self.on_kafka("console", f"{self.topic}-rejected", "--json").stdout)
        self.assertIn("2138207586", json.dumps(rejected))
        self.assertEqual(json.loads(self.on_kafka("console", f"{self.topic}-counted", "--json").stdout)["value"]["sampleCount"], 1)


class Away(KafkaTest):
    def test_one_clear_message_within_the_time_out(self):
        self.write("meterstream.toml", '[kafka]\nrequest_timeout = "2s"\n')
        self.write("uci.txt", uci_lines(5))
        for command in (["topics"], ["describe", "metrics"], ["console"], ["track", "--topic", "metrics", "--count", 1],
                        ["replay", "--type", "electricity", "--data", "uci.txt"]):
            with self.subTest(command=command):
                began = time.monotonic()
                result = self.run_program(*command, "--kafka", "127.0.0.1:1", "--schema-id", SCHEMA_ID)
                self.assertLess(time.monotonic() - began, 10)
                self.assert_exit(result, 3)
                self.assertEqual(len(result.stderr.strip().splitlines()), 1, result.stderr)
                self.assertIn("127.0.0.1:1", result.stderr)


if __name__ == "__main__":
    if shutil.which("kcat") is None:
        sys.exit("kcat is missing; tools/setup servers installs it")
    unittest.main(verbosity=2)
