"""Prices of 500 keys that change 20 times a second each, for readers who want two updates a second and for readers who want them all.

Ten million deliveries a second are more than there is time for; so those who want them all are few, and what one of them costs counts.
What nobody reads costs something, too, and that is taken off before the two are compared.
"""

import contextlib
import json
import select
import socket
import time
from pathlib import Path

from .polls import HANDSHAKE, processor_seconds

KEYS, RATE = 500, 20
PACED, UNPACED, STOPPED = 1_000, 20, 100
SECONDS, STOPPED_SECONDS = 10, 60
CHANNEL, MAX_RATE = "prices", 2
# Bytes that a reader may lack before it is merged: so that those who stand still are.
WINDOW = 65_536


def settings(directory):
    file = Path(directory) / "keyed_pace.yaml"
    rule = {"channels": "**", "subscribe": "anyone", "publish": "anyone", "keyed": True}
    # Who stands still for a minute is to be kept, and a peer that takes nothing for a minute is ended by default.
    limits = {"stall-milliseconds": 2 * STOPPED_SECONDS * 1_000}
    file.write_text(json.dumps({"rules": [rule], "policies": [f"{CHANNEL}=merge:{WINDOW}"], "limits": limits}))
    return file


class Prices:
    """Publishes each key's value over and over: one request without an end, whose lines carry when they were written."""

    def __init__(self, port):
        self.connection = socket.create_connection(("127.0.0.1", port))
        self.connection.sendall(
            b"POST /publish HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n"
            b"Content-Type: application/x-ndjson\r\n\r\n"
        )
        self.due = time.monotonic()
        self.newest = 0

    def publish_round(self):
        """Each key once, 50 ms behind the last time."""
        at = self.newest = time.monotonic_ns()
        lines = "".join(
            f'{{"channel":"{CHANNEL}","key":"k{key}","data":{{"at":{at},"bid":{at % 90_000}}}}}\n' for key in range(KEYS)
        ).encode()
        self.connection.sendall(b"%x\r\n%s\r\n" % (len(lines), lines))
        self.due += 1 / RATE

    def read_answers(self):
        with contextlib.suppress(BlockingIOError):
            while self.connection.recv(1_048_576, socket.MSG_DONTWAIT):
                pass

    def close(self):
        self.connection.close()


