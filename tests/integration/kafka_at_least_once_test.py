"""Views without transactions on a real broker: workers are killed and stopped. Nothing may be lost; records may be there twice, and
then they are the same. Run by: with_kafka 1 kafka_at_least_once_test.py. METERSTREAM_SEED=<n> repeats the moments of another run."""
import collections
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "cli"))
from program import ProgramTest  # noqa: E402

BROKERS = os.environ["METERSTREAM_TEST_KAFKA"]
SEED = int(os.environ.get("METERSTREAM_SEED") or random.SystemRandom().randrange(1 << 32))
KILLS = int(os.environ.get("METERSTREAM_KILLS", "12"))
READINGS = ["--data", "simulate", "--households", "1-10", "--duration", "2h", "--seed", "11"]
RESULTS = ["aggregates-60", "aggregates-3600", "aggregates-86400", "aggregates-60-late", "aggregates-3600-late"]
CONFIGURATION = """[kafka]
session_timeout = "6s"
commit_interval = "50ms"
guarantee = "{guarantee}"
{member}
"""


class AtLeastOnce(ProgramTest):
    expected = None

    def setUp(self):
        super().setUp()
        self.random = random.Random(SEED)
        self.name = f"{self.id().rsplit('_', 1)[1]}-{os.getpid()}"
        sql = (ROOT / "examples" / "aggregates.sql").read_text().replace("'metrics", f"'{self.name}").replace("30 seconds", "1 hour")
        self.sql = self.write("views.sql", sql[:sql.index("-- Tables that queries read")])
        if AtLeastOnce.expected is None:
            self.data_dir = "undisturbed"
            self.succeed("replay", *READINGS, "--topic", self.name)
            self.succeed("run", self.sql, "--until-idle")
            AtLeastOnce.expected = {topic: self.records(topic) for topic in RESULTS}
            self.assertGreater(sum(self.expected["aggregates-60"].values()), 3_000)

    def on_kafka(self, *arguments, member="", guarantee="at-least-once"):
        file = self.write(f"{member}-{guarantee}.toml",
                          CONFIGURATION.format(guarantee=guarantee, member=f'static_member = "{member}"' if member else ""))
        if arguments[0] == "run":
            arguments = [*arguments, "--application-id", self.name]
        return [*arguments, "--kafka", BROKERS, "--schema-id", "1", "--config", file]

    def records(self, topic, on_kafka=False):
        command = ["console", f"{self.name}-{topic}", "--json"]
        lines = self.succeed(*(self.on_kafka(*command) if on_kafka else command)).stdout.splitlines()
        return collections.Counter((record["key"], json.dumps(record["value"])) for record in map(json.loads, lines))

    def start_replay(self, rate):
        self.succeed(*self.on_kafka("topics", "--create", self.name))
        thread = threading.Thread(target=self.run_program, args=self.on_kafka("replay", *READINGS, "--topic", self.name, "--rate", rate))
        thread.start()
        self.addCleanup(thread.join)
        return thread

    def start_worker(self, name):
        log = open(self.folder / f"worker-{name}.log", "ab")
        self.addCleanup(log.close)
        command = self.command(*self.on_kafka("run", self.sql, "--threads", "2", member=name))
        command[2] = f"worker-{name}"
        process = subprocess.Popen(command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=log)
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.kill()
        process.wait()

    def worker_log(self, name):
        return (self.folder / f"worker-{name}.log").read_text()[-3000:]

    def stop(self, workers):
        for name, worker in workers.items():
            worker.send_signal(signal.SIGINT)
            # One that was just started may not listen to the signal yet, and has done nothing.
            self.assertIn(worker.wait(timeout=60), (0, -signal.SIGINT), f"seed {SEED}: {self.worker_log(name)}")

    def finish_and_compare(self, what, guarantee="at-least-once"):
        self.data_dir = "last"
        last = self.succeed(*self.on_kafka("run", self.sql, "--until-idle", "--json", guarantee=guarantee))
        self.assertTrue(json.loads(last.stdout)["balanced"], last.stdout)
        repeated = 0
        for topic in RESULTS:
            actual = self.records(topic, on_kafka=True)
            missing = self.expected[topic] - actual
            self.assertEqual(sum(missing.values()), 0, f"seed {SEED}: after {what}: {topic} misses {list(missing.items())[:3]}")
            wrong = set(actual) - set(self.expected[topic])
            self.assertEqual(len(wrong), 0, f"seed {SEED}: after {what}: {topic} has {sorted(wrong)[:3]}")
            repeated += sum((actual - self.expected[topic]).values())
        print(f"seed {SEED}: {what}: {repeated} records twice", file=sys.stderr)

    def kill_workers(self, guarantee):
        replay = self.start_replay(1500)
        workers = {name: self.start_worker(name) for name in ("a", "b")}
        for _ in range(KILLS):
            time.sleep(self.random.uniform(0.3, 1.5))
            name = self.random.choice(list(workers))
            self.assertIsNone(workers[name].poll(), f"seed {SEED}: {self.worker_log(name)}")
            workers[name].kill()
            workers[name].wait()
            workers[name] = self.start_worker(name)
        replay.join()
        if guarantee == "at-least-once":
            self.stop(workers)
        else:
            for worker in workers.values():
                self.end(worker)
        self.finish_and_compare(f"{KILLS} kills, then {guarantee}", guarantee)

    def test_kills(self):
        self.kill_workers("at-least-once")

    def test_switch(self):
        """What the dead left half-written does not disturb a run with transactions."""
        self.kill_workers("exactly-once")

    def test_stopped(self):
        """A worker that wakes up after others took its partitions."""
        replay = self.start_replay(800)
        workers = {name: self.start_worker(name) for name in ("c", "d")}
        time.sleep(self.random.uniform(4, 6))
        workers["c"].send_signal(signal.SIGSTOP)
        time.sleep(9)
        workers["c"].send_signal(signal.SIGCONT)
        replay.join()
        self.assertIsNone(workers["d"].poll(), self.worker_log("d"))
        self.stop({name: worker for name, worker in workers.items() if worker.poll() is None})
        self.finish_and_compare("a worker that stood still")


if __name__ == "__main__":
    unittest.main(verbosity=2)
