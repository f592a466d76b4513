"""The lake on a real S3 server whose disk is full, and has room again: the sink waits, says so once and once that it goes on, and
every reading is there once afterwards. Run by with_s3."""
import os
import pathlib
import resource
import subprocess
import time
import unittest

from lake_test_base import LakeTest

SCRIPT = os.environ["METERSTREAM_S3_SCRIPT"]


class LakeFullDisk(LakeTest):
    def start_sink(self):
        self.said = self.folder / "said"
        with open(self.said, "w", encoding="utf-8") as said:
            process = subprocess.Popen(self.command("sink", "lake", "--until-idle"), cwd=self.folder, stdout=subprocess.DEVNULL,
                                       stderr=said)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def lines(self):
        return [line for line in self.said.read_text().splitlines() if line.startswith("sink ")]

    def wait_for_lines(self, count):
        deadline = time.monotonic() + 60
        while len(self.lines()) < count and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertEqual(len(self.lines()), count, self.said.read_text())

    def wait_until_it_waits(self, outages=1):
        """And says no more, although it tries again and again."""
        self.wait_for_lines(2 * outages - 1)
        time.sleep(2)
        self.assertEqual(len(self.lines()), 2 * outages - 1, self.said.read_text())

    def assert_outages(self, count):
        lines = self.lines()
        self.assertEqual(len(lines), 2 * count, lines)
        for waits, goes_on in zip(lines[::2], lines[1::2]):
            self.assertRegex(waits, "^sink sink_lake waits: lake: s3://")
            self.assertEqual(goes_on, "sink sink_lake goes on")

    def assert_whole(self, rows, files):
        report = self.verified()
        self.assertEqual((report["readings"], report["leftovers"]), (len(rows), []))
        self.assertEqual(self.duckdb_rows(files), rows)

    def limiter(self):
        """What lets no file of the server become longer; without an argument, any."""
        server = int((pathlib.Path(os.environ["METERSTREAM_S3_DIRECTORY"]) / "pid").read_text().split()[0])
        hard = resource.prlimit(server, resource.RLIMIT_FSIZE)[1]

        def limit(size=hard):
            resource.prlimit(server, resource.RLIMIT_FSIZE, (size, hard))
        self.addCleanup(limit)
        return limit

    def test_server_that_cannot_make_a_file_longer_is_waited_for(self):
        limit = self.limiter()
        # No byte at all; the record of a range and not its objects; small objects and no larger ones.
        for number, size in enumerate([0, 2000, 5000]):
            with self.subTest(size=size):
                self.data_dir = f"data-{number}"
                rows = self.fill_topic()
                self.write_s3_settings(f"s3://lake/full-{number}", roll_rows=2000)
                limit(size)
                sink = self.start_sink()
                self.wait_until_it_waits()
                limit()
                self.assertEqual(sink.wait(timeout=60), 0, self.said.read_text())
                self.assert_outages(1)
                self.assert_whole(rows, f"{os.environ['METERSTREAM_S3_FILES']}/full-{number}")

    def test_each_of_two_outages_is_told_when_it_begins_and_when_it_ends(self):
        limit = self.limiter()
        rows = self.fill_topic()
        # So few that it goes on within seconds on a busy machine, so many that the second outage comes before the end.
        self.write_s3_settings("s3://lake/twice", roll_rows=60)
        limit(0)
        sink = self.start_sink()
        self.wait_until_it_waits()
        limit()
        self.wait_for_lines(2)
        limit(0)
        self.wait_until_it_waits(outages=2)
        limit()
        self.assertEqual(sink.wait(timeout=60), 0, self.said.read_text())
        self.assert_outages(2)
        self.assert_whole(rows, f"{os.environ['METERSTREAM_S3_FILES']}/twice")

    def test_server_on_a_full_disk_is_waited_for(self):
        place = ["--directory", self.mount_small(8) / "s3"]
        started = subprocess.run([SCRIPT, "start", *place], capture_output=True, text=True, check=False)
        self.addCleanup(subprocess.run, [SCRIPT, "kill", *place], check=False)
        if started.returncode != 0:
            self.skipTest(f"the server cannot keep objects on a tmpfs here: {started.stderr}")
        url = subprocess.run([SCRIPT, "url", *place], check=True, capture_output=True, text=True).stdout.strip()
        rows = self.fill_topic()
        self.write_s3_settings("s3://lake/full", endpoint=url, roll_rows=2000)
        filler = self.folder / "small" / "filler"
        with open(filler, "wb", buffering=0) as file:
            with self.assertRaises(OSError):
                while file.write(bytes(4096)) > 0:
                    pass
        sink = self.start_sink()
        self.wait_until_it_waits()
        filler.unlink()
        self.assertEqual(sink.wait(timeout=60), 0, self.said.read_text())
        self.assert_outages(1)
        self.assert_whole(rows, self.folder / "small" / "s3" / "objects" / "lake" / "full")


if __name__ == "__main__":
    unittest.main()
