"""HTTP/2 in front of a node: what a delivery to 1,000 event streams costs HAProxy and the node, when each stream has a connection of HTTP/1.1 and
when twenty share one of HTTP/2; and the node's own TLS beside it, which is the least that HTTP/2 of its own could cost.

The readers are h2load's, which reads what comes and checks nothing: what they are sent is checked by the tests.
"""

import os
import time

from . import live
from .bayeux import memory
from .build import ROOT
from .polls import processor_seconds
from .process import Process, accepts, free_port
from .security import deliveries

STREAMS, PER_CONNECTION = 1_000, 20
RATE = 10
ROUNDS, ROUND_SECONDS = 5, 3
CHANNEL = "bench-front"
PAYLOAD = b"x" * 64


def start_haproxy(server):
    """With the configuration that users are given, but on one thread, and one node in the place of three."""
    text = (ROOT / "deploy" / "haproxy.cfg").read_text().replace("\nglobal\n", "\nglobal\n    nbthread 1\n")
    file = server.directory / "haproxy.cfg"
    file.write_text(text)
    port, secure_port = free_port(), free_port()
    node = f"127.0.0.1:{server.ports[0]}"
    variables = {"PERSEID_BIND": f"127.0.0.1:{port}", "PERSEID_TLS_BIND": f"127.0.0.1:{secure_port}", "PERSEID_MAXCONN": "5000"}
    variables |= {f"PERSEID_NODE_{name}": node for name in "ABC"} | {"PERSEID_TLS_PEM": str(server.directory / "both.pem")}
    os.environ |= variables
    try:
        haproxy = Process(["haproxy", "-db", "-f", str(file)], server.directory / "haproxy.log", server.cores)
    finally:
        for name in variables:
            del os.environ[name]
    haproxy.wait_until(lambda: accepts(secure_port), "HAProxy")
    return haproxy, port, secure_port


class Streams:
    """1,000 event streams that one process reads."""

    def __init__(self, server, url, has_http_2):
        shape = ["-c", str(STREAMS // PER_CONNECTION), "-m", str(PER_CONNECTION)] if has_http_2 else ["--h1", "-c", str(STREAMS)]
        command = ["h2load", "-n", str(STREAMS), *shape, f"{url}/sse?channel={CHANNEL}&session=none"]
        # Beside the node and HAProxy, which have the first core.
        self.process = Process(command, server.directory / "h2load.log", "1" if server.cores else None)
        self.process.wait_until(lambda: live.metric(server.ports[0], "perseid_subscriptions") == STREAMS, "1,000 streams")
        self.server = server

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.child.kill()
        self.process.child.wait()
        end = time.monotonic() + 15
        while live.metric(self.server.ports[0], "perseid_subscriptions") and time.monotonic() < end:
            time.sleep(0.1)


def fan_out(server, processes):
    """CPU of each process in microseconds per delivery."""
    port = server.ports[0]
    publisher = live.Publisher(port, RATE, CHANNEL, lambda: PAYLOAD)
    time.sleep(1)
    before, told = [processor_seconds(process) for process in processes], deliveries(port)
    time.sleep(ROUND_SECONDS)
    after, count = [processor_seconds(process) for process in processes], deliveries(port) - told
    publisher.stop()
    if count < STREAMS * RATE * ROUND_SECONDS * 0.9:
        raise RuntimeError(f"{count} deliveries, which are too few")
    return [(end - begin) * 1e6 / count for begin, end in zip(before, after)]


def held_bytes(server, has_http_2):
    """HAProxy's memory for a stream. Of a HAProxy of its own: one that has given memory back has it for the next."""
    haproxy, _, secure_port = start_haproxy(server)
    try:
        before = memory(haproxy)
        with Streams(server, f"https://127.0.0.1:{secure_port}", has_http_2):
            time.sleep(1)
            return (memory(haproxy) - before) / STREAMS
    finally:
        haproxy.stop()


def measure(server):
    """The middle of five rounds each; the ways take turns."""
    haproxy, port, secure_port = start_haproxy(server)
    node = server.processes[0]
    ways = {
        "own_tls": (f"https://127.0.0.1:{server.secure_port}", False),
        "front_plain": (f"http://127.0.0.1:{port}", False),
        "front_h1": (f"https://127.0.0.1:{secure_port}", False),
        "front_h2": (f"https://127.0.0.1:{secure_port}", True),
    }
    spent = {way: [] for way in ways}
    try:
        for _ in range(ROUNDS):
            for way, (url, has_http_2) in ways.items():
                with Streams(server, url, has_http_2):
                    spent[way].append(fan_out(server, [node, haproxy]))
    finally:
        haproxy.stop()

    def middle(values):
        return sorted(values)[len(values) // 2]

    found = {f"{way}_cpu": middle([sum(each) for each in spent[way]]) for way in ways}
    found |= {f"{way}_node": middle([each[0] for each in spent[way]]) for way in ways}
    found |= {"front_h1_held": held_bytes(server, False), "front_h2_held": held_bytes(server, True)}
    return found | {"front_times": found["front_h2_cpu"] / found["front_h1_cpu"]}
