"""Processes: started, waited for, and ended by their id."""

import http.client
import os
import signal
import socket
import subprocess
import time

START_SECONDS = 15


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def on_cores(cores):
    """A command's prefix that keeps it to some cores; None, or a machine with one core, leaves it to the scheduler."""
    return ["taskset", "--cpu-list", cores] if cores and (os.cpu_count() or 1) > 1 else []


class Process:
    """One server process; its output goes to a log, of which the end is shown when it does not start."""

    def __init__(self, command, log, cores=None):
        self.log = log
        with open(log, "wb") as sink:
            self.child = subprocess.Popen(on_cores(cores) + command, stdout=sink, stderr=sink)

    @property
    def id(self):
        return self.child.pid

    def stop(self):
        if self.child.poll() is not None:
            return
        self.child.send_signal(signal.SIGTERM)
        try:
            self.child.wait(10)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()

    def wait_until(self, is_ready, what):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.child.poll() is not None:
                break
            if is_ready():
                return
            time.sleep(0.05)
        self.stop()
        ending = open(self.log, errors="replace").read()[-2000:]
        raise RuntimeError(f"{what} does not start: {ending}")


def answers(port, path, method="GET", body=None):
    """Whether a request to a loopback port is answered with success."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request(method, path, body=body)
        return 200 <= connection.getresponse().status < 300
    except OSError:
        return False
    except http.client.HTTPException:
        return False
    finally:
        connection.close()


def accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False
