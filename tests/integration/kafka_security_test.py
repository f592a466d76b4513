"""TLS, logins and rights against a broker with secured listeners, through [kafka.librdkafka] as users write it. Starts the broker
itself (deploy/local/kafka start --secure) and removes it afterwards."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
from program import ProgramTest, uci_lines  # noqa: E402

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "deploy" / "local" / "kafka"
LOGINS = ("plain", "scram-sha-256", "scram-sha-512")
KINDS = ("tls", "mutual-tls", *LOGINS)
WRONG = "Wrong-Secret-4711"
COMMANDS = (["run", "view.sql", "--until-idle"], ["topics"], ["replay", "--data", "simulate", "--households", "1", "--duration", "1m"])
VIEW = """
CREATE STREAM readings WITH (topic = '{topic}', value_format = 'AVRO');
CREATE TABLE counted WITH (topic = '{topic}-counted') AS
SELECT WINDOWSTART AS windowStart, COUNT(*) AS sampleCount FROM readings
WINDOW TUMBLING (SIZE 1 HOUR, GRACE PERIOD 1 MINUTE) GROUP BY gateway, metricType, metricAttribute EMIT FINAL;
"""


def script(command, *arguments):
    done = subprocess.run([SCRIPT, command, "--directory", SecurityTest.directory, *arguments], capture_output=True, text=True,
                          timeout=200, check=False)
    if done.returncode != 0:
        raise AssertionError(done.stdout + done.stderr)
    return done.stdout


class SecurityTest(ProgramTest):
    directory = None

    def setUp(self):
        super().setUp()
        self.topic = f"metrics-{self.id().rsplit('.', 1)[1]}"[:60]

    def as_client(self, kind, *command, user="meterstream", change=None):
        """Runs a command with the settings of a client of this listener, after `change` of their text."""
        text = script("client", kind, "--user", user)
        self.write("meterstream.toml", change(text) if change else text)
        return self.run_program(*command, "--schema-id", 7)

    def on_kafka(self, kind, *command, **options):
        result = self.as_client(kind, *command, **options)
        self.assert_exit(result, 0)
        return result

    def assert_refused(self, kind, code, *words, change=None, all_commands=False):
        """One message with these words and this exit code, soon, without any secret."""
        for command in COMMANDS if all_commands else COMMANDS[:1]:
            with self.subTest(kind=kind, command=command[0]):
                self.write("view.sql", VIEW.format(topic=self.topic))
                began = time.monotonic()
                result = self.as_client(kind, *command, change=change)
                # Without an answer of the broker it would be request_timeout and more; a busy machine needs some of it.
                self.assertLess(time.monotonic() - began, 25)
                self.assert_exit(result, code)
                self.assertEqual(len(result.stderr.strip().splitlines()), 1, result.stderr)
                for word in words:
                    self.assertIn(word, result.stderr)
                self.assert_no_secret(result)

    def assert_no_secret(self, result):
        passwords = json.loads((pathlib.Path(self.directory) / "cluster.json").read_text())["passwords"].values()
        for secret in (WRONG, *passwords):
            self.assertNotIn(secret, result.stdout + result.stderr)


def change_setting(name, value):
    return lambda text: re.sub(rf"(?m)^{re.escape(name)} = .*$", f"{name} = {json.dumps(value)}", text)


def without(*names):
    return lambda text: "".join(line for line in text.splitlines(True) if not line.startswith(names))


class Works(SecurityTest):
    def test_replay_run_console_and_doctor_work_on_every_secured_listener(self):
        self.write("uci.txt", uci_lines(200))
        for kind in KINDS:
            with self.subTest(kind=kind):
                topic = f"metrics-{kind}"
                self.write("view.sql", VIEW.format(topic=topic))
                self.on_kafka(kind, "replay", "--type", "electricity", "--data", "uci.txt", "--topic", topic)
                ran = self.on_kafka(kind, "run", "view.sql", "--until-idle", "--application-id", kind)
                shown = self.on_kafka(kind, "console", f"{topic}-counted", "--json")
                counts = [json.loads(line)["value"]["sampleCount"] for line in shown.stdout.splitlines()]
                self.assertEqual(sum(counts), 180 * 4)
                seen = self.on_kafka(kind, "doctor", "--json", "--probe", "--verbose")
                states = {line["check"]: line["state"] for line in json.loads(seen.stdout)}
                self.assertEqual((states["kafka"], states["broker 1"], states["probe"]), ("good", "good", "good"), seen.stdout)
                for result in (ran, shown, seen):
                    self.assert_no_secret(result)


class Refused(SecurityTest):
    def test_a_wrong_password(self):
        for kind in ("plain", "scram-sha-512"):
            self.assert_refused(kind, 2, "127.0.0.1:", "refuses user 'meterstream'", "correct sasl.username and sasl.password",
                                change=change_setting("sasl.password", WRONG), all_commands=kind == "plain")

    def test_an_unknown_authority(self):
        self.assert_refused("scram-sha-512", 2, "certificate cannot be trusted", "ssl.ca.location",
                            change=lambda text: text.replace("/ca.pem", "/stranger-ca.pem"))

    def test_an_authority_that_is_no_file(self):
        self.assert_refused("scram-sha-512", 2, "ssl.ca.location failed", "does the file exist", "[kafka.librdkafka]",
                            change=lambda text: text.replace("/ca.pem", "/nowhere.pem"))

    def test_no_certificate_where_the_broker_wants_one(self):
        self.assert_refused("mutual-tls", 2, "wants a certificate of this client", "ssl.certificate.location",
                            change=without("ssl.certificate", "ssl.key"))

    def test_a_plain_client_at_a_port_with_tls(self):
        self.assert_refused("plain", 3, "ends each connection", "security.protocol",
                            change=without("s"))

    def test_tls_at_a_port_without(self):
        plain = script("bootstrap").strip()
        self.assert_refused("scram-sha-512", 3, plain, "at the beginning of TLS", "security.protocol",
                            change=change_setting("brokers", plain))


class Rights(SecurityTest):
    def grant(self, *arguments):
        script("tool", "acls", "--add", "--allow-principal", "User:guest", *arguments)

    def refusal(self, *command):
        result = self.as_client("plain", *command, user="guest")
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertEqual(len(result.stderr.strip().splitlines()), 1, result.stderr)
        self.assert_no_secret(result)
        return result.stderr

    def test_each_missing_right_is_named(self):
        topic = self.topic
        self.write("uci.txt", uci_lines(20))
        self.write("view.sql", VIEW.format(topic=topic))
        self.on_kafka("plain", "replay", "--type", "electricity", "--data", "uci.txt", "--topic", topic)
        self.assertIn("the right Describe on the topic", self.refusal("console", topic))
        self.grant("--operation", "Describe", "--operation", "DescribeConfigs", "--topic", topic)
        self.assertRegex(self.refusal("console", topic), f"topic {topic} .*the right Read on the topic")
        self.assertRegex(self.refusal("run", "view.sql", "--until-idle"), f"{topic}-.*the right (Create|Describe) on the topic")
        self.grant("--operation", "All", "--resource-pattern-type", "prefixed", "--topic", topic)
        self.grant("--operation", "All", "--resource-pattern-type", "prefixed", "--topic", "meterstream-")
        self.assertIn("transactional id", self.refusal("run", "view.sql", "--until-idle"))
        self.grant("--operation", "Write", "--operation", "Describe", "--resource-pattern-type", "prefixed", "--transactional-id",
                   "meterstream-")
        self.assertIn("the right Read on the consumer group", self.refusal("run", "view.sql", "--until-idle"))
        self.grant("--operation", "Read", "--resource-pattern-type", "prefixed", "--group", "meterstream-")
        self.on_kafka("plain", "run", "view.sql", "--until-idle", user="guest")


def main():
    if shutil.which("openssl") is None:
        sys.exit("openssl is missing; install the package openssl")
    with tempfile.TemporaryDirectory(prefix="meterstream-kafka-", ignore_cleanup_errors=True) as folder:
        SecurityTest.directory = os.path.join(folder, "cluster")
        try:
            script("start", "1", "--acl", *(part for kind in KINDS for part in ("--secure", kind)))
            unittest.main(verbosity=2)
        finally:
            script("wipe")


if __name__ == "__main__":
    main()
