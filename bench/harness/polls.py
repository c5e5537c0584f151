"""Polls that are held by one server and answered by one publish, against what they are made of: a request and a delivery."""

import contextlib
import select
import socket
import time
from pathlib import Path

READERS = 5_000
ROUNDS = 10
# From the last request to the publish: long past the time in which all are held.
HOLD_SECONDS = 1
ANSWER_SECONDS = 30
ASKED, TOLD = "bench-polls", "bench-sockets"
HANDSHAKE = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
# How each answer ends: of a poll, of a plain request, of a delivery.
END_OF_POLL, END_OF_PAGE, END_OF_MESSAGE = b'"recovered":true}', b'"alive"}', b'published"}'
# `subscribed` in a channel in which nothing was published.
END_OF_OPENING = b'"position":"0-0"}'


class Readers:
    """Connections that all ask the same, or are told the same."""

    def __init__(self, port, count=READERS):
        self.port = port
        self.poll = select.epoll()
        self.connections = {}
        for _ in range(count):
            connection = socket.create_connection(("127.0.0.1", port))
            connection.setblocking(False)
            self.connections[connection.fileno()] = connection
            self.poll.register(connection, select.EPOLLIN)

    def close(self):
        for connection in self.connections.values():
            connection.close()
        self.poll.close()

    def ask(self, target, fields=""):
        request = f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n{fields}\r\n".encode()
        for connection in self.connections.values():
            connection.send(request)

    def read(self, end):
        """Reads until every one has an answer that ends so; returns one of them."""
        missing = {number: b"" for number in self.connections}
        deadline = time.monotonic() + ANSWER_SECONDS
        text = b""
        while missing:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{len(missing)} are not answered, one has {next(iter(missing.values()))[-200:]!r}")
            for number, _ in self.poll.poll(0.2):
                text = missing.get(number, b"") + self.connections[number].recv(65_536)
                missing[number] = text
                if text.endswith(end):
                    del missing[number]
        return text


def processor_seconds(process):
    stats = Path(f"/proc/{process.id}/task").glob("*/schedstat")
    return sum(int(stat.read_text().split()[0]) for stat in stats) / 1e9


def publish(port, channel):
    """Publishes; returns the position."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        body = "published"
        head = f"POST /channels/{channel} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n"
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        answer = b""
        while chunk := connection.recv(4_096):
            answer += chunk
    return answer.rpartition(b'"position":"')[2].partition(b'"')[0].decode()


def measure(server):
    """Server CPU in microseconds: of a poll, of a plain request, of a delivery by WebSocket."""
    port, process = server.ports[0], server.processes[0]
    with contextlib.closing(Readers(port)) as asking, contextlib.closing(Readers(port)) as told:
        told.ask(f"/ws?channel={TOLD}&session=none", HANDSHAKE)
        told.read(END_OF_OPENING)
        spent = {"poll": 0.0, "plain": 0.0, "delivery": 0.0}
        position = publish(port, ASKED)
        for _ in range(ROUNDS):
            before = processor_seconds(process)
            asking.ask("/healthz")
            asking.read(END_OF_PAGE)
            spent["plain"] += processor_seconds(process) - before

            before = processor_seconds(process)
            asking.ask(f"/poll?channel={ASKED}&cursor={ASKED}@{position}&session=none")
            time.sleep(HOLD_SECONDS)
            position = publish(port, ASKED)
            asking.read(END_OF_POLL)
            spent["poll"] += processor_seconds(process) - before

            before = processor_seconds(process)
            publish(port, TOLD)
            told.read(END_OF_MESSAGE)
            spent["delivery"] += processor_seconds(process) - before
        return {kind: seconds * 1e6 / (ROUNDS * READERS) for kind, seconds in spent.items()}
