"""kill -9 at random moments, again and again, over replay and run: the topics and the answers of queries must be those of
an undisturbed run, byte by byte. METERSTREAM_SEED=<n> repeats the moments of another run, METERSTREAM_KILLS=<count> asks
for more of them."""
import hashlib
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
from program import ProgramTest  # noqa: E402

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "examples/aggregates.sql"
KILLS = int(os.environ.get("METERSTREAM_KILLS", "64"))
SEED = int(os.environ.get("METERSTREAM_SEED") or random.SystemRandom().randrange(1 << 32))
WINDOWS = (60, 3600, 86400)
TOPICS = [f"metrics-aggregates-{window}{kind}" for window in WINDOWS for kind in ("", "-late")] + ["metrics-rejected"]
REPLAY = ["replay", "--data", "simulate", "--households", "1-20", "--duration", "8h", "--seed", "11"]
# When something arrived is the only thing that may differ.
ARRIVAL = re.compile(r'"ingestTime":"[^"]*",')


class KillLoop(ProgramTest):
    def setUp(self):
        super().setUp()
        self.random = random.Random(SEED)
        print(f"seed {SEED}", file=sys.stderr)

    def topic(self, name):
        """Records of each partition in order, without their times of arrival."""
        partitions = {}
        for line in self.succeed("console", name, "--json").stdout.splitlines():
            partition = re.search(r'"partition":(\d+)', line).group(1)
            partitions.setdefault(partition, []).append(ARRIVAL.sub("", line))
        return partitions

    def answers(self):
        """Everything that a user can see of the results: topics, and queries of some meters."""
        seen = {name: self.topic(name) for name in TOPICS}
        for window in WINDOWS:
            for household, kind, attribute in ((1, "ELECTRICITY", "ACTIVE_POWER"), (20, "GAS", "GAS_IDD")):
                query = ["query", "--gateway", f"household-{household}", "--type", kind, "--attribute", attribute,
                         "--window", window, "--format", "csv"]
                seen[" ".join(map(str, query))] = self.succeed(*query).stdout
        return seen

    def assert_same(self, actual, expected, what):
        for name in expected:
            if actual[name] == expected[name]:
                continue
            digest = [hashlib.sha256(repr(one).encode()).hexdigest()[:12] for one in (actual[name], expected[name])]
            kept = pathlib.Path("/tmp") / f"meterstream-kill-{SEED}"
            shutil.copytree(self.folder, kept, dirs_exist_ok=True)
            self.fail(f"seed {SEED}: after {what}: {name} differs ({digest[0]} for {digest[1]}); kept in {kept}")

    def killed(self, limit, *arguments):
        """Starts the program and kills it after a random time; False when it ended before."""
        process = subprocess.Popen(self.command(*arguments), cwd=self.folder, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE)
        self.addCleanup(process.stderr.close)
        try:
            # Early as often as late: what is left after some kills is soon done.
            process.wait(timeout=self.random.uniform(0.02, self.random.choice([0.3, 1]) * limit))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            return True
        self.assertEqual(process.returncode, 0, f"seed {SEED}: {process.stderr.read().decode()}")
        return False

    def timed(self, *arguments):
        began = time.monotonic()
        self.succeed(*arguments)
        return time.monotonic() - began

    def test_killed_replays_and_runs_end_like_undisturbed_ones(self):
        self.data_dir = "replayed"
        replay_seconds = self.timed(*REPLAY)
        readings = self.topic("metrics")
        shutil.copytree(self.folder / "replayed", self.folder / "undisturbed")
        self.data_dir = "undisturbed"
        run_seconds = self.timed("run", EXAMPLE, "--until-idle")
        expected = self.answers()
        self.assertGreater(sum(map(len, expected["metrics-aggregates-60"].values())), 50_000)
        self.assertGreater(sum(map(len, expected["metrics-aggregates-60-late"].values())), 10)
        self.assertGreater(sum(map(len, expected["metrics-rejected"].values())), 0)

        kills = self.kill_replays(max(0.2, 1.1 * replay_seconds), KILLS // 4, readings)
        # The log that survived the kills gives the same results too.
        self.succeed("run", EXAMPLE, "--until-idle")
        self.assert_same(self.answers(), expected, "killed replays")
        run_kills, rounds = self.kill_runs(max(0.3, 1.1 * run_seconds), KILLS - kills, expected)
        print(f"undisturbed: replay {replay_seconds:.2f} s, run {run_seconds:.2f} s; killed replay {kills} times, run "
              f"{run_kills} times in {rounds} rounds", file=sys.stderr)
        self.assertGreaterEqual(kills + run_kills, KILLS)

    def kill_replays(self, limit, wanted, readings):
        kills = 0
        for number in range(10 * wanted):
            self.data_dir = f"replay-{number}"
            while self.killed(limit, *REPLAY, "--resume"):
                kills += 1
            self.assertTrue(self.topic("metrics") == readings, f"seed {SEED}: after {kills} kills of replay")
            if kills >= wanted:
                break
            shutil.rmtree(self.folder / self.data_dir)
        return kills

    def kill_runs(self, limit, wanted, expected):
        kills = 0
        rounds = 0
        while kills < wanted:
            rounds += 1
            self.data_dir = f"run-{rounds}"
            shutil.copytree(self.folder / "replayed", self.folder / self.data_dir)
            self.write("meterstream.toml", f'[engine]\ncommit_interval = "{self.random.choice([5, 50, 200, 1000])}ms"\n')
            while self.killed(limit, "run", EXAMPLE, "--until-idle", "--threads", self.random.randint(1, 4)):
                kills += 1
            (self.folder / "meterstream.toml").unlink()
            self.assert_same(self.answers(), expected, f"{kills} kills of run in {rounds} rounds")
            shutil.rmtree(self.folder / self.data_dir)
        return kills, rounds


if __name__ == "__main__":
    unittest.main()
