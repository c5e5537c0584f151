"""Storms: what clients do to a node when they come, or come back, all at once."""

import http.client
import subprocess
import time

from .generator import addresses
from .process import on_cores

# With what the measured generator holds they fit a process's descriptors, on either side.
CONNECTIONS = "15000"
# Connects under way at a time: some 6,000 a second on the machine of RESULTS.md, and longer than what is measured meanwhile.
CONNECTS_IN_FLIGHT = "4"

MISSED_COUNT = 50


class Opening:
    """Opens sessions and keeps them until the `with` block ends; `rate` is how many a second were granted meanwhile."""

    def __init__(self, programs, server, cores):
        options = ["--channel-prefix", "storm", "--connections", CONNECTIONS, "--seconds", "0", "--settle", "60"]
        options += ["--connects-in-flight", CONNECTS_IN_FLIGHT]
        self.command = on_cores(cores) + [programs.load] + addresses(server, options) + server.load_options + options
        self.server = server

    def __enter__(self):
        self.opened_before = metric(self.server, "perseid_sessions_opened_total")
        self.begin = time.monotonic()
        self.child = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return self

    def __exit__(self, *_):
        opened = metric(self.server, "perseid_sessions_opened_total") - self.opened_before
        self.rate = opened / (time.monotonic() - self.begin)
        self.child.terminate()
        self.child.wait()


def metric(server, name):
    """The value of a metric of the first node."""
    status, body = ask(server, "GET", "/metrics")
    values = [line.split()[1] for line in body.splitlines() if line.startswith(name + " ")]
    if status != 200 or not values:
        raise RuntimeError(f"the node has no {name}")
    return int(values[0])


def publish_and_miss(server, channel):
    """Publishes; returns the position behind which there are as many as are missed."""
    positions = []
    for number in range(MISSED_COUNT + 1):
        status, body = ask(server, "POST", f"/channels/{channel}", f"missed {number}")
        if status != 200:
            raise RuntimeError(f"not published: {status} {body}")
        positions.append(body.split('"')[7])
    return positions[0]


def ask(server, method, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", server.ports[0], timeout=10)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()
