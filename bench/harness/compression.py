"""One channel of price ticks and a thousand readers: bytes on the wire and CPU as they are, compressed together, and each message alone.

The readers count bytes and inflate nothing: what they are sent is checked by the tests.
"""

import contextlib
import json
import random
import select
import socket
import statistics
import time
from pathlib import Path

from .polls import END_OF_OPENING, HANDSHAKE, processor_seconds

READERS, IDLE = 1_000, 5_000
# How often plain and compressed readers take turns.
CPU_TURNS = 5
TICKS, RATE = 400, 20
NEWCOMERS_PER_SECOND = 10
OFFER = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"


def settings(directory):
    """A channel for each way; nobody needs a token."""
    file = Path(directory) / "compression.yaml"
    everyone = {"subscribe": "anyone", "publish": "anyone"}
    ways = [{"channels": way, "compress": way, **everyone} for way in ("shared", "alone")]
    file.write_text(json.dumps({"rules": ways + [{"channels": "**", **everyone}]}))
    return file


def tick(number):
    """Some 110 bytes, half of which nobody can foresee; with what is around it 170."""
    bid = random.randint(10_000, 90_000)
    return json.dumps(
        {
            "symbol": random.choice(["EURUSD", "GBPUSD", "USDJPY", "AAPL", "MSFT"]),
            "bid": bid + 0.25,
            "ask": bid + random.randint(1, 99) + 0.75,
            "size": random.randint(1, 99) * 100,
            "time": 1_795_813_448_614 + number * 50,
            "venue": "XNAS",
        },
        separators=(",", ":"),
    ).encode()


class Crowd:
    """WebSockets that read one channel."""

    def __init__(self, port, channel, offer, count):
        self.port, self.offer = port, offer
        self.request = (
            f"GET /ws?channel={channel}&session=none HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{HANDSHAKE}{offer}\r\n"
        ).encode()
        self.poll = select.epoll()
        self.connections = {}
        self.byte_count = 0
        for _ in range(count):
            self.open()

    def open(self):
        connection = socket.create_connection(("127.0.0.1", self.port))
        connection.sendall(self.request)
        text = b""
        while not text.endswith(END_OF_OPENING) and b'"position":"' not in text:
            text += connection.recv(4_096)
        assert (b"permessage-deflate" in text) == bool(self.offer), text
        connection.setblocking(False)
        self.connections[connection.fileno()] = connection
        self.poll.register(connection, select.EPOLLIN)

    def replace(self):
        self.connections.pop(next(iter(self.connections))).close()
        self.open()

    def read(self, until):
        while (left := until - time.monotonic()) > 0:
            for number, _ in self.poll.poll(left):
                if connection := self.connections.get(number):
                    self.byte_count += len(connection.recv(65_536))

    def close(self):
        for connection in self.connections.values():
            connection.close()
        self.poll.close()


def publish(connection, channel, number):
    body = tick(number)
    head = f"POST /channels/{channel} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    connection.recv(4_096)


def fan_out(server, channel, offer, newcomers=0):
    """Bytes and server CPU in microseconds of a delivery."""
    random.seed(7)
    port, process = server.ports[0], server.processes[0]
    publisher = socket.create_connection(("127.0.0.1", port))
    with contextlib.closing(publisher), contextlib.closing(Crowd(port, channel, offer, READERS)) as crowd:
        due = time.monotonic() + 1
        crowd.read(due)
        crowd.byte_count, before = 0, processor_seconds(process)
        for number in range(TICKS):
            if newcomers and number % (RATE // newcomers) == 0:
                crowd.replace()
            publish(publisher, channel, number)
            due += 1 / RATE
            crowd.read(due)
        crowd.read(due + 1)
        deliveries = TICKS * READERS
        return crowd.byte_count / deliveries, (processor_seconds(process) - before) * 1e6 / deliveries


def idle_bytes(server, offer):
    """The server's private memory for an idle WebSocket."""
    rollup = Path(f"/proc/{server.processes[0].id}/smaps_rollup")

    def memory():
        line = next(line for line in rollup.read_text().splitlines() if line.startswith("Pss:"))
        return int(line.split()[1]) * 1_024

    # Once before, so that what is made for the first of them is there.
    with contextlib.closing(Crowd(server.ports[0], "shared", offer, 100)):
        time.sleep(1)
    before = memory()
    with contextlib.closing(Crowd(server.ports[0], "shared", offer, IDLE)):
        time.sleep(1)
        return (memory() - before) / IDLE


def measure(server, start_another):
    """Idle memory is measured on nodes of their own: one that has given memory back has it for the next."""
    ratios = []
    # In turn, for what a delivery costs differs by some percent from one half minute to the next.
    for _ in range(CPU_TURNS):
        plain_bytes, plain_cpu = fan_out(server, "plain", "")
        shared_bytes, shared_cpu = fan_out(server, "shared", OFFER)
        ratios.append(shared_cpu / plain_cpu)
    alone_bytes, _ = fan_out(server, "alone", OFFER)
    busy_bytes, _ = fan_out(server, "shared", OFFER, NEWCOMERS_PER_SECOND)
    with start_another() as another:
        plain_idle = idle_bytes(another, "")
    with start_another() as another:
        compressed_idle = idle_bytes(another, OFFER)
    return {
        "plain_wire": plain_bytes,
        "shared_wire": shared_bytes,
        "shared_ratio": plain_bytes / shared_bytes,
        "alone_ratio": alone_bytes / shared_bytes,
        "busy_ratio": plain_bytes / busy_bytes,
        "shared_cpu": statistics.median(ratios),
        "idle_more": compressed_idle - plain_idle,
    }