class Reader:
    """A WebSocket that knows the newest value of each key, and how late the latest message was."""

    def __init__(self, port, parameters="", receive_bytes=None):
        self.connection = socket.socket()
        if receive_bytes:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.connection.connect(("127.0.0.1", port))
        target = f"/ws?channel={CHANNEL}&session=none{parameters}"
        self.connection.sendall(f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{HANDSHAKE}\r\n".encode())
        self.newest, self.latest = {}, 0.0
        text = b""
        while b"\r\n\r\n" not in text:
            text += self.connection.recv(4_096)
        self.bytes = bytearray(text.partition(b"\r\n\r\n")[2])

    def read(self, until, enough=lambda reader: False):
        """Reads until a moment, or until it knows enough; says when that was."""
        while (left := until - time.monotonic()) > 0 and not enough(self):
            if select.select([self.connection], [], [], left)[0]:
                self.bytes += self.connection.recv(1_048_576)
                self.hear()
        return time.monotonic()

    def hear(self):
        now = time.monotonic_ns()
        for message in self.messages():
            if not message.startswith(b'{"type":"message"'):
                continue
            key = message.partition(b'"key":"')[2].partition(b'"')[0]
            at = int(message.partition(b'"at":')[2].partition(b",")[0])
            self.newest[key] = at
            if b'"snapshot"' not in message:
                self.latest = max(self.latest, (now - at) / 1e6)

    def messages(self):
        """Takes the frames that are whole (RFC 6455 section 5.2: a server masks none)."""
        begin, found = 0, []
        while len(self.bytes) - begin >= 2:
            short = self.bytes[begin + 1]
            head = 4 if short == 126 else 10 if short == 127 else 2
            end = begin + head + (short if head == 2 else int.from_bytes(self.bytes[begin + 2 : begin + head], "big"))
            if len(self.bytes) < max(end, begin + head):
                break
            found.append(bytes(self.bytes[begin + head : end]))
            begin = end
        del self.bytes[:begin]
        return found

    def knows(self, at):
        return len(self.newest) == KEYS and all(value == at for value in self.newest.values())

    def close(self):
        self.connection.close()


class Crowd:
    """WebSockets whose bytes are counted."""

    def __init__(self, port, parameters, count):
        self.poll, self.readers = select.epoll(), {}
        for _ in range(count):
            reader = Reader(port, parameters)
            self.readers[reader.connection.fileno()] = reader.connection
            self.poll.register(reader.connection, select.EPOLLIN)
        self.byte_count = 0

    def read(self, until):
        while (left := until - time.monotonic()) > 0:
            for number, _ in self.poll.poll(left):
                self.byte_count += len(self.readers[number].recv(1_048_576))

    def close(self):
        for connection in self.readers.values():
            connection.close()
        self.poll.close()


def load(server, parameters, count):
    """Bytes and server CPU a second, of so many readers and of what is published."""
    prices = Prices(server.ports[0])
    with contextlib.closing(prices), contextlib.closing(Crowd(server.ports[0], parameters, count)) as crowd:
        for second in (2, SECONDS):
            crowd.byte_count, before = 0, processor_seconds(server.processes[0])
            for _ in range(second * RATE):
                prices.publish_round()
                crowd.read(prices.due)
                prices.read_answers()
        return crowd.byte_count / SECONDS, (processor_seconds(server.processes[0]) - before) / SECONDS


def newcomer(server):
    """Milliseconds until a newcomer knows every key, and by how many the latest message of a paced reader was late."""
    prices = Prices(server.ports[0])
    known, latest = [], 0.0
    with contextlib.closing(prices):
        for _ in range(10):
            for _ in range(RATE // 2):
                prices.publish_round()
                time.sleep(max(prices.due - time.monotonic(), 0))
            begun = time.monotonic()
            with contextlib.closing(Reader(server.ports[0], f"&max-rate={MAX_RATE}")) as reader:
                end = reader.read(begun + 5, lambda one: len(one.newest) == KEYS)
                known.append((end - begun) * 1e3)
                for _ in range(RATE * 2):
                    prices.publish_round()
                    reader.read(prices.due)
                    prices.read_answers()
                reader.read(time.monotonic() + 1, lambda one: one.knows(prices.newest))
                assert reader.knows(prices.newest), "not every key's last value came"
                latest = max(latest, reader.latest)
    return sorted(known)[len(known) // 2], latest


def stopped(server):
    """Kilobytes of memory that a hundred readers take who stand still for a minute; each has every key's last value then."""
    rollup = Path(f"/proc/{server.processes[0].id}/smaps_rollup")

    def memory():
        line = next(line for line in rollup.read_text().splitlines() if line.startswith("Pss:"))
        return int(line.split()[1])

    prices = Prices(server.ports[0])
    with contextlib.closing(prices), contextlib.ExitStack() as stack:
        readers = [stack.enter_context(contextlib.closing(Reader(server.ports[0], "", 16_384))) for _ in range(STOPPED)]
        before = memory()
        for _ in range(STOPPED_SECONDS * RATE):
            prices.publish_round()
            time.sleep(max(prices.due - time.monotonic(), 0))
            prices.read_answers()
        held = memory() - before
        for reader in readers:
            reader.read(time.monotonic() + 10, lambda one: one.knows(prices.newest))
            assert reader.knows(prices.newest), "one that stood still lacks a key's last value"
    return held


def measure(server):
    _, idle_cpu = load(server, "", 0)
    every_bytes, every_cpu = load(server, "", UNPACED)
    paced_bytes, paced_cpu = load(server, f"&max-rate={MAX_RATE}", PACED)
    known, latest = newcomer(server)
    return {
        "paced_bytes": (paced_bytes / PACED) / (every_bytes / UNPACED),
        "paced_cpu": ((paced_cpu - idle_cpu) / PACED) / ((every_cpu - idle_cpu) / UNPACED),
        "snapshot": known,
        "lateness": latest,
        "stopped_memory": stopped(server),
    }
