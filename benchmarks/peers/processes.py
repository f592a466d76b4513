"""What comparisons of engines share: a broker of their own, the Kafka Streams applications, and the accounts of a process."""
import contextlib
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
KAFKA = ROOT / "deploy" / "local" / "kafka"
STREAMS = ROOT / "build" / "peers" / "kafka-streams"
RELEASE = ROOT / "build" / "release"


class PeerError(Exception):
    """Why the comparison cannot go on, for the person who started it."""


def say(text):
    print(f"== {text}", file=sys.stderr, flush=True)


def output_of(command, what):
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise PeerError(f"{what} failed:\n" + "\n".join((done.stdout + done.stderr).splitlines()[-15:]))
    return done.stdout


class Broker:
    """One broker in a directory of its own; at the end stopped, and its data deleted if not kept."""

    def __init__(self, directory, keep):
        self.directory = directory
        self.keep = keep
        self.bootstrap = ""

    def command(self, name, *arguments):
        return [KAFKA, name, "--directory", self.directory, *arguments]

    def __enter__(self):
        say(output_of(self.command("start", "1", "--port-base", "0", "--heap", "1g"), "starting a broker").strip())
        self.bootstrap = output_of(self.command("bootstrap"), "the broker's address").strip()
        return self

    def __exit__(self, *_):
        output_of(self.command("stop" if self.keep else "wipe"), "stopping the broker")

    def cpu_seconds(self):
        pid = (self.directory / "broker-1" / "pid").read_text().split()[0]
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def java():
    newest = sorted(pathlib.Path("/usr/lib/jvm").glob("*/bin/java"))
    return shutil.which("java") or (str(newest[-1]) if newest else "java")


def build_streams():
    """Compiles the Kafka Streams application when its sources are newer than what is there."""
    project = HERE / "kafka-streams"
    jar = STREAMS / "kafka-streams-peer-1.jar"
    newest = max(path.stat().st_mtime for path in [project / "pom.xml", *project.glob("src/**/*.java")])
    if jar.exists() and jar.stat().st_mtime > newest:
        return
    if shutil.which("mvn") is None or shutil.which("javac") is None:
        subprocess.run([ROOT / "tools" / "setup", "servers"], check=True)
    say("building the Kafka Streams application")
    output_of(["mvn", "-B", "-q", "-ntp", "-f", project / "pom.xml", "package"], "building the Kafka Streams application")


def java_command(main_class, *arguments):
    return [java(), "-Xms1g", "-Xmx2g", "-XX:+UseParallelGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
            "-cp", f"{STREAMS}/kafka-streams-peer-1.jar:{STREAMS}/jars/*", f"meterstream.peer.{main_class}", *arguments]


class Engine:
    """A contestant: its name, what it is run with, and the topic of its results (None: it has none)."""

    def __init__(self, name, command, topic, unavailable=None):
        self.name = name
        self.command = command
        self.topic = topic
        self.unavailable = unavailable


def run_id():
    """So that no engine goes on from an earlier run of it."""
    return f"{time.time_ns() // 1_000_000:x}"


def measure(engine, readings, broker, directory, time_limit):
    """Runs the engine to its end. Its own CPU time and memory come from the kernel's accounts of the process. `broker` may be None."""
    log = directory / "engine.log"
    load, broker_before, began = os.getloadavg()[0], broker.cpu_seconds() if broker else 0, time.monotonic()
    with open(log, "wb") as output:
        child = subprocess.Popen([str(part) for part in engine.command], stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        try:
            usage = wait(child, time_limit)
        except BaseException:
            child.kill()
            child.wait()
            raise
    wall = time.monotonic() - began
    text = log.read_text(errors="replace")
    if child.returncode != 0:
        raise PeerError(f"{engine.name} ended with code {child.returncode}:\n" + "\n".join(text.splitlines()[-15:]))
    row = {"name": engine.name, "readings": readings, "wall_seconds": wall, "readings_per_second": readings / wall,
           "cpu_seconds_per_million": (usage.ru_utime + usage.ru_stime) / readings * 1e6,
           "peak_memory_mb": usage.ru_maxrss / 1024, "load_before": load}
    if broker:
        row["broker_cpu_seconds_per_million"] = (broker.cpu_seconds() - broker_before) / readings * 1e6
    own = own_report(text)
    if "processing_seconds" in own:
        row["readings_per_second_once_running"] = readings / (own["processing_seconds"] + own["closing_seconds"])
    elif "seconds" in own:
        row["readings_per_second_once_running"] = readings / own["seconds"]
    return row


def wait(child, time_limit):
    deadline = time.monotonic() + time_limit
    while True:
        pid, status, usage = os.wait4(child.pid, os.WNOHANG)
        if pid:
            child.returncode = os.waitstatus_to_exitcode(status)
            return usage
        if time.monotonic() > deadline:
            raise PeerError(f"not done after {time_limit} s: {child.args[0]}")
        time.sleep(0.01)


def own_report(text):
    """What the engine printed about itself: its last line, when that is a JSON object."""
    lines = text.strip().splitlines()
    try:
        found = json.loads(lines[-1]) if lines else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def empty(broker, topic):
    """Deletes a topic, so that the next engine that writes to it starts with none."""
    output_of(broker.command("tool", "topics", "--delete", "--if-exists", "--topic", topic), f"deleting {topic}")


def median_of(rows):
    """One row for several of the same engine. The worst word about results stands."""
    row = dict(next((row for row in rows if row.get("wrong") or "skipped" in row), rows[-1]))
    if "skipped" in row:
        return row
    for name, value in row.items():
        if isinstance(value, float):
            row[name] = statistics.median(each[name] for each in rows)
    return row


def machine():
    model = next((line.partition(":")[2].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown processor")
    memory = int(next(line.split()[1] for line in open("/proc/meminfo") if line.startswith("MemTotal"))) / 1e6
    version = subprocess.run([java(), "-version"], capture_output=True, text=True, check=False).stderr.splitlines()
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()
    kafka = next((jar.name.removeprefix("kafka-clients-").removesuffix(".jar") for jar in (STREAMS / "jars").glob("kafka-clients-*.jar")), "?")
    return {"processor": model, "cores": os.cpu_count(), "memory_gb": round(memory, 1), "java": version[0] if version else "none",
            "kafka": kafka, "commit": commit, "load": os.getloadavg()[0]}


def working_directory(options):
    """A context that gives the directory of this run."""
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
        return contextlib.nullcontext(str(options.keep.absolute()))
    (ROOT / "build" / "peers").mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryDirectory(prefix="run-", dir=ROOT / "build" / "peers")


def medians_of(rows):
    later = [row for row in rows if row["round"] > 0]
    names = dict.fromkeys(row["name"] for row in later)
    return [median_of([row for row in later if row["name"] == name]) for name in names]
