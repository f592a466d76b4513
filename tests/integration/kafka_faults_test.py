"""Views on a real cluster of three brokers under faults: workers killed, stopped and added, brokers killed, rubbish in the
topic. The results that a reader of committed records sees must be those of an undisturbed embedded run, each once.
METERSTREAM_SEED=<n> repeats the moments of another run, METERSTREAM_KILLS=<count> asks for more of them.
METERSTREAM_SHORT=1 has a quarter of the readings, fewer faults, and one broker that does not die."""
import collections
import json
import os
import pathlib
import random
import re
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

SHORT = os.environ.get("METERSTREAM_SHORT", "") not in ("", "0")
HOURS = 2 if SHORT else 8
KILLS = int(os.environ.get("METERSTREAM_KILLS") or (8 if SHORT else 50))
STOPS = 1 if SHORT else 2
RATE = 700 if SHORT else 1500
SEED = int(os.environ.get("METERSTREAM_SEED") or random.SystemRandom().randrange(1 << 32))
SCRIPT = ROOT / "deploy" / "local" / "kafka"
SQL = (ROOT / "examples" / "aggregates.sql").read_text()
READINGS = ["--data", "simulate", "--households", "1-10", "--duration", f"{HOURS}h", "--seed", "11"]
RESULTS = ["aggregates-60", "aggregates-3600", "aggregates-86400", "aggregates-60-late", "aggregates-3600-late"]
# Dead members and their transactions are noticed soon, so that many faults fit into a test.
BROKER_SETTINGS = ["group.min.session.timeout.ms=500", "transaction.abort.timed.out.transaction.cleanup.interval.ms=500"]
CONFIGURATION = """[kafka]
session_timeout = "2s"
transaction_timeout = "2s"
commit_interval = "100ms"
"""


