"""What tests of views on a real cluster share: workers as processes, a load of readings, a reader of committed results, and the
comparison with an undisturbed embedded run. METERSTREAM_SEED=<n> repeats the moments of another run."""
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

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "cli"))
from program import ProgramTest  # noqa: E402

SEED = int(os.environ.get("METERSTREAM_SEED") or random.SystemRandom().randrange(1 << 32))
RESULTS = ["aggregates-60", "aggregates-3600", "aggregates-86400", "aggregates-60-late", "aggregates-3600-late", "rejected"]
# Long enough for a machine that is busy with other things; what takes longer hangs.
PATIENCE_S = 180


def simulated(hours):
    """Options of a replay."""
    return ["--data", "simulate", "--households", "1-10", "--duration", f"{hours}h", "--seed", "11"]


def views_over(topic):
    """The views of examples/aggregates.sql, over another topic. No partition counts as idle, however slow the machine is."""
    sql = (ROOT / "examples" / "aggregates.sql").read_text().replace("'metrics", f"'{topic}").replace("30 seconds", "1 hour")
    return sql[:sql.index("-- Tables that queries read")]


def messages(log):
    """The end of what a program told, behind the last line of its progress."""
    lines = log.read_text().splitlines()
    progress = [line for line in lines if line.startswith(("run ", "replay "))]
    return "\n".join(progress[-1:] + [line for line in lines if line not in progress])[-3000:]


def threads_of(process_id):
    """What each thread of a process waits for, as far as the kernel tells."""
    def read(file):
        try:
            return file.read_text().strip()
        except OSError as error:
            return str(error)
    return "\n".join(f"thread {read(task / 'comm')}: {read(task / 'wchan')} {read(task / 'syscall')}"
                     for task in pathlib.Path(f"/proc/{process_id}/task").iterdir())


