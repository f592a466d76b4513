"""What tests of the scripts in deploy/local share: a folder of their own, and the script run in it."""
import pathlib
import shutil
import socket
import subprocess
import tempfile
import unittest

SCRIPTS = pathlib.Path(__file__).resolve().parents[2] / "deploy" / "local"


class LocalServerTest(unittest.TestCase):
    """A subclass says which `script` of deploy/local it is about."""
    script = None
    directory = "server"

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"meterstream-{self.script}-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.addCleanup(self.run_script, "wipe")

    def run_script(self, command, *arguments, directory=None, text=None):
        return subprocess.run([SCRIPTS / self.script, command, "--directory", self.folder / (directory or self.directory), *arguments],
                              input=text, capture_output=True, text=True, timeout=200, check=False)

    def assert_wipe_refuses_a_directory_of_others(self):
        (self.folder / "mine").mkdir()
        (self.folder / "mine" / "letter").write_text("dear")
        self.assertNotEqual(self.run_script("wipe", directory="mine").returncode, 0)
        self.assertTrue((self.folder / "mine" / "letter").exists())

    def assert_taken_port_is_named(self, *start):
        """`start`: arguments up to the port."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            done = self.run_script("start", *start, str(port))
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(f"port {port} of 127.0.0.1 is taken", done.stderr)

    def assert_directory_may_stand_before_and_behind_the_command(self):
        nowhere = self.folder / "nowhere"
        for arguments in (["--directory", nowhere, "status"], ["status", "--directory", nowhere]):
            done = subprocess.run([SCRIPTS / self.script, *arguments], capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn(f"in {nowhere}.", done.stderr)

    def succeed(self, *arguments, **options):
        done = self.run_script(*arguments, **options)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout
