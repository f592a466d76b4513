"""Views on a real cluster of three brokers under faults: workers killed, stopped and added, brokers killed, the registry killed, rubbish
in the topic, the topic deleted. The results that a reader of committed records sees must be those of an undisturbed embedded run, each
once. METERSTREAM_SEED=<n> repeats the moments of another run, METERSTREAM_KILLS=<count> asks for more of them.
METERSTREAM_SHORT=1, for people in a hurry, has fewer faults, and one broker that does not die."""
import collections
import datetime
import json
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

from kafka_cluster_test_base import RESULTS, ROOT, SEED, KafkaClusterTest, Load, Reader, simulated, views_over
from program import uci_lines

SHORT = os.environ.get("METERSTREAM_SHORT", "") not in ("", "0")
HOURS = 8
RATE = 300  # two minutes of load; a test that takes less publishes the rest at once
KILLS = int(os.environ.get("METERSTREAM_KILLS") or (8 if SHORT else 50))
STOPS = 1 if SHORT else 2
KAFKA = ROOT / "deploy" / "local" / "kafka"
REGISTRY = ROOT / "deploy" / "local" / "registry"
# Dead members, their transactions and dead brokers are noticed soon, so that many faults fit into a test.
BROKER_SETTINGS = ["group.min.session.timeout.ms=500", "transaction.abort.timed.out.transaction.cleanup.interval.ms=500",
                   "broker.session.timeout.ms=6000"]
SESSION_S = 2
# The schema of readings with its fields in another order: read by the wrong schema, nothing of it is right.
OTHER_SCHEMA = {"type": "record", "name": "MetricAvro", "namespace": "auth.ece.common.model.avro", "fields": [
    {"name": "value", "type": "double"}, {"name": "timestamp", "type": "string"}, {"name": "metricAttribute", "type": "string"},
    {"name": "metricType", "type": "string"}, {"name": "gateway", "type": "string"}]}
# The real file where it lies beside this project, else one made by hand; METERSTREAM_FULL=1 takes all of it.
HOUSEHOLD = ROOT.parent / "shared/data/household_power_consumption_2006-12-16_2007-06-30.txt.zst"
HOUSEHOLD_LINES = 10_000
HOUSEHOLD_RATE = 4_000
WINDOWS = ["aggregates-60", "aggregates-3600", "aggregates-86400"]
FENCED = "was not heard of in time and lost"
FIELDS = ["gateway", "metricType", "metricAttribute", "timestamp", "value"]


def script(program, command, *arguments):
    subprocess.run([program, command, *arguments], check=True, stdout=subprocess.DEVNULL)


def household_lines():
    if not HOUSEHOLD.exists():
        return uci_lines(HOUSEHOLD_LINES)
    text = subprocess.run(["zstd", "-dcq", HOUSEHOLD], check=True, capture_output=True, text=True).stdout
    if os.environ.get("METERSTREAM_FULL") == "1":
        return text
    return "\n".join(text.splitlines()[:HOUSEHOLD_LINES]) + "\n"


def avro(schema_id, fields, reading):
    """All texts are short."""
    record = struct.pack(">bi", 0, schema_id)
    for field in fields:
        value = reading[field]
        record += struct.pack("<d", value) if field == "value" else bytes([len(value) << 1]) + value.encode()
    return record


