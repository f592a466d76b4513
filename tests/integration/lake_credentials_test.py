"""Whom the lake says it is on S3, and whom it trusts: keys of the settings, of AWS's environment, profile and machine, tokens, and
certificates. The server is a real one; tokens, which it does not give out, are taken by an endpoint that only looks at them. Run by
with_s3."""
import http.server
import json
import os
import pathlib
import re
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
from program import ProgramTest  # noqa: E402

S3_URL = os.environ["METERSTREAM_S3_URL"]
SCRIPT = os.environ["METERSTREAM_S3_SCRIPT"]
ACCESS_KEY, SECRET_KEY, REGION = "meterstream", "local-secret", "us-east-1"
KEYS = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
EMPTY_LIST = ('<?xml version="1.0"?><ListBucketResult><Name>lake</Name><KeyCount>0</KeyCount><MaxKeys>1000</MaxKeys>'
              "<IsTruncated>false</IsTruncated></ListBucketResult>")
# A refusal is told at once; what waits takes ten seconds and more.
AT_ONCE_SECONDS = 5


class Endpoint:
    """An HTTP server whose answers a test gives: answer(method, path, headers) -> (status, text)."""

    def __init__(self, answer):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                status, text = answer(self.command, self.path, self.headers)
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())
            do_PUT = do_HEAD = do_GET

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class S3Test(ProgramTest):
    def setUp(self):
        super().setUp()
        for name in list(os.environ):
            if name.startswith("AWS_"):
                self.set_environment(**{name: None})
        self.set_environment(HOME=str(self.folder), AWS_EC2_METADATA_DISABLED="true")

    def set_environment(self, **variables):
        for name, value in variables.items():
            self.addCleanup(os.environ.__setitem__ if name in os.environ else lambda key, _: os.environ.pop(key, None), name,
                            os.environ.get(name))
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

    def configure(self, **settings):
        settings = {"uri": f"s3://lake/{self._testMethodName}", "endpoint": S3_URL, "region": REGION} | settings
        lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
        self.write("meterstream.toml", "[lake]\n" + "\n".join(lines) + "\n")

    def write_and_verify(self):
        self.succeed("replay", "--data", "simulate", "--households", "1-2", "--start", "2024-02-29T20:00:00Z", "--duration", "10m",
                     "--seed", "11")
        self.succeed("sink", "lake", "--until-idle")
        report = json.loads(self.succeed("lake", "verify", "--json").stdout)
        self.assertEqual(report["faults"], [])
        self.assertGreater(report["readings"], 0)

    def assert_refused(self, *texts, command=("lake", "ls")):
        began = time.monotonic()
        result = self.run_program(*command)
        self.assertLess(time.monotonic() - began, AT_ONCE_SECONDS, result.stderr)
        self.assertNotEqual(result.returncode, 0)
        for text in texts:
            self.assertIn(text, result.stderr)
        self.assertNotIn("hidden", result.stdout + result.stderr)


