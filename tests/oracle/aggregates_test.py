"""Every window of a replayed UCI file against a recomputation that shares no code with the engine: exact sums, averages
half-even to nine digits, counts, extremes and window limits. Uses the real file when it is there (its first lines;
METERSTREAM_FULL=1 takes all), and a small one made by hand always."""
import datetime
import decimal
import json
import os
import pathlib
import shutil
import subprocess
import sys
import unittest
from decimal import Decimal

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
from program import ProgramTest  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
REAL = ROOT.parent / "shared/data/household_power_consumption_2006-12-16_2007-06-30.txt.zst"
EXAMPLE = ROOT / "examples/aggregates.sql"
LINES = None if os.environ.get("METERSTREAM_FULL") == "1" else 12_000
ATTRIBUTES = ("ACTIVE_POWER", "REACTIVE_POWER", "VOLTAGE", "INTENSITY")
WINDOWS = (60, 3600, 86400)
UNIT = Decimal("1e-9")
EPOCH = datetime.datetime(1970, 1, 1)
decimal.getcontext().prec = 80


def readings(lines, households, offset):
    """(household, attribute, seconds, value) as the product documents them: value + 0.001 x household, in doubles."""
    for line in lines[1:]:
        day, clock, *fields = line.split(";")
        time = datetime.datetime.strptime(f"{day} {clock}", "%d/%m/%Y %H:%M:%S")
        seconds = int((time - EPOCH).total_seconds())
        for attribute, text in zip(ATTRIBUTES, fields):
            if text in ("", "?"):
                continue
            for household in households:
                yield household, attribute, seconds, float(text) + (0.001 * household if offset else 0.0)


def recomputed(lines, households, offset, size):
    """Windows by series and start. Inputs of these tests come in order, so that nothing is late."""
    windows = {}
    for household, attribute, seconds, value in readings(lines, households, offset):
        key = f"household-{household}.ELECTRICITY.{attribute}", seconds - seconds % size
        windows.setdefault(key, []).append(value)
    answer = {}
    for key, values in windows.items():
        total = sum((Decimal(value).quantize(UNIT, rounding=decimal.ROUND_HALF_EVEN) for value in values), Decimal(0))
        average = (total / len(values)).quantize(UNIT, rounding=decimal.ROUND_HALF_EVEN)
        answer[key] = len(values), min(values), max(values), total, average
    return answer


def seconds_of(text):
    return int((datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ") - EPOCH).total_seconds())


class Aggregates(ProgramTest):
    def computed(self, size):
        """The same from the engine's topic; a window that is there twice fails."""
        answer = {}
        for line in self.succeed("console", f"metrics-aggregates-{size}", "--json").stdout.splitlines():
            # Decimals and doubles as they are written, without a rounding in between.
            record = json.loads(line, parse_float=Decimal, parse_int=Decimal)
            value = record["value"]
            key = record["key"], seconds_of(value["windowStart"])
            self.assertNotIn(key, answer)
            self.assertEqual(seconds_of(value["windowEnd"]), key[1] + size)
            self.assertEqual(f"{value['gateway']}.{value['metricType']}.{value['metricAttribute']}", record["key"])
            answer[key] = (int(value["sampleCount"]), float(value["min"]), float(value["max"]), value["sum"],
                           value["average"])
        return answer

    def queried(self, size, household, attribute):
        """What `query` gives of one series, as computed() does."""
        lines = self.succeed("query", "--gateway", f"household-{household}", "--type", "ELECTRICITY", "--attribute",
                             attribute, "--window", size, "--format", "json").stdout.splitlines()
        answer = {}
        for line in lines:
            value = json.loads(line, parse_float=Decimal, parse_int=Decimal)
            key = f"household-{household}.ELECTRICITY.{attribute}", seconds_of(value["windowStart"])
            answer[key] = (int(value["sampleCount"]), float(value["min"]), float(value["max"]), value["sum"],
                           value["average"])
        return answer

    def check(self, lines, line_end, offset=True):
        households = range(1, 4)
        self.write("uci.txt", line_end.join(lines) + line_end)
        self.succeed("replay", "--type", "electricity", "--data", "uci.txt", "--households", "1-3",
                     *([] if offset else ["--no-offset"]))
        self.succeed("run", EXAMPLE, "--until-idle")
        for size in WINDOWS:
            with self.subTest(window=size):
                expected = recomputed(lines, households, offset, size)
                actual = self.computed(size)
                self.assertEqual(len(actual), len(expected))
                different = [key for key in expected if actual.get(key) != expected[key]]
                for key in different[:3]:
                    self.assertEqual(actual.get(key), expected[key], key)
                series = "household-2.ELECTRICITY.VOLTAGE"
                self.assertEqual(self.queried(size, 2, "VOLTAGE"),
                                 {key: value for key, value in expected.items() if key[0] == series})

    def test_small_file_made_by_hand(self):
        lines = (pathlib.Path(__file__).parent / "data/household.txt").read_text(encoding="ascii").splitlines()
        self.check(lines, "\r\n")

    def test_small_file_with_values_as_they_are(self):
        # Ties of the rounding are only here: the offset moves values off them.
        lines = (pathlib.Path(__file__).parent / "data/household.txt").read_text(encoding="ascii").splitlines()
        self.check(lines, "\n", offset=False)

    @unittest.skipUnless(REAL.exists() and shutil.which("zstd"), f"{REAL} or zstd is not there")
    def test_real_file(self):
        with subprocess.Popen(["zstd", "-dc", REAL], stdout=subprocess.PIPE, text=True) as unpacked:
            lines = []
            for line in unpacked.stdout:
                lines.append(line.rstrip("\r\n"))
                if LINES is not None and len(lines) > LINES:
                    unpacked.kill()
                    break
        self.assertGreater(len(lines), 10_000)
        self.check(lines, "\n")


if __name__ == "__main__":
    unittest.main()
