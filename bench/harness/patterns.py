"""A hundred readers of a pattern beside a hundred readers of one channel, at the same rate."""

import contextlib
import json
import select
import socket
import threading
import time

from . import storm
from .polls import HANDSHAKE, processor_seconds

READERS = 100
RATE = 2_000
SECONDS = 8
ROUNDS = 3
STEPS_PER_SECOND = 200
PAYLOAD = "x" * 64
CHANNELS = {"one": 1, "thousand": 1_000, "ten_thousand": 10_000}


class Readers(threading.Thread):
    """They take what they are sent, and look at none of it: the node counts what it delivers."""

    def __init__(self, port, channel):
        super().__init__(daemon=True)
        self.poll, self.connections, self.is_stopping = select.epoll(), {}, False
        for _ in range(READERS):
            connection = socket.create_connection(("127.0.0.1", port))
            target = f"/ws?channel={channel}&session=none"
            connection.sendall(f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{HANDSHAKE}\r\n".encode())
            connection.setblocking(False)
            self.poll.register(connection, select.EPOLLIN)
            self.connections[connection.fileno()] = connection
        self.start()

    def run(self):
        room = bytearray(262_144)
        while not self.is_stopping:
            for number, _ in self.poll.poll(0.1):
                with contextlib.suppress(BlockingIOError):
                    self.connections[number].recv_into(room)

    def close(self):
        self.is_stopping = True
        self.join()
        for connection in self.connections.values():
            connection.close()
        self.poll.close()


class Publisher:
    """Lines of one body, to some channels in turn."""

    def __init__(self, port, name, count):
        self.name, self.count, self.number = name, count, 0
        self.connection = socket.create_connection(("127.0.0.1", port))
        head = f"POST /publish HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nTransfer-Encoding: chunked\r\n"
        self.connection.sendall(f"{head}Content-Type: application/x-ndjson\r\n\r\n".encode())
        threading.Thread(target=self.drain, daemon=True).start()

    def drain(self):
        with contextlib.suppress(OSError):
            while self.connection.recv(65_536):
                pass

    def send(self, count):
        lines = b""
        for _ in range(count):
            channel = self.name if self.count == 1 else f"{self.name}/{self.number % self.count}"
            lines += json.dumps({"channel": channel, "data": PAYLOAD}).encode() + b"\n"
            self.number += 1
        self.connection.sendall(b"%x\r\n%s\r\n" % (len(lines), lines))

    def send_at_rate(self):
        begin = time.monotonic()
        for step in range(1, SECONDS * STEPS_PER_SECOND + 1):
            self.send(RATE // STEPS_PER_SECOND)
            time.sleep(max(0, begin + step / STEPS_PER_SECOND - time.monotonic()))

    def close(self):
        self.connection.close()


def delivery(server, name, count):
    """Server CPU in microseconds of one delivery."""
    port, process = server.ports[0], server.processes[0]
    with (
        contextlib.closing(Readers(port, name if count == 1 else f"{name}/**")),
        contextlib.closing(Publisher(port, name, count)) as publisher,
    ):
        time.sleep(1)
        publisher.send(min(count, 1_000))
        time.sleep(0.5)
        spent, told = processor_seconds(process), storm.metric(server, "perseid_deliveries_total")
        publisher.send_at_rate()
        time.sleep(0.5)
        spent = processor_seconds(process) - spent
        return spent * 1e6 / (storm.metric(server, "perseid_deliveries_total") - told)


def measure(server):
    """CPU of a delivery by what the readers read, and how much more it is for a pattern."""
    found = {name: [] for name in CHANNELS}
    for _ in range(ROUNDS):
        for name, count in CHANNELS.items():
            found[name].append(delivery(server, f"bench-{name}", count))
    middle = {name: sorted(times)[ROUNDS // 2] for name, times in found.items()}
    return {
        "one": middle["one"],
        "thousand_times": middle["thousand"] / middle["one"],
        "ten_thousand_times": middle["ten_thousand"] / middle["one"],
    }