class KafkaClusterTest(ProgramTest):
    """A subclass says `readings` and `configuration` (TOML with the fields {guarantee} and {member}), and sets self.name (topic and
    application), self.sql (file of the views), self.brokers and self.expected."""
    schemas = ["--schema-id", "1"]
    guarantee = "exactly-once"

    def setUp(self):
        super().setUp()
        self.random = random.Random(SEED)
        self.workers = {}  # those that must live, by name

    def undisturbed(self, data_dir="undisturbed"):
        """The results of an embedded run, by topic."""
        self.data_dir = data_dir
        self.succeed("replay", *self.readings, "--topic", self.name)
        self.succeed("run", self.sql, "--until-idle")
        return {topic: self.records(topic) for topic in RESULTS}

    def on_kafka(self, *arguments, member="", guarantee=None):
        guarantee = guarantee or self.guarantee
        file = self.write(f"{member}-{guarantee}.toml",
                          self.configuration.format(guarantee=guarantee, member=f'static_member = "{member}"' if member else ""))
        if arguments[0] == "run":
            arguments = [*arguments, "--application-id", self.name]
        return [*arguments, "--kafka", self.brokers, *self.schemas, "--config", file]

    def records(self, topic, on_kafka=False):
        """How often each record is there, by key and value."""
        command = ["console", f"{self.name}-{topic}", "--json"]
        lines = self.succeed(*(self.on_kafka(*command) if on_kafka else command)).stdout.splitlines()
        return collections.Counter((record.get("key"), json.dumps(record["value"], sort_keys=True))
                                   for record in map(json.loads, lines))

    def start_worker(self, name, *options, is_static=True, output=subprocess.DEVNULL):
        """With a data directory of its own, which stays when it dies. Without options it has two threads."""
        log = open(self.folder / f"worker-{name}.log", "ab")
        self.addCleanup(log.close)
        command = self.command(*self.on_kafka("run", self.sql, *(options or ("--threads", "2")),
                                               member=name if is_static else ""))
        command[2] = f"worker-{name}"
        process = subprocess.Popen(command, cwd=self.folder, stdout=output, stderr=log, text=True)
        self.addCleanup(self.end_worker, process)
        self.workers[name] = process
        return process

    @staticmethod
    def end_worker(process):
        if process.poll() is None:
            process.kill()
        process.wait()

    def worker_log(self, name):
        return messages(self.folder / f"worker-{name}.log")

    def assert_workers_live(self):
        for name, process in self.workers.items():
            self.assertIsNone(process.poll(), f"seed {SEED}: worker {name} ended: {self.worker_log(name)}")

    def kill_worker(self, name):
        self.assert_workers_live()
        self.end_worker(self.workers.pop(name))

    def stop_worker(self, name):
        process = self.workers.pop(name)
        process.send_signal(signal.SIGINT)
        try:
            code = process.wait(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.fail(f"seed {SEED}: worker {name} did not end within {PATIENCE_S} s\n{threads_of(process.pid)}\n{self.worker_log(name)}")
        # One that was just started may not listen to the signal yet, and has done nothing.
        self.assertIn(code, (0, 130, -signal.SIGINT), f"seed {SEED}: {self.worker_log(name)}")

    def stop_workers(self):
        for name in list(self.workers):
            self.stop_worker(name)

    def wait_until(self, condition, what):
        end = time.monotonic() + PATIENCE_S
        while not condition():
            self.assert_workers_live()
            if time.monotonic() > end:
                logs = "\n".join(f"{file.name}: {messages(file)}" for file in sorted(self.folder.glob("*.log")))
                self.fail(f"seed {SEED}: {what} did not happen within {PATIENCE_S} s\n{logs}")
            time.sleep(0.05)

    def compare(self, what, guarantee=None, extra=None):
        """Closes the windows, then compares with the undisturbed run. `extra(topic, record)`: one that is meant to be there besides.
        At least once, a record may be there again."""
        guarantee = guarantee or self.guarantee
        self.data_dir = "last"
        last = self.succeed(*self.on_kafka("run", self.sql, "--until-idle", "--json", guarantee=guarantee))
        self.assertTrue(json.loads(last.stdout)["balanced"], last.stdout)
        repeated = 0
        for topic in RESULTS:
            actual, expected = self.records(topic, on_kafka=True), self.expected[topic]
            missing = expected - actual
            self.assertEqual(sum(missing.values()), 0, f"seed {SEED}: after {what}: {topic} misses {list(missing.items())[:3]}")
            surplus = collections.Counter({record: count for record, count in (actual - expected).items()
                                           if extra is None or not extra(topic, record)})
            wrong = sorted(set(surplus) - set(expected))
            self.assertEqual(wrong, [], f"seed {SEED}: after {what}: {topic} has what is no result of these readings")
            if self.guarantee == "exactly-once":
                self.assertEqual(sum(surplus.values()), 0,
                                 f"seed {SEED}: after {what}: {topic} has too many {list(surplus.items())[:3]}")
            repeated += sum(surplus.values())
        return repeated


class Load:
    """Publishes the readings in the background, `rate` a second; goes on where it was when brokers were away. finish() publishes
    what is left as fast as it goes, so that readings can be many enough for a slow machine and cost no time on a quick one."""

    def __init__(self, test, rate):
        self.test = test
        self.command = test.command(*test.on_kafka("replay", *test.readings, "--topic", test.name, "--resume"))
        self.rate = rate
        self.log = open(test.folder / "replay.log", "ab")
        self.lock = threading.Lock()
        self.process = None
        self.is_complete = False
        self.in_a_hurry = False
        self.given_up = threading.Event()
        self.thread = threading.Thread(target=self.publish)
        self.thread.start()
        test.addCleanup(self.give_up)

    def publish(self):
        while not self.given_up.is_set():
            with self.lock:
                rate = [] if self.in_a_hurry else ["--rate", str(self.rate)]
                self.process = subprocess.Popen(self.command + rate, cwd=self.test.folder, stdout=subprocess.DEVNULL, stderr=self.log)
            if self.process.wait() == 0:
                self.is_complete = True
                return
            self.given_up.wait(0.1 if self.in_a_hurry else 1)

    def finish(self):
        with self.lock:
            self.in_a_hurry = True
            self.process.send_signal(signal.SIGINT)
        self.test.wait_until(lambda: self.is_complete, "the end of the replay")

    def give_up(self):
        self.given_up.set()
        with self.lock:
            self.process.kill()
        self.thread.join()
        self.log.close()


class Reader:
    """Follows a topic as another client does that reads committed records only, and counts them by partition."""

    def __init__(self, test, topic, load=None):
        self.test = test
        self.load = load
        self.command = ["kcat", "-C", "-q", "-u", "-b", test.brokers, "-t", f"{test.name}-{topic}", "-o", "beginning",
                        "-X", "isolation.level=read_committed", "-f", "%p\\n"]
        self.counts = [0] * 4
        self.process = None
        self.is_closed = False
        self.lock = threading.Lock()
        self.thread = threading.Thread(target=self.follow)
        self.thread.start()
        test.addCleanup(self.close)

    def follow(self):
        """kcat ends while there is no topic, and when no broker is there."""
        while True:
            with self.lock:
                if self.is_closed:
                    return
                self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            counts = [0] * 4
            for line in self.process.stdout:
                counts[int(line)] += 1
                if sum(counts) >= sum(self.counts):
                    self.counts = counts
            self.process.stdout.close()
            self.process.wait()
            time.sleep(0.3)

    def wait_for_more(self, what, everywhere=False, than=None):
        """Until results were committed after this call, or beyond the counts `than`; on every partition if so said. When there are no
        readings any more, faults hit workers that rest."""
        before = than or list(self.counts)

        def have_come():
            more = [now > then for now, then in zip(self.counts, before)]
            return all(more) if everywhere else any(more)

        def are_over():
            return self.load is not None and self.load.is_complete
        self.test.wait_until(lambda: have_come() or are_over(), f"more results {what}")
        if not have_come():
            print(f"no more readings: no results {what}; faults hit workers that rest", file=sys.stderr)

    def close(self):
        with self.lock:
            self.is_closed = True
            self.process.kill()
        self.thread.join()
