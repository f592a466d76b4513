"""deploy/local/kafka and deploy/local/cassandra as a user meets them: a cluster is started, loses a process, gets it back with its
data and is wiped. And what all scripts there have in common."""
import json
import pathlib
import subprocess
import unittest

from local_server_test_base import LocalServerTest


class LocalKafka(LocalServerTest):
    script = "kafka"
    directory = "cluster"

    def pid(self):
        return int((self.folder / "cluster" / "broker-1" / "pid").read_text().split()[0])

    def test_broker_comes_back_after_a_kill_with_its_topics_and_its_address(self):
        self.assertIn("1 broker(s) serve", self.succeed("start", "1", "--set", "num.partitions=7"))
        address = self.succeed("bootstrap")
        self.assertIn("running already", self.succeed("start"))
        self.assertNotEqual(self.run_script("start", "3").returncode, 0, "another size is no reason to touch a running cluster")
        self.succeed("topic", "kept", "3", "retention.ms=-1")
        self.assertIn("num.partitions=7", (self.folder / "cluster" / "broker-1" / "server.properties").read_text())

        self.succeed("kill", "1")
        status = self.run_script("status")
        self.assertEqual(status.returncode, 1)
        self.assertIn("broker 1: stopped", status.stdout)

        self.succeed("restart", "1")
        self.assertIn("broker 1: pid", self.succeed("status"))
        self.assertEqual(self.succeed("bootstrap"), address)
        description = self.succeed("tool", "topics", "--describe", "--topic", "kept")
        self.assertIn("PartitionCount: 3", description)
        self.assertIn("retention.ms=-1", description)

        pid = self.pid()
        self.succeed("wipe")
        self.assertFalse(pathlib.Path(f"/proc/{pid}/cmdline").exists() and "kafka.Kafka" in
                         pathlib.Path(f"/proc/{pid}/cmdline").read_text())
        self.assertFalse((self.folder / "cluster").exists())

    def test_a_process_that_only_has_the_pid_of_a_broker_is_left_alone(self):
        other = subprocess.Popen(["sleep", "300"])
        self.addCleanup(other.wait)
        self.addCleanup(other.kill)
        broker = self.folder / "stale" / "broker-1"
        broker.mkdir(parents=True)
        (broker / "pid").write_text(f"{other.pid} 1\n")
        description = {"id": "x", "ports": [1], "controller_ports": [2], "heap": "64m", "settings": {}, "jvm": []}
        (self.folder / "stale" / "cluster.json").write_text(json.dumps(description))
        self.assertEqual(self.run_script("status", directory="stale").returncode, 1)
        self.succeed("stop", directory="stale")
        self.succeed("wipe", directory="stale")
        self.assertIsNone(other.poll())

    def test_the_directory_may_stand_before_and_behind_the_command(self):
        self.assert_directory_may_stand_before_and_behind_the_command()

    def test_wipe_leaves_a_directory_that_holds_no_cluster(self):
        self.assert_wipe_refuses_a_directory_of_others()

    def test_a_taken_port_is_named(self):
        self.assert_taken_port_is_named("1", "--port-base")


class LocalCassandra(LocalServerTest):
    script = "cassandra"
    directory = "cluster"

    def test_node_comes_back_after_a_kill_with_its_rows_and_its_address_and_asks_for_a_login(self):
        self.assertIn("1 node(s) serve", self.succeed("start", "1", "--auth", "--tls"))
        address = self.succeed("contact")
        self.assertIn("running already", self.succeed("start"))
        self.succeed("cql", "-", text="CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1};"
                                      "CREATE TABLE k.kept (a int PRIMARY KEY); INSERT INTO k.kept (a) VALUES (4711);")
        self.succeed("kill", "1")
        status = self.run_script("status")
        self.assertEqual(status.returncode, 1)
        self.assertIn("node 1: stopped", status.stdout)
        self.succeed("restart", "1")
        self.assertIn("node 1: pid", self.succeed("status"))
        self.assertEqual(self.succeed("contact"), address)
        self.assertIn("4711", self.succeed("cql", "-", text="SELECT * FROM k.kept;"))
        self.assertNotEqual(self.run_script("cql", "-", "--password", "wrong", text="SELECT * FROM k.kept;").returncode, 0)
        self.succeed("wipe")
        self.assertFalse((self.folder / "cluster").exists())

    def test_the_directory_may_stand_before_and_behind_the_command(self):
        self.assert_directory_may_stand_before_and_behind_the_command()


class LocalS3(LocalServerTest):
    script = "s3"

    def test_the_directory_may_stand_before_and_behind_the_command(self):
        self.assert_directory_may_stand_before_and_behind_the_command()


class LocalRegistry(LocalServerTest):
    script = "registry"

    def test_the_directory_may_stand_before_and_behind_the_command(self):
        self.assert_directory_may_stand_before_and_behind_the_command()


if __name__ == "__main__":
    unittest.main()
