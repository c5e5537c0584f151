"""Storms: what clients do to a node when they come, or come back, all at once."""

import http.client
import subprocess
import threading
import time

from .generator import addresses

# Of one run of `load`: with what the measured generator holds they fit a process's descriptors, on either side.
CONNECTIONS = "5000"

MISSED_COUNT = 50


class Opening:
    """Opens sessions until the `with` block ends; `rate` is how many a second were granted meanwhile."""

    def __init__(self, programs, server):
        options = ["--channel-prefix", "storm", "--connections", CONNECTIONS, "--seconds", "0", "--settle", "0"]
        self.command = [programs.load] + addresses(server, options) + server.load_options + options
        self.server = server
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self.go_on)

    def __enter__(self):
        self.begin = time.monotonic()
        self.opened_before = metric(self.server, "perseid_sessions_opened_total")
        self.thread.start()
        return self

    def go_on(self):
        while not self.is_over.is_set():
            subprocess.run(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)

    def __exit__(self, *_):
        opened = metric(self.server, "perseid_sessions_opened_total") - self.opened_before
        self.rate = opened / (time.monotonic() - self.begin)
        self.is_over.set()
        self.thread.join()


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
