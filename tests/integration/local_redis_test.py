"""deploy/local/redis as a user meets it: a server is started, killed, gets its data back and is wiped."""
import socket
import ssl
import subprocess
import tomllib
import unittest

from local_server_test_base import LocalServerTest


class LocalRedis(LocalServerTest):
    script = "redis"

    def test_it_comes_back_after_a_kill_with_its_data_and_its_address(self):
        self.assertIn("redis serves", self.succeed("start", "--set", "databases=3"))
        address = self.succeed("address")
        self.assertIn("running already", self.succeed("start"))
        self.assertEqual(self.succeed("cli", "SET", "kept", "value"), "OK\n")
        self.succeed("kill")
        status = self.run_script("status")
        self.assertEqual(status.returncode, 1)
        self.assertIn("redis: stopped", status.stdout)

        self.succeed("start")
        self.assertIn("redis: pid", self.succeed("status"))
        self.assertEqual(self.succeed("address"), address)
        self.assertEqual(self.succeed("cli", "GET", "kept"), "value\n")
        self.assertEqual(self.succeed("cli", "CONFIG", "GET", "databases"), "databases\n3\n")
        self.succeed("restart")
        self.assertEqual(self.succeed("cli", "GET", "kept"), "value\n")
        self.succeed("stop")
        self.assertEqual(self.run_script("status").returncode, 1)
        self.succeed("wipe")
        self.assertFalse((self.folder / "server").exists())

    def test_users_and_certificates_are_asked_for_where_wanted(self):
        self.succeed("start", "--user", "--mutual-tls")
        host, port = self.succeed("address").strip().split(":")
        anybody = subprocess.run(["redis-cli", "-h", host, "-p", port, "GET", "x"], capture_output=True, text=True, check=False)
        self.assertIn("NOAUTH", anybody.stdout + anybody.stderr)
        self.assertEqual(self.succeed("cli", "ACL", "WHOAMI"), "meterstream\n")

        settings = tomllib.loads(self.succeed("client"))["redis"]
        self.assertEqual(self.succeed("address", "tls"), f"127.0.0.1:{settings['port']}\n")
        context = ssl.create_default_context(cafile=settings["ca_file"])
        context.load_cert_chain(settings["certificate_file"], settings["key_file"])
        with socket.create_connection(("127.0.0.1", settings["port"])) as plain, \
                context.wrap_socket(plain, server_hostname="127.0.0.1") as secured:
            secured.sendall(f"AUTH {settings['user']} {settings['password']}\r\n".encode())
            self.assertEqual(secured.recv(100), b"+OK\r\n")

    def test_the_directory_may_stand_before_and_behind_the_command(self):
        self.assert_directory_may_stand_before_and_behind_the_command()

    def test_wipe_leaves_a_directory_that_holds_no_server(self):
        self.assert_wipe_refuses_a_directory_of_others()

    def test_a_taken_port_is_named(self):
        self.assert_taken_port_is_named("--port")


if __name__ == "__main__":
    unittest.main()