class KafkaFaults(KafkaClusterTest):
    readings = simulated(HOURS)
    configuration = f"""[kafka]
session_timeout = "{SESSION_S}s"
transaction_timeout = "{SESSION_S}s"
commit_interval = "100ms"
guarantee = "{{guarantee}}"
{{member}}
"""
    expected = None
    brokers = None

    @classmethod
    def setUpClass(cls):
        print(f"seed {SEED}", file=sys.stderr)
        temporary = tempfile.TemporaryDirectory(prefix="meterstream-faults-", ignore_cleanup_errors=True)
        cls.addClassCleanup(temporary.cleanup)
        cls.place = ["--directory", str(pathlib.Path(temporary.name) / "cluster")]
        cls.addClassCleanup(subprocess.run, [KAFKA, "wipe", *cls.place], check=False, stdout=subprocess.DEVNULL)
        settings = [part for setting in BROKER_SETTINGS for part in ("--set", setting)]
        cls.starting = subprocess.Popen([KAFKA, "start", "1" if SHORT else "3", *cls.place, "--jvm=-XX:TieredStopAtLevel=1", *settings],
                                        stdout=subprocess.DEVNULL)
        cls.addClassCleanup(cls.starting.wait)

    def setUp(self):
        super().setUp()
        self.name = re.sub("[^a-z]", "", self.id().rsplit(".", 1)[1][5:])[:30]
        self.sql = self.write("views.sql", views_over(self.name))
        if KafkaFaults.expected is None:
            KafkaFaults.expected = self.undisturbed()
            self.assertGreater(sum(self.expected["aggregates-60"].values()), HOURS * 4_000)
            self.assertGreater(sum(self.expected["aggregates-60-late"].values()), 5)
        if KafkaFaults.brokers is None:
            self.assertEqual(self.starting.wait(), 0, "the brokers did not start")
            KafkaFaults.brokers = subprocess.run([KAFKA, "bootstrap", *self.place], check=True, capture_output=True,
                                                 text=True).stdout.strip()

    def start_load(self, rate=RATE):
        load = Load(self, rate)
        return load, Reader(self, "aggregates-60", load)

    def start_registry(self):
        place = ["--directory", str(self.folder / "registry")]
        self.addCleanup(subprocess.run, [REGISTRY, "wipe", *place], check=False, stdout=subprocess.DEVNULL)
        script(REGISTRY, "start", *place)
        url = subprocess.run([REGISTRY, "url", *place], check=True, capture_output=True, text=True).stdout.strip()
        self.schemas = ["--registry", url]
        return place, url

    def test_kills_lose_and_double_nothing(self):
        load, reader = self.start_load()
        # One keeps its place in the group when it comes back soon, the other is a new member each time.
        for name in ("a", "b"):
            self.start_worker(name, is_static=name == "a")
        for number in range(KILLS):
            if number % 2 == 1:
                reader.wait_for_more(f"after {number} kills")
            time.sleep(self.random.uniform(0, 0.8))
            name = self.random.choice(["a", "b"])
            self.kill_worker(name)
            if self.random.random() < 0.2:
                shutil.rmtree(self.folder / f"worker-{name}", ignore_errors=True)
            self.start_worker(name, is_static=name == "a")
        load.finish()
        self.stop_workers()
        self.compare(f"{KILLS} kills")

    def test_stopped_worker_is_fenced(self):
        load, reader = self.start_load()
        zombie = self.start_worker("c")
        reader.wait_for_more("of the first worker")
        self.start_worker("d")
        for _ in range(STOPS):
            time.sleep(self.random.uniform(0.5, 2))
            zombie.send_signal(signal.SIGSTOP)
            # What it committed before has been read by then.
            time.sleep(SESSION_S + 0.5)
            reader.wait_for_more("of partitions that a stopped worker had", everywhere=True)
            zombie.send_signal(signal.SIGCONT)
            reader.wait_for_more("since the stopped worker is back", everywhere=True)
            self.wait_until(lambda: FENCED in self.worker_log("c"), "the stopped worker's message that it was fenced")
        load.finish()
        self.stop_workers()
        self.compare("a worker that stood still")

    def test_workers_come_and_go(self):
        load, reader = self.start_load()
        for round_number in range(4):
            for name in ("e", "f", "g")[: 1 + round_number % 3]:
                if name not in self.workers:
                    self.start_worker(name, is_static=name == "f")
            reader.wait_for_more(f"in round {round_number}")
            time.sleep(self.random.uniform(0, 1.5))
            self.stop_worker(self.random.choice(list(self.workers)))
        load.finish()
        self.stop_workers()
        self.compare("workers that came and went")

    def test_household_by_two_workers_one_of_them_killed(self):
        """From a file to what other clients read, the way the documents show it. Four series leave a partition empty."""
        self.start_registry()
        file = self.folder / "uci.txt"
        file.write_text(household_lines())
        self.readings = ["--type", "electricity", "--data", str(file)]
        self.expected = self.undisturbed("household")
        load, reader = self.start_load(HOUSEHOLD_RATE)
        for name in ("m", "n"):
            self.start_worker(name)
        reader.wait_for_more("of two workers")
        self.kill_worker("n")
        reader.wait_for_more("without the killed worker")
        self.start_worker("n")
        reader.wait_for_more("since the killed worker is back")
        load.finish()
        self.stop_workers()
        self.compare("a killed worker")
        self.assert_others_read_the_same()
        self.assert_settings_of_topics()

    def assert_others_read_the_same(self):
        for topic in RESULTS:
            count = sum(self.expected[topic].values())
            if topic in WINDOWS:
                seen = self.succeed(*self.on_kafka("track", "--topic", f"{self.name}-{topic}", "--count", count, "--json"))
                self.assertEqual(json.loads(seen.stdout)["seen"], count)
            if count == 0:
                continue
            out = subprocess.run(["kcat", "-C", "-q", "-e", "-b", self.brokers, "-t", f"{self.name}-{topic}", "-o", "beginning",
                                  "-X", "isolation.level=read_committed", "-f", "%k\\t%h\\t%s\\n"],
                                 check=True, capture_output=True, text=True, timeout=180).stdout
            read, ids = collections.Counter(), set()
            for line in out.splitlines():
                key, headers, text = line.split("\t")
                value = json.loads(text)
                read[(key, json.dumps(value, sort_keys=True))] += 1
                ids.add(dict(header.split("=", 1) for header in headers.split(","))["id"])
                if topic in WINDOWS:
                    start = datetime.datetime.fromisoformat(value["windowStart"].replace("Z", "+00:00"))
                    self.assertTrue(headers.endswith(f"|{key}|{int(start.timestamp() * 1000)}|0"), headers)
            self.assertEqual(read, self.expected[topic], f"seed {SEED}: kcat reads other records of {topic}")
            self.assertEqual(len(ids), count, f"seed {SEED}: two records of {topic} have one id")

    def assert_settings_of_topics(self):
        """Copies are three, changelogs compacted, and results kept for good."""
        listing = json.loads(subprocess.run(["kcat", "-L", "-J", "-b", self.brokers], check=True, capture_output=True, timeout=60).stdout)
        topics = {topic["topic"]: topic["partitions"] for topic in listing["topics"]}
        changelogs = [name for name in topics if name.startswith(f"{self.name}-") and name.endswith("-changelog")]
        self.assertTrue(changelogs)
        for name in [self.name, *changelogs, *(f"{self.name}-{topic}" for topic in RESULTS)]:
            described = json.loads(self.succeed(*self.on_kafka("describe", name, "--json")).stdout)
            self.assertEqual(described["compacted"], name in changelogs, name)
            if name not in changelogs:
                self.assertEqual(described["retentionMs"], -1, name)
            if not SHORT:
                self.assertEqual({len(partition["replicas"]) for partition in topics[name]}, {3}, name)

    @unittest.skipIf(SHORT, "takes minutes")
    def test_brokers_die(self):
        load, reader = self.start_load()
        self.start_worker("h", "--threads", "2", "--verbose")
        reader.wait_for_more("before brokers die")
        victim = self.random.choice("123")
        script(KAFKA, "kill", victim, *self.place)
        reader.wait_for_more(f"without broker {victim}", everywhere=True)
        script(KAFKA, "restart", victim, *self.place)
        time.sleep(self.random.uniform(0, 2))
        script(KAFKA, "kill", "all", *self.place)
        time.sleep(30)
        self.assert_workers_live()
        script(KAFKA, "restart", "all", *self.place)
        reader.wait_for_more("since all brokers are back")
        load.finish()
        self.stop_workers()
        self.compare("brokers that died")

    def test_registry_dies_while_a_new_schema_comes(self):
        # Workers with and without the first schema wait for the second one, and go on where they were.
        place, url = self.start_registry()
        self.succeed(*self.on_kafka("replay", *self.readings, "--topic", self.name, "--count", HOURS * 2_000))
        self.start_worker("k")
        reader = Reader(self, "aggregates-60")
        reader.wait_for_more("of the first schema", everywhere=True)
        first = json.load(urllib.request.urlopen(f"{url}/subjects/{self.name}-value/versions/latest", timeout=60))["id"]
        body = json.dumps({"schema": json.dumps(OTHER_SCHEMA)}).encode()
        request = urllib.request.Request(f"{url}/subjects/{self.name}-value/versions", body, {"Content-Type": "application/json"})
        second = json.load(urllib.request.urlopen(request, timeout=60))["id"]
        self.assertNotEqual(first, second)
        script(REGISTRY, "kill", *place)
        self.publish_the_rest({first: FIELDS, second: [field["name"] for field in OTHER_SCHEMA["fields"]]})
        self.wait_until(lambda: "waiting: " in self.worker_log("k") and url in self.worker_log("k"), "the message of worker k")
        self.start_worker("l")
        self.kill_worker("k")
        self.start_worker("k")
        self.wait_until(lambda: "waiting: " in self.worker_log("l") and url in self.worker_log("l"), "the message of worker l")
        # They may have done everything before the script that starts it is at its end.
        before = list(reader.counts)
        script(REGISTRY, "start", *place)
        reader.wait_for_more("since the registry is back", everywhere=True, than=before)
        self.stop_workers()
        self.compare("a registry that died")

    def publish_the_rest(self, fields_by_id):
        """What the topic does not have yet of the readings, in their order, each with one of these schemas."""
        self.data_dir = "all"
        self.succeed("replay", *self.readings, "--topic", self.name)
        there = [0] * 4
        for line in self.succeed(*self.on_kafka("console", self.name, "--json")).stdout.splitlines():
            there[json.loads(line)["partition"]] += 1
        rest = [[] for _ in there]
        for line in self.succeed("console", self.name, "--json").stdout.splitlines():
            record = json.loads(line)
            if record["offset"] < there[record["partition"]]:
                continue
            schema_id = self.random.choice(list(fields_by_id))
            rest[record["partition"]].append(record["key"].encode() + b"<key>" +
                                             avro(schema_id, fields_by_id[schema_id], record["value"]) + b"<end>")
        for partition, records in enumerate(rest):
            self.assertGreater(len(records), 100)
            subprocess.run(["kcat", "-P", "-q", "-b", self.brokers, "-t", self.name, "-p", str(partition), "-K", "<key>", "-D", "<end>",
                            "-X", "enable.idempotence=true"], check=True, input=b"".join(records), timeout=180)

    def test_rubbish_goes_to_the_reject_topic(self):
        load, reader = self.start_load()
        self.start_worker("i")
        reader.wait_for_more("before the rubbish")
        rubbish = [f"rubbish {number}" for number in range(40)]
        for number in range(4):
            subprocess.run(["kcat", "-P", "-q", "-b", self.brokers, "-t", self.name, "-p", str(number)], check=True,
                           input="\n".join(rubbish[number * 10:number * 10 + 10]) + "\n", text=True, timeout=180)
        reader.wait_for_more("after the rubbish", everywhere=True)
        load.finish()
        self.stop_workers()
        # The readings have keys.
        self.compare("rubbish", extra=lambda topic, record: topic == "rejected" and record[0] is None)
        rejected = self.records("rejected", on_kafka=True)
        self.assertEqual(sum(count for (key, _), count in rejected.items() if key is None), len(rubbish))

    def test_deleted_topic_ends_the_run_with_one_message(self):
        self.succeed(*self.on_kafka("replay", *self.readings, "--topic", self.name, "--count", "5000"))
        worker = self.start_worker("j")
        Reader(self, "aggregates-60").wait_for_more("of the worker")
        self.workers.pop("j")  # is going to end
        script(KAFKA, "tool", *self.place, "topics", "--delete", "--topic", self.name)
        self.wait_until(lambda: worker.poll() is not None, "the end of a run without topic")
        self.assertNotEqual(worker.returncode, 0)
        last = self.worker_log("j").strip().splitlines()[-1]
        self.assertIn("meterstream run:", last)
        self.assertIn(self.name, last)


if __name__ == "__main__":
    unittest.main()
