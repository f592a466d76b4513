"""Two processes on a real broker: one works, the other only keeps copies of its state (--standby). The first is killed; the other goes
on from its copies, and the results are those of an undisturbed run. METERSTREAM_SEED=<n> repeats the moment of another run."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from kafka_cluster_test_base import PATIENCE_S, ROOT, SEED, KafkaClusterTest, Load, simulated, views_over

SCRIPT = ROOT / "deploy" / "local" / "kafka"
# The dead are noticed soon.
BROKER_SETTINGS = ["group.min.session.timeout.ms=500", "transaction.abort.timed.out.transaction.cleanup.interval.ms=500"]


class KafkaStandby(KafkaClusterTest):
    readings = simulated(hours=1)
    configuration = """[kafka]
session_timeout = "5s"
transaction_timeout = "2s"
commit_interval = "50ms"
guarantee = "{guarantee}"
{member}
"""
    expected = None

    @classmethod
    def setUpClass(cls):
        print(f"seed {SEED}", file=sys.stderr)
        temporary = tempfile.TemporaryDirectory(prefix="meterstream-standby-", ignore_cleanup_errors=True)
        cls.addClassCleanup(temporary.cleanup)
        place = ["--directory", str(pathlib.Path(temporary.name) / "cluster")]
        cls.addClassCleanup(subprocess.run, [SCRIPT, "wipe", *place], check=False, stdout=subprocess.DEVNULL)
        settings = [part for setting in BROKER_SETTINGS for part in ("--set", setting)]
        subprocess.run([SCRIPT, "start", "1", *place, *settings], check=True, stdout=subprocess.DEVNULL)
        cls.brokers = subprocess.run([SCRIPT, "bootstrap", *place], check=True, capture_output=True, text=True).stdout.strip()

    def changelog_records(self):
        topics = json.loads(self.succeed(*self.on_kafka("topics", "--json")).stdout)
        return sum(topic["records"] for topic in topics if topic["topic"].endswith("-changelog") and self.name in topic["topic"])

    def wait_for_standby(self, text, behind=0):
        """Until the standby's log has it, `behind` so many characters."""
        log = self.folder / "worker-standby.log"
        self.wait_until(lambda: text in log.read_text()[behind:], f"'{text}'")
        return len(log.read_text())

    def start_standby(self):
        """While the threads of the owner still share out the partitions it may get one of them: then it gives it back and comes again.
        The process, and how long its log is when it follows all of them."""
        log = self.folder / "worker-standby.log"
        for _ in range(10):
            behind = len(log.read_text()) if log.exists() else 0
            standby = self.start_worker("standby", "--threads", "1", "--standby", "--json", is_static=False, output=subprocess.PIPE)
            self.addCleanup(standby.stdout.close)
            self.wait_until(lambda: "standby for " in log.read_text()[behind:], "the standby's first message")
            end = time.monotonic() + 15
            while time.monotonic() < end:
                if "standby for 4" in log.read_text()[behind:]:
                    return standby, len(log.read_text())
                time.sleep(0.1)
            self.stop_worker("standby")
        self.fail(f"seed {SEED}: the standby never followed all partitions: {self.worker_log('standby')}")

    def take_over(self, guarantee):
        self.guarantee = guarantee
        self.name = f"{guarantee}-{os.getpid()}"
        self.sql = self.write("views.sql", views_over(self.name))
        if KafkaStandby.expected is None:
            KafkaStandby.expected = self.undisturbed()
            self.assertGreater(sum(self.expected["aggregates-60"].values()), 1_000)

        self.data_dir = "unused"
        self.succeed(*self.on_kafka("topics", "--create", self.name))
        # A thread for each partition: there is nothing left for the other process to own.
        self.start_worker("owner", "--threads", "4", is_static=False)
        load = Load(self, 300)
        self.wait_until(lambda: self.changelog_records() >= 100, "a changelog of 100 records")
        standby, told = self.start_standby()
        time.sleep(self.random.uniform(0, 1))
        held = self.changelog_records()
        self.kill_worker("owner")
        load.finish()
        # The standby owns everything now, and follows nobody.
        self.wait_for_standby("standby for 0", told)
        time.sleep(0.5)
        standby.send_signal(signal.SIGINT)
        summary = json.loads(standby.communicate(timeout=PATIENCE_S)[0])
        self.assertEqual(standby.returncode, 0, self.worker_log("standby"))
        # More than the four when a busy machine made it lose its place for a moment.
        self.assertGreaterEqual(summary["state"]["tasks"], 4, f"seed {SEED}: {summary}")
        self.assertEqual(summary["state"]["rebuilt"], 0, f"seed {SEED}: {summary}")
        self.assertLess(summary["state"]["entries"], held / 10, f"seed {SEED}: of {held} records: {summary}")
        self.assertEqual(summary["standby"], {"partitions": 0, "behind": 0})
        self.workers.clear()
        self.compare("a take-over")

    def test_exactly_once(self):
        self.take_over("exactly-once")

    def test_at_least_once(self):
        self.take_over("at-least-once")


if __name__ == "__main__":
    unittest.main(verbosity=2)
