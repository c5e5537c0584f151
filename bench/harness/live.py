"""A channel that is published to at a rate, and how late its readers have it."""

import contextlib
import http.client
import os
import select
import socket
import ssl
import threading
import time

from .polls import HANDSHAKE

READERS = 10
RATE = 200


class Publisher(threading.Thread):
    """Publishes at a rate until it is told to stop."""

    def __init__(self, port, rate, channel, payload):
        super().__init__(daemon=True)
        self.port, self.rate, self.channel, self.payload = port, rate, channel, payload
        self.is_over = threading.Event()
        self.start()

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        due = time.monotonic()
        while not self.is_over.is_set():
            connection.request("POST", f"/channels/{self.channel}", body=self.payload())
            connection.getresponse().read()
            due += 1 / self.rate
            time.sleep(max(0, due - time.monotonic()))
        connection.close()

    def stop(self):
        self.is_over.set()
        self.join()


def metric(port, name):
    """A node's metric without labels."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith(f"{name} "))


def opened(port, is_secure):
    """A reader of the channel "live"."""
    connection = socket.create_connection(("127.0.0.1", port))
    if is_secure:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = context.wrap_socket(connection, server_hostname="localhost")
    connection.sendall(f"GET /ws?channel=live&session=none HTTP/1.1\r\nHost: 127.0.0.1\r\n{HANDSHAKE}\r\n".encode())
    told = b""
    while b'"type":"subscribed"' not in told:
        more = connection.recv(4_096)
        if not more:
            raise RuntimeError(f"no reader: {told}")
        told += more
    connection.setblocking(False)
    return connection


@contextlib.contextmanager
def urgent():
    """Has this thread, and those that it starts, wait for nobody who is not: its own waiting is not what is measured."""
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def late(port, reading_port, seconds, is_secure):
    """The 99th percentile of the milliseconds from a publish to each of a few readers."""
    with urgent():
        return measure(port, reading_port, seconds, is_secure)


def measure(port, reading_port, seconds, is_secure):
    poll, connections, taken = select.epoll(), {}, []
    for _ in range(READERS):
        connection = opened(reading_port, is_secure)
        connections[connection.fileno()] = connection
        poll.register(connection, select.EPOLLIN)
    publisher = Publisher(port, RATE, "live", lambda: b"<%d>" % time.monotonic_ns())
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for number, _ in poll.poll(0.1):
            with contextlib.suppress(ssl.SSLWantReadError, BlockingIOError):
                while text := connections[number].recv(65_536):
                    now = time.monotonic_ns()
                    for part in text.split(b"<")[1:]:
                        taken.append((now - int(part.partition(b">")[0])) / 1e6)
    publisher.stop()
    for connection in connections.values():
        connection.close()
    taken.sort()
    return taken[len(taken) * 99 // 100]
