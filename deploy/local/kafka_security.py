"""Listeners of a local broker that ask who is there: certificates of an authority of the cluster's own, users, and the settings
that a broker and a client need for them. Everything is on loopback, and for trying things out only."""
import os
import secrets
import subprocess

import server_process as servers

# Kind of listener -> (its name, protocol, mechanism of SASL). The SASL kinds share one listener.
KINDS = {
    "tls": ("TLS", "SSL", None),
    "mutual-tls": ("MUTUAL_TLS", "SSL", None),
    "plain": ("SASL_TLS", "SASL_SSL", "PLAIN"),
    "scram-sha-256": ("SASL_TLS", "SASL_SSL", "SCRAM-SHA-256"),
    "scram-sha-512": ("SASL_TLS", "SASL_SSL", "SCRAM-SHA-512"),
}
# The first may do everything; the second only what `tool acls` grants, where --acl asks for rights.
USERS = ("meterstream", "guest")
LOGIN = {"PLAIN": "org.apache.kafka.common.security.plain.PlainLoginModule",
         "SCRAM": "org.apache.kafka.common.security.scram.ScramLoginModule"}
DAYS = "3650"


def new_passwords():
    return {user: secrets.token_hex(12) for user in USERS}


def listener_names(kinds):
    """Without repetition, in the order of KINDS."""
    return list(dict.fromkeys(name for kind, (name, _, _) in KINDS.items() if kind in kinds))


def protocol_map():
    return ",".join(sorted({f"{name}:{protocol}" for name, protocol, _ in KINDS.values()}))


def openssl(*arguments, text=None):
    done = subprocess.run(["openssl", *map(str, arguments)], input=text, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise servers.ServerError(f"openssl {arguments[0]} failed: {done.stderr.strip()[-500:]}")


def make_certificates(folder):
    """ca.pem; server.pem (key and certificate of the brokers); for each user USER.pem and USER.key; stranger-ca.pem, which
    nobody here trusts. Does nothing when they are there."""
    if (folder / "complete").exists():
        return
    folder.mkdir(mode=0o700, exist_ok=True)

    def authority(name, subject):
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem",
                "-days", DAYS, "-subj", f"/CN={subject}")

    def certificate(name, extension):
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.csr",
                "-subj", f"/CN={name}")
        (folder / f"{name}.extension").write_text(extension)
        openssl("x509", "-req", "-in", folder / f"{name}.csr", "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key",
                "-CAcreateserial", "-out", folder / f"{name}.pem", "-days", DAYS, "-extfile", folder / f"{name}.extension")
        for end in ("csr", "extension"):
            (folder / f"{name}.{end}").unlink()
    authority("ca", "Meterstream local authority")
    authority("stranger-ca", "Somebody else")
    certificate("server", "subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    for user in USERS:
        certificate(user, "extendedKeyUsage=clientAuth\n")
    # A key store of Kafka is one file with the key and its certificate.
    (folder / "server.pem").write_text((folder / "server.key").read_text() + (folder / "server.pem").read_text())
    for file in folder.iterdir():
        os.chmod(file, 0o600)
    (folder / "complete").touch()


def broker_properties(kinds, acl, passwords, folder):
    """Settings of a broker besides its listeners' addresses."""
    properties = {}
    if acl:
        # Nobody on the plain listener has a name: that is the brokers themselves and their tools.
        properties["authorizer.class.name"] = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
        properties["super.users"] = f"User:ANONYMOUS;User:{USERS[0]};User:CN={USERS[0]}"
    for name in listener_names(kinds):
        prefix = f"listener.name.{name.lower()}."
        properties |= {prefix + "ssl.keystore.type": "PEM", prefix + "ssl.keystore.location": folder / "server.pem",
                       prefix + "ssl.truststore.type": "PEM", prefix + "ssl.truststore.location": folder / "ca.pem",
                       prefix + "ssl.client.auth": "required" if name == "MUTUAL_TLS" else "none"}
    mechanisms = [KINDS[kind][2] for kind in KINDS if kind in kinds and KINDS[kind][2]]
    if mechanisms:
        properties["listener.name.sasl_tls.sasl.enabled.mechanisms"] = ",".join(mechanisms)
    for mechanism in mechanisms:
        users = "".join(f' user_{user}="{password}"' for user, password in passwords.items())
        properties[f"listener.name.sasl_tls.{mechanism.lower()}.sasl.jaas.config"] = (
            f"{LOGIN[mechanism.partition('-')[0]]} required{users if mechanism == 'PLAIN' else ''};")
    return properties


def scram_arguments(mechanism, passwords):
    """For each user the arguments of Kafka's `configs` that tell the cluster the user's password. It takes one mechanism at a time."""
    return [["--alter", "--entity-type", "users", "--entity-name", user, "--add-config",
             f"{mechanism}=[iterations=4096,password={password}]"] for user, password in passwords.items()]


def client_settings(kind, user, passwords, folder):
    """What librdkafka needs, by name."""
    _, protocol, mechanism = KINDS[kind]
    settings = {"security.protocol": protocol, "ssl.ca.location": str(folder / "ca.pem")}
    if kind == "mutual-tls":
        settings |= {"ssl.certificate.location": str(folder / f"{user}.pem"), "ssl.key.location": str(folder / f"{user}.key")}
    if mechanism:
        settings |= {"sasl.mechanisms": mechanism, "sasl.username": user, "sasl.password": passwords[user]}
    return settings
