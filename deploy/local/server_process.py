"""What the scripts beside this file share: processes that outlive the script and are stopped by it alone, free ports,
Java, and files from Maven Central that are fetched once into build/third-party of this checkout."""
import contextlib
import fcntl
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
THIRD_PARTY = ROOT / "build" / "third-party"
RUN = HERE / "run"


class ServerError(Exception):
    """What happened, where, and what to do next, for the person who called the script."""


class Process:
    """A detached process, known by a file that holds its pid and its start time, so that a reused pid is never taken for it."""

    def __init__(self, pid_file):
        self.pid_file = pathlib.Path(pid_file)

    def start(self, command, log, cwd=None):
        """Starts `command`, its output appended to the file `log`. It outlives the caller and its terminal."""
        with open(log, "ab") as output:
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                                     start_new_session=True, cwd=cwd)
        self.pid_file.write_text(f"{child.pid} {_start_time(child.pid)}\n")

    def pid(self):
        """The pid while the process runs, otherwise None."""
        try:
            pid, started = self.pid_file.read_text().split()
        except (OSError, ValueError):
            return None
        return int(pid) if _start_time(int(pid)) == started else None

    def signal(self, number):
        pid = self.pid()
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def wait_gone(self, seconds):
        deadline = time.monotonic() + seconds
        while self.pid() is not None:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def kill(self):
        self.signal(signal.SIGKILL)
        self.wait_gone(10)
        self.pid_file.unlink(missing_ok=True)

    def memory_mb(self):
        """Resident memory now and at its peak, in MB."""
        with contextlib.suppress(OSError):
            status = pathlib.Path(f"/proc/{self.pid()}/status").read_text()
            return tuple(int(re.search(rf"{name}:\s+(\d+)", status).group(1)) // 1024 for name in ("VmRSS", "VmHWM"))
        return 0, 0


def _start_time(pid):
    """Ticks from boot to the start of this process; None for a process that is gone or only waits to be reaped."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def stop_all(processes, seconds):
    """Asks all to end, then kills those that have not after `seconds`."""
    for process in processes:
        process.signal(signal.SIGTERM)
        process.signal(signal.SIGCONT)
    deadline = time.monotonic() + seconds
    for process in processes:
        if process.wait_gone(max(0.0, deadline - time.monotonic())):
            process.pid_file.unlink(missing_ok=True)
        else:
            process.kill()


def wait_until(ready, process, name, log, seconds):
    """Waits for `ready()`; fails when the process ends before, or takes longer than `seconds`."""
    deadline = time.monotonic() + seconds
    while not ready():
        if process.pid() is None:
            raise ServerError(f"{name} ended while it started. Its last lines, all of them in {log}:\n{tail(log)}")
        if time.monotonic() > deadline:
            raise ServerError(f"{name} did not serve within {seconds} s. Its last lines, all of them in {log}:\n{tail(log)}")
        time.sleep(0.05)


def tail(log, lines=15):
    text = pathlib.Path(log).read_text(errors="replace").splitlines()
    return "\n".join(text[-lines:])


def port_is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_ports(count):
    """Free ports below the range from which the kernel takes ports for outgoing connections, so that a server that is
    down for a moment finds its port again."""
    ports = []
    while len(ports) < count:
        port = random.randrange(20000, 32000)
        if port not in ports and port_is_free(port):
            ports.append(port)
    return ports


def require_free(ports, hint):
    for port in ports:
        if not port_is_free(port):
            raise ServerError(f"port {port} of 127.0.0.1 is taken. {hint}")


def java_version(java):
    try:
        text = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    except OSError:
        return 0
    match = re.search(r'version "(\d+)', text)
    return int(match.group(1)) if match else 0


def installed_javas():
    """(major version, path) of each Java here, the oldest first."""
    paths = [os.path.join(os.environ.get("JAVA_HOME", "/nonexistent"), "bin", "java"), shutil.which("java") or "/nonexistent"]
    paths += [str(path) for path in sorted(pathlib.Path("/usr/lib/jvm").glob("*/bin/java"))]
    real = {os.path.realpath(path) for path in paths if os.path.exists(path)}
    return sorted((java_version(path), path) for path in real)


def find_java(minimum):
    """Path of the oldest Java of at least this version."""
    fitting = [path for version, path in installed_javas() if version >= minimum]
    if not fitting:
        raise ServerError(f"needs Java {minimum} or newer, found none. `tools/setup servers` installs Java 17 on Debian 12.")
    return fitting[0]


def install_packages():
    """Installs Java and Maven where they miss, as the other parts of this checkout install what they need."""
    if shutil.which("mvn") is None or not installed_javas():
        subprocess.run([ROOT / "tools" / "setup", "servers"], check=True)
    if shutil.which("mvn") is None:
        raise ServerError("mvn is missing. Install Maven (Debian: apt-get install maven), then run the command again.")


def maven(arguments, what):
    result = subprocess.run(["mvn", "-B", "-q", "-ntp", *arguments], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        lines = [line for line in (result.stdout + result.stderr).splitlines() if line.strip()]
        raise ServerError("mvn could not fetch " + what + ". Is the network up? It said:\n" + "\n".join(lines[-10:]))


@contextlib.contextmanager
def locked(path):
    """One process at a time; the lock ends with the process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def fetched(directory, wanted, fetch):
    """`directory`, filled by `fetch(directory)` when that has not been done yet for the text `wanted`. Safe to call at once
    from several processes."""
    stamp = directory / ".complete"

    def complete():
        return stamp.exists() and stamp.read_text() == wanted
    if complete():
        return directory
    with locked(directory.parent / (directory.name + ".lock")):
        if not complete():
            shutil.rmtree(directory, ignore_errors=True)
            directory.mkdir(parents=True)
            fetch(directory)
            stamp.write_text(wanted)
    return directory


def run_main(main):
    """Exit code of `main()`; a ServerError becomes its message and 1."""
    program = pathlib.Path(sys.argv[0]).name
    try:
        return main() or 0
    except ServerError as error:
        print(f"{program}: {error}", file=sys.stderr)
    except subprocess.CalledProcessError as error:
        print(f"{program}: {error}", file=sys.stderr)
    return 1