class LakeCredentials(S3Test):
    def start_endpoint(self, answer):
        endpoint = Endpoint(answer)
        self.addCleanup(endpoint.close)
        return endpoint.url

    def tokens_seen(self):
        """URL of an S3 that takes token `hidden-token` of key `temporary`, and what requests brought to it."""
        seen = []

        def answer(_method, _path, headers):
            key = re.search(r"Credential=([^/]*)/", headers.get("Authorization", ""))
            seen.append((key.group(1) if key else None, headers.get("x-amz-security-token")))
            if seen[-1] == ("temporary", "hidden-token"):
                return 200, EMPTY_LIST
            return 400, '<?xml version="1.0"?><Error><Code>ExpiredToken</Code><Message>The token has expired.</Message></Error>'
        return self.start_endpoint(answer), seen

    def test_keys_of_the_environment(self):
        self.set_environment(**KEYS)
        self.configure()
        self.write_and_verify()

    def test_keys_of_a_profile(self):
        (self.folder / ".aws").mkdir()
        self.write(".aws/credentials", "[default]\naws_access_key_id = nobody\naws_secret_access_key = hidden\n\n"
                   f"[lake]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n")
        self.configure()
        self.assert_refused("AWS's own chain")
        self.set_environment(AWS_PROFILE="lake")
        self.succeed("lake", "ls")
        self.set_environment(HOME="/nowhere", AWS_SHARED_CREDENTIALS_FILE=str(self.folder / ".aws" / "credentials"))
        self.succeed("lake", "ls")

    def test_wrong_keys_and_none_are_refused_at_once(self):
        self.configure()
        self.assert_refused("AWS's own chain", "set access_key and secret_key")
        self.set_environment(AWS_ACCESS_KEY_ID=ACCESS_KEY, AWS_SECRET_ACCESS_KEY="hidden")
        self.assert_refused("AWS's own chain")
        self.configure(access_key=ACCESS_KEY, secret_key="hidden")
        self.assert_refused("check the keys")
        self.configure(access_key="hidden", secret_key="hidden")
        self.assert_refused("check the keys")
        # A token that the server did not give.
        self.configure(access_key=ACCESS_KEY, secret_key=SECRET_KEY, session_token="hidden")
        self.assert_refused("check the keys")

    def test_session_tokens_of_settings_environment_and_profile(self):
        url, seen = self.tokens_seen()
        self.configure(endpoint=url, access_key="temporary", secret_key="hidden", session_token="hidden-token")
        self.succeed("lake", "ls")
        self.configure(endpoint=url)
        self.set_environment(AWS_ACCESS_KEY_ID="temporary", AWS_SECRET_ACCESS_KEY="hidden", AWS_SESSION_TOKEN="hidden-token")
        self.succeed("lake", "ls")
        self.set_environment(AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None, AWS_SESSION_TOKEN=None)
        (self.folder / ".aws").mkdir()
        self.write(".aws/credentials", "[default]\naws_access_key_id = temporary\naws_secret_access_key = hidden\n"
                   "aws_session_token = hidden-token\n")
        self.succeed("lake", "ls")
        self.assertEqual(set(seen), {("temporary", "hidden-token")})
        self.configure(endpoint=url, access_key="temporary", secret_key="hidden", session_token="hidden-old")
        self.assert_refused("check the keys")

    def test_role_of_the_machine(self):
        url, seen = self.tokens_seen()
        asked = []

        def metadata(method, path, headers):
            asked.append((method, path))
            if path == "/latest/api/token":
                return 200, "session"
            if headers.get("x-aws-ec2-metadata-token") != "session":
                return 401, ""
            if path.rstrip("/").endswith("security-credentials"):
                return 200, "lake-role"
            if path.endswith("security-credentials/lake-role"):
                return 200, json.dumps({"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": "temporary", "SecretAccessKey": "hidden",
                                        "Token": "hidden-token", "Expiration": "2099-01-01T00:00:00Z"})
            return 404, ""
        self.set_environment(AWS_EC2_METADATA_DISABLED=None, AWS_EC2_METADATA_SERVICE_ENDPOINT=self.start_endpoint(metadata))
        self.configure(endpoint=url)
        self.succeed("lake", "ls")
        self.assertEqual(set(seen), {("temporary", "hidden-token")}, asked)

    def test_a_bucket_may_be_a_host(self):
        port = S3_URL.rpartition(":")[2]
        hosts = []

        def answer(_method, _path, headers):
            hosts.append(headers["Host"])
            return 200, EMPTY_LIST
        url = self.start_endpoint(answer).replace("127.0.0.1", "localhost")
        self.configure(endpoint=url, path_style=False, access_key=ACCESS_KEY, secret_key=SECRET_KEY)
        self.succeed("lake", "ls")
        self.assertEqual(set(hosts), {"lake." + url.removeprefix("http://")})
        self.configure(endpoint=f"http://localhost:{port}", access_key=ACCESS_KEY, secret_key=SECRET_KEY)
        self.succeed("lake", "ls")


class LakeCertificates(S3Test):
    """Against a server that speaks https with a certificate of an authority of its own."""
    def setUp(self):
        super().setUp()
        place = ["--directory", str(self.folder / "s3")]
        subprocess.run([SCRIPT, "start", "--tls", *place], check=True, stdout=subprocess.DEVNULL)
        self.addCleanup(subprocess.run, [SCRIPT, "wipe", *place], check=False)
        self.url = subprocess.run([SCRIPT, "url", *place], check=True, capture_output=True, text=True).stdout.strip()
        self.authority = str(self.folder / "s3" / "security" / "ca.pem")
        self.keys = {"access_key": ACCESS_KEY, "secret_key": SECRET_KEY}

    def test_private_authority(self):
        self.configure(endpoint=self.url, ca_file=self.authority, **self.keys)
        self.write_and_verify()
        # The system's, as OpenSSL finds it.
        self.configure(endpoint=self.url, **self.keys)
        self.set_environment(SSL_CERT_FILE=self.authority)
        self.succeed("lake", "ls")

    def test_certificates_that_are_not_accepted_are_refused_at_once(self):
        self.configure(endpoint=self.url, **self.keys)
        self.assert_refused("set ca_file")
        self.configure(endpoint=self.url, ca_file=str(self.folder / "s3" / "security" / "stranger-ca.pem"), **self.keys)
        self.assert_refused("set ca_file")
        self.configure(endpoint=self.url, ca_file=str(self.folder / "nowhere.pem"), **self.keys)
        self.assert_refused("nowhere.pem")
        self.configure(endpoint=S3_URL.replace("http:", "https:"), ca_file=self.authority, **self.keys)
        self.assert_refused("does not speak TLS")
        # A sink ends too, and does not wait.
        self.succeed("replay", "--data", "simulate", "--households", "1-2", "--start", "2024-02-29T20:00:00Z", "--duration", "10m",
                     "--seed", "11")
        self.configure(endpoint=self.url, **self.keys)
        self.assert_refused("set ca_file", command=("sink", "lake", "--until-idle"))

    def test_plain_http_to_a_port_of_tls_says_what_to_look_at(self):
        self.configure(endpoint=self.url.replace("https:", "http:"), **self.keys)
        result = self.run_program("lake", "ls")
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("https://", result.stderr)


if __name__ == "__main__":
    unittest.main()
