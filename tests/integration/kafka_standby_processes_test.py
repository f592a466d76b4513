"""Two processes on a real broker: one works, the other only keeps copies of its state (--standby). The first is killed; the other goes
on from its copies, and the results are those of an undisturbed run, each once. METERSTREAM_SEED=<n> repeats the moment of another run."""
import collections
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "cli"))
from program import ProgramTest  # noqa: E402

SCRIPT = ROOT / "deploy" / "local" / "kafka"
SEED = int(os.environ.get("METERSTREAM_SEED") or random.SystemRandom().randrange(1 << 32))
READINGS = ["--data", "simulate", "--households", "1-10", "--duration", "1h", "--seed", "11"]
PATIENCE_S = 180
RESULTS = ["aggregates-60", "aggregates-3600", "aggregates-60-late"]
# The dead are noticed soon.
BROKER_SETTINGS = ["group.min.session.timeout.ms=500", "transaction.abort.timed.out.transaction.cleanup.interval.ms=500"]
CONFIGURATION = """[kafka]
session_timeout = "2s"
transaction_timeout = "2s"
commit_interval = "50ms"
guarantee = "{guarantee}"
"""


class KafkaStandby(ProgramTest):
    expected = None

    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory(prefix="meterstream-standby-", ignore_cleanup_errors=True)
        cls.addClassCleanup(temporary.cleanup)
        place = ["--directory", str(pathlib.Path(temporary.name) / "cluster")]
        cls.addClassCleanup(subprocess.run, [SCRIPT, "wipe", *place], check=False, stdout=subprocess.DEVNULL)
        settings = [part for setting in BROKER_SETTINGS for part in ("--set", setting)]
        subprocess.run([SCRIPT, "start", "1", *place, *settings], check=True, stdout=subprocess.DEVNULL)
        cls.brokers = subprocess.run([SCRIPT, "bootstrap", *place], check=True, capture_output=True, text=True).stdout.strip()

    def on_kafka(self, *arguments):
        file = self.write(f"{self.guarantee}.toml", CONFIGURATION.format(guarantee=self.guarantee))
        if arguments[0] == "run":
            arguments = [*arguments, "--application-id", self.name]
        return [*arguments, "--kafka", self.brokers, "--schema-id", "1", "--config", file]

    def records(self, topic, on_kafka=False):
        command = ["console", f"{self.name}-{topic}", "--json"]
        lines = self.succeed(*(self.on_kafka(*command) if on_kafka else command)).stdout.splitlines()
        return collections.Counter((record["key"], json.dumps(record["value"])) for record in map(json.loads, lines))

    def start_worker(self, name, *options):
        log = open(self.folder / f"{name}.log", "ab")
        self.addCleanup(log.close)
        command = self.command(*self.on_kafka("run", self.sql, *options))
        command[2] = name
        process = subprocess.Popen(command, cwd=self.folder, stdout=subprocess.PIPE, stderr=log, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(lambda: (process.kill(), process.wait()))
        return process

    def log_of(self, name):
        return (self.folder / f"{name}.log").read_text()

    def wait_for(self, name, text, behind=0):
        """Until the log has it, `behind` so many characters."""
        end = time.monotonic() + PATIENCE_S
        while text not in self.log_of(name)[behind:]:
            self.assertLess(time.monotonic(), end, self.log_of(name)[-2000:])
            time.sleep(0.05)

    def changelog_records(self):
        topics = json.loads(self.succeed(*self.on_kafka("topics", "--json")).stdout)
        return sum(topic["records"] for topic in topics if topic["topic"].endswith("-changelog") and self.name in topic["topic"])

    def take_over(self, guarantee):
        self.guarantee = guarantee
        self.name = f"{guarantee}-{os.getpid()}"
        sql = (ROOT / "examples" / "aggregates.sql").read_text().replace("'metrics", f"'{self.name}").replace("30 seconds", "1 hour")
        self.sql = self.write("views.sql", sql[:sql.index("-- Tables that queries read")])
        if KafkaStandby.expected is None:
            self.data_dir = "undisturbed"
            self.succeed("replay", *READINGS, "--topic", self.name)
            self.succeed("run", self.sql, "--until-idle")
            KafkaStandby.expected = {topic: self.records(topic) for topic in RESULTS}
            self.assertGreater(sum(self.expected["aggregates-60"].values()), 1_000)
        expected = self.expected

        self.data_dir = "unused"
        self.succeed(*self.on_kafka("topics", "--create", self.name))
        # A thread for each partition: there is nothing left for the other process to own.
        owner = self.start_worker("owner", "--threads", "4")
        replay = threading.Thread(target=self.run_program,
                                  args=self.on_kafka("replay", *READINGS, "--topic", self.name, "--rate", "300"))
        replay.start()
        self.addCleanup(replay.join)
        end = time.monotonic() + PATIENCE_S
        while self.changelog_records() < 100:
            self.assertLess(time.monotonic(), end, self.log_of("owner")[-2000:])
        standby = self.start_worker("standby", "--threads", "1", "--standby", "--json")
        self.wait_for("standby", "standby for 4")
        time.sleep(random.Random(SEED).uniform(0, 1))
        held = self.changelog_records()
        told = len(self.log_of("standby"))
        owner.kill()
        owner.wait()
        replay.join()
        # The standby owns everything now, and follows nobody.
        self.wait_for("standby", "standby for 0", told)
        time.sleep(0.5)
        standby.send_signal(signal.SIGINT)
        summary = json.loads(standby.communicate(timeout=60)[0])
        self.assertEqual(standby.returncode, 0, self.log_of("standby")[-2000:])
        # More than the four when a busy machine made it lose its place for a moment.
        self.assertGreaterEqual(summary["state"]["tasks"], 4, f"seed {SEED}: {summary}")
        self.assertEqual(summary["state"]["rebuilt"], 0, f"seed {SEED}: {summary}")
        self.assertLess(summary["state"]["entries"], held / 10, f"seed {SEED}: of {held} records: {summary}")
        self.assertEqual(summary["standby"], {"partitions": 0, "behind": 0})

        self.data_dir = "last"
        last = self.succeed(*self.on_kafka("run", self.sql, "--until-idle", "--json"))
        self.assertTrue(json.loads(last.stdout)["balanced"], last.stdout)
        for topic in RESULTS:
            actual = self.records(topic, on_kafka=True)
            if guarantee == "at-least-once":
                # What was under way may be there twice, and is the same then.
                actual = collections.Counter({record: min(count, expected[topic][record]) if expected[topic][record] else count
                                              for record, count in actual.items()})
            self.assertEqual(actual - expected[topic], collections.Counter(), f"seed {SEED}: {topic}")
            self.assertEqual(expected[topic] - actual, collections.Counter(), f"seed {SEED}: {topic}")

    def test_exactly_once(self):
        self.take_over("exactly-once")

    def test_at_least_once(self):
        self.take_over("at-least-once")


if __name__ == "__main__":
    unittest.main(verbosity=2)
