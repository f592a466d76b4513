"""Views without transactions on a real broker: workers are killed and stopped. Nothing may be lost; records may be there twice, and
then they are the same. Run by: with_kafka 1 kafka_at_least_once_test.py. METERSTREAM_SEED=<n> repeats the moments of another run."""
import os
import signal
import sys
import threading
import time
import unittest

from kafka_cluster_test_base import SEED, KafkaClusterTest, simulated, views_over

KILLS = int(os.environ.get("METERSTREAM_KILLS", "12"))


class AtLeastOnce(KafkaClusterTest):
    brokers = os.environ["METERSTREAM_TEST_KAFKA"]
    readings = simulated(hours=2)
    guarantee = "at-least-once"
    configuration = """[kafka]
session_timeout = "6s"
commit_interval = "50ms"
guarantee = "{guarantee}"
{member}
"""
    expected = None

    def setUp(self):
        super().setUp()
        self.name = f"{self.id().rsplit('_', 1)[1]}-{os.getpid()}"
        self.sql = self.write("views.sql", views_over(self.name))
        if AtLeastOnce.expected is None:
            AtLeastOnce.expected = self.undisturbed()
            self.assertGreater(sum(self.expected["aggregates-60"].values()), 3_000)

    def start_replay(self, rate):
        self.succeed(*self.on_kafka("topics", "--create", self.name))
        thread = threading.Thread(target=self.run_program,
                                  args=self.on_kafka("replay", *self.readings, "--topic", self.name, "--rate", rate))
        thread.start()
        self.addCleanup(thread.join)
        return thread

    def finish_and_compare(self, what, guarantee="at-least-once"):
        repeated = self.compare(what, guarantee)
        print(f"seed {SEED}: {what}: {repeated} records twice", file=sys.stderr)

    def kill_workers(self, guarantee):
        replay = self.start_replay(1500)
        for name in ("a", "b"):
            self.start_worker(name)
        for _ in range(KILLS):
            time.sleep(self.random.uniform(0.3, 1.5))
            name = self.random.choice(["a", "b"])
            self.kill_worker(name)
            self.start_worker(name)
        replay.join()
        if guarantee == "at-least-once":
            self.stop_workers()
        else:
            for name in ("a", "b"):
                self.kill_worker(name)
        self.finish_and_compare(f"{KILLS} kills, then {guarantee}", guarantee)

    def test_kills(self):
        self.kill_workers("at-least-once")

    def test_switch(self):
        """What the dead left half-written does not disturb a run with transactions."""
        self.kill_workers("exactly-once")

    def test_stopped(self):
        """A worker that wakes up after others took its partitions."""
        replay = self.start_replay(800)
        for name in ("c", "d"):
            self.start_worker(name)
        time.sleep(self.random.uniform(4, 6))
        self.workers["c"].send_signal(signal.SIGSTOP)
        time.sleep(9)
        self.workers["c"].send_signal(signal.SIGCONT)
        replay.join()
        self.assert_workers_live()
        self.stop_workers()
        self.finish_and_compare("a worker that stood still")


if __name__ == "__main__":
    unittest.main(verbosity=2)