class KafkaFaults(ProgramTest):
    @classmethod
    def setUpClass(cls):
        print(f"seed {SEED}", file=sys.stderr)
        temporary = tempfile.TemporaryDirectory(prefix="meterstream-faults-", ignore_cleanup_errors=True)
        cls.addClassCleanup(temporary.cleanup)
        cls.place = ["--directory", str(pathlib.Path(temporary.name) / "cluster")]
        cls.addClassCleanup(subprocess.run, [SCRIPT, "wipe", *cls.place], check=False, stdout=subprocess.DEVNULL)
        settings = [part for setting in BROKER_SETTINGS for part in ("--set", setting)]
        subprocess.run([SCRIPT, "start", "1" if SHORT else "3", *cls.place, *settings], check=True, stdout=subprocess.DEVNULL)
        cls.brokers = subprocess.run([SCRIPT, "bootstrap", *cls.place], check=True, capture_output=True,
                                     text=True).stdout.strip()
        cls.expected = None

    def setUp(self):
        super().setUp()
        self.random = random.Random(SEED)
        self.name = re.sub("[^a-z]", "", self.id().rsplit(".", 1)[1][5:])[:30]
        sql = SQL.replace("'metrics", f"'{self.name}").replace("30 seconds", "1 hour")
        sql = sql[:sql.index("-- Tables that queries read")]
        self.sql = self.write("views.sql", sql)
        if type(self).expected is None:
            type(self).expected = self.undisturbed()

    def undisturbed(self):
        """The results of an embedded run, by topic."""
        self.data_dir = "undisturbed"
        self.succeed("replay", *READINGS, "--topic", self.name)
        self.succeed("run", self.sql, "--until-idle")
        results = {topic: self.records(topic) for topic in RESULTS}
        self.assertGreater(sum(results["aggregates-60"].values()), HOURS * 4_000)
        self.assertGreater(sum(results["aggregates-60-late"].values()), 5)
        return results

    def on_kafka(self, *arguments, member=""):
        name = f"kafka-{member}.toml"
        if not (self.folder / name).exists():
            self.write(name, CONFIGURATION + (f'static_member = "{member}"\n' if member else ""))
        if arguments[0] == "run":
            arguments = [*arguments, "--application-id", self.name]
        return [*arguments, "--kafka", self.brokers, "--schema-id", "1", "--config", name]

    def records(self, topic, on_kafka=False):
        """How often each record is there, by key and value."""
        command = ["console", f"{self.name}-{topic}", "--json"]
        lines = self.succeed(*(self.on_kafka(*command) if on_kafka else command)).stdout.splitlines()
        return collections.Counter((record["key"], json.dumps(record["value"])) for record in map(json.loads, lines))

    def start_replay(self, rate):
        """Publishes in the background; goes on where it was when brokers were away."""
        errors = []
        given_up = threading.Event()

        def publish():
            command = self.on_kafka("replay", *READINGS, "--topic", self.name, "--rate", rate, "--resume")
            for _ in range(60):
                result = self.run_program(*command)
                if result.returncode == 0:
                    return
                errors.append(result.stderr)
                if given_up.wait(1):
                    return
            errors.append("gave up")

        thread = threading.Thread(target=publish)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(given_up.set)
        return thread, errors

    def start_worker(self, name):
        log = open(self.folder / f"worker-{name}.log", "ab")
        self.addCleanup(log.close)
        command = self.command(*self.on_kafka("run", self.sql, "--threads", "2", member=name))
        command[2] = f"worker-{name}"
        process = subprocess.Popen(command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=log)
        self.addCleanup(self.end_worker, process)
        return process

    @staticmethod
    def end_worker(process):
        if process.poll() is None:
            process.kill()
        process.wait()

    def worker_log(self, name):
        return (self.folder / f"worker-{name}.log").read_text()[-3000:]

    def wait_for_work(self, name):
        """Until it has told of its progress."""
        end = time.monotonic() + 60
        while "records" not in self.worker_log(name):
            self.assertLess(time.monotonic(), end, self.worker_log(name))
            time.sleep(0.2)

    def stop_worker(self, process, name):
        process.send_signal(signal.SIGINT)
        # One that was just started may not listen to the signal yet, and has done nothing.
        self.assertIn(process.wait(timeout=90), (0, -signal.SIGINT), f"seed {SEED}: {self.worker_log(name)}")

    def finish_and_compare(self, what):
        """Closes the windows, then compares with the undisturbed run."""
        self.data_dir = "last"
        last = self.succeed(*self.on_kafka("run", self.sql, "--until-idle", "--json"))
        self.assertTrue(json.loads(last.stdout)["balanced"], last.stdout)
        for topic in RESULTS:
            actual = self.records(topic, on_kafka=True)
            expected = self.expected[topic]
            self.assertEqual(sum((expected - actual).values()), 0,
                             f"seed {SEED}: after {what}: {topic} misses {list((expected - actual).items())[:3]}")
            self.assertEqual(sum((actual - expected).values()), 0,
                             f"seed {SEED}: after {what}: {topic} has too many {list((actual - expected).items())[:3]}")

    def assert_published(self, replay):
        thread, errors = replay
        thread.join(timeout=200)
        self.assertFalse(thread.is_alive() or errors[-1:] == ["gave up"], errors[-3:])

    def test_kills_lose_and_double_nothing(self):
        replay = self.start_replay(500)
        workers = {name: self.start_worker(name) for name in ("a", "b")}
        for _ in range(KILLS):
            time.sleep(self.random.uniform(0.1, 1.2))
            name = self.random.choice(list(workers))
            self.assertIsNone(workers[name].poll(), f"seed {SEED}: {self.worker_log(name)}")
            workers[name].kill()
            workers[name].wait()
            workers[name] = self.start_worker(name)
        self.assert_published(replay)
        for name, worker in workers.items():
            self.stop_worker(worker, name)
        self.finish_and_compare(f"{KILLS} kills")

    def test_stopped_worker_is_fenced(self):
        replay = self.start_replay(RATE)
        workers = {name: self.start_worker(name) for name in ("c", "d")}
        for _ in range(STOPS):
            time.sleep(self.random.uniform(1, 3))
            workers["c"].send_signal(signal.SIGSTOP)
            time.sleep(6)
            workers["c"].send_signal(signal.SIGCONT)
        self.assert_published(replay)
        for name, worker in workers.items():
            if worker.poll() is None:
                self.stop_worker(worker, name)
        self.finish_and_compare("a worker that stood still")

    def test_workers_come_and_go(self):
        replay = self.start_replay(RATE)
        workers = {}
        for round_number in range(4):
            for name in ("e", "f", "g")[: 1 + round_number % 3]:
                if name not in workers:
                    workers[name] = self.start_worker(name)
            time.sleep(self.random.uniform(1, 3))
            name = self.random.choice(list(workers))
            self.stop_worker(workers.pop(name), name)
        self.assert_published(replay)
        for name, worker in workers.items():
            self.stop_worker(worker, name)
        self.finish_and_compare("workers that came and went")

    @unittest.skipIf(SHORT, "takes minutes")
    def test_brokers_die(self):
        replay = self.start_replay(800)
        worker = self.start_worker("h")
        self.wait_for_work("h")
        subprocess.run([SCRIPT, "kill", "2", *self.place], check=True, stdout=subprocess.DEVNULL)
        time.sleep(5)
        subprocess.run([SCRIPT, "restart", "2", *self.place], check=True, stdout=subprocess.DEVNULL)
        time.sleep(3)
        subprocess.run([SCRIPT, "kill", "all", *self.place], check=True, stdout=subprocess.DEVNULL)
        time.sleep(30)
        self.assertIsNone(worker.poll(), self.worker_log("h"))
        subprocess.run([SCRIPT, "restart", "all", *self.place], check=True, stdout=subprocess.DEVNULL)
        self.assert_published(replay)
        self.stop_worker(worker, "h")
        self.finish_and_compare("brokers that died")

    def test_rubbish_goes_to_the_reject_topic(self):
        replay = self.start_replay(3000)
        worker = self.start_worker("i")
        self.wait_for_work("i")
        rubbish = [f"rubbish {number}" for number in range(40)]
        for number in range(4):
            subprocess.run(["kcat", "-P", "-q", "-b", self.brokers, "-t", self.name, "-p", str(number)], check=True,
                           input="\n".join(rubbish[number * 10:number * 10 + 10]) + "\n", text=True, timeout=60)
        self.assert_published(replay)
        self.stop_worker(worker, "i")
        self.finish_and_compare("rubbish")
        lines = self.succeed(*self.on_kafka("console", f"{self.name}-rejected", "--json")).stdout.splitlines()
        # Those of the simulation have keys.
        self.assertEqual(sum(json.loads(line).get("key") is None for line in lines), len(rubbish))

    def test_deleted_topic_ends_the_run_with_one_message(self):
        replay = self.start_replay(0)
        self.assert_published(replay)
        worker = self.start_worker("j")
        self.wait_for_work("j")
        subprocess.run([SCRIPT, "tool", *self.place, "topics", "--delete", "--topic",
                        self.name], check=True, stdout=subprocess.DEVNULL)
        self.assertNotEqual(worker.wait(timeout=60), 0)
        last = self.worker_log("j").strip().splitlines()[-1]
        self.assertIn("meterstream run:", last)
        self.assertIn(self.name, last)


if __name__ == "__main__":
    unittest.main()
