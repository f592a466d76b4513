"""Runs the meterstream binary for tests: a temporary folder for each test, results with exit code and both outputs."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

BINARY = os.environ.get("METERSTREAM") or str(pathlib.Path(__file__).resolve().parents[2] / "build/release/meterstream")


def uci_lines(count, line_end="\n"):
    """A small UCI file: one line a minute from 16/12/2006 17:24 (at most 20,000), every tenth without values."""
    lines = ["Date;Time;Global_active_power;Global_reactive_power;Voltage;Global_intensity;Sub_metering_1;Sub_metering_2;"
             "Sub_metering_3"]
    for number in range(count):
        minute = 17 * 60 + 24 + number
        day, minute = 16 + minute // 1440, minute % 1440
        time = f"{day}/12/2006;{minute // 60:02}:{minute % 60:02}:00"
        if number % 10 == 9:
            lines.append(f"{time};?;?;?;?;?;?;")
        else:
            lines.append(f"{time};{number / 1000 + 1:.3f};0.418;{230 + number % 7}.840;18.400;0.000;1.000;17.000")
    return line_end.join(lines) + line_end


class ProgramTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="meterstream-cli-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.data_dir = "data"

    def command(self, *arguments):
        return [BINARY, "--data-dir", self.data_dir, *map(str, arguments)]

    def run_program(self, *arguments, **options):
        """Runs to the end; arguments follow --data-dir."""
        return self.run_command(self.command(*arguments), **options)

    def run_command(self, command, **options):
        environment = {**os.environ, "NO_COLOR": "1"}
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=240, env=environment,
                              check=False, **options)

    def start_program(self, *arguments):
        process = subprocess.Popen(self.command(*arguments), cwd=self.folder, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.end_process, process)
        return process

    @staticmethod
    def end_process(process):
        if process.poll() is None:
            process.kill()
            process.wait()
        process.stdout.close()
        process.stderr.close()

    def mount_small(self, megabytes):
        """A file system `small` of this size in the test's folder."""
        if os.geteuid() != 0 or not shutil.which("mount"):
            self.skipTest("a small file system can only be mounted by root")
        point = self.folder / "small"
        point.mkdir()
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", point], check=False,
                              capture_output=True, text=True)
        if made.returncode != 0:
            self.skipTest(f"no tmpfs here: {made.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", "-l", point], check=False)
        return point

    def write(self, name, text):
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def assert_exit(self, result, code):
        self.assertEqual(result.returncode, code, f"stdout: {result.stdout[-2000:]}\nstderr: {result.stderr[-2000:]}")

    def succeed(self, *arguments):
        result = self.run_program(*arguments)
        self.assert_exit(result, 0)
        return result
