"""What patterns cost by how many are heard: Redis for each publication, the node and Redis for each pattern."""

import contextlib
import json
import socket
import threading
import time

from . import storm
from .bayeux import memory
from .polls import HANDSHAKE, processor_seconds

COUNTS = [0, 1, 100, 10_000]
PATTERNS_PER_CONNECTION = 16
CHANNELS = 10_000
PUBLISHES, BATCH = 40_000, 500
OPEN_SECONDS = 120
# No search begins for so long: there is none left.
QUIET_SECONDS = 1.5


class Redis:
    """A connection that sends many commands and then reads as many replies of a line each, or of a bulk string."""

    def __init__(self, port):
        self.connection = socket.create_connection(("127.0.0.1", port))
        self.replies = self.connection.makefile("rb")

    def close(self):
        self.connection.close()

    def send(self, commands):
        parts = []
        for command in commands:
            parts.append(b"*%d\r\n" % len(command))
            parts += [b"$%d\r\n%s\r\n" % (len(word), word) for word in command]
        self.connection.sendall(b"".join(parts))
        return [self.reply() for _ in commands]

    def reply(self):
        line = self.replies.readline()
        if line[:1] == b"-":
            raise RuntimeError(line.decode())
        if line[:1] == b"$":
            return self.replies.read(int(line[1:]) + 2)[:-2]
        return line[1:-2]

    def publish(self, name, count, channels):
        """Publishes so many, to the channels in turn."""
        for begin in range(0, count, BATCH):
            self.send([publication(name, number % channels) for number in range(begin, begin + BATCH)])


def publication(name, number):
    key = f"perseid:{{{name}/{number}}}".encode()
    return [b"FCALL", b"perseid_publish", b"1", key, b'{"n":%d}' % number, b"TYPE", b"json"]


class Listeners:
    """WebSockets that hear patterns, as many as a connection may."""

    def __init__(self, port, names):
        self.connections = []
        for begin in range(0, len(names), PATTERNS_PER_CONNECTION):
            connection = socket.create_connection(("127.0.0.1", port))
            some = "&channel=".join(names[begin : begin + PATTERNS_PER_CONNECTION])
            head = f"GET /ws?session=none&channel={some} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            connection.sendall(f"{head}{HANDSHAKE}\r\n".encode())
            self.connections.append(connection)
        self.drain = threading.Thread(target=self.read, daemon=True)
        self.drain.start()

    def read(self):
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.settimeout(OPEN_SECONDS)
                connection.recv(65_536)

    def close(self):
        for connection in self.connections:
            connection.close()


def per_publish(redis, process, name, channels):
    """CPU of Redis in microseconds of one publication."""
    redis.publish(name, BATCH, channels)
    spent = processor_seconds(process)
    redis.publish(name, PUBLISHES, channels)
    return (processor_seconds(process) - spent) * 1e6 / PUBLISHES


def searches(server):
    return storm.metric(server, "perseid_pattern_searches_total")


def open_patterns(server, names):
    """Hears them; returns the listeners, and how long it took until the channels of all were looked for."""
    begin = time.monotonic()
    listeners = Listeners(server.ports[0], names)
    searched, last = begin, searches(server)
    while time.monotonic() < searched + QUIET_SECONDS or storm.metric(server, "perseid_patterns") < len(names):
        if time.monotonic() > begin + OPEN_SECONDS:
            raise RuntimeError("patterns are not heard")
        time.sleep(0.05)
        if last != (last := searches(server)):
            searched = time.monotonic()
    return listeners, searched - begin


def measure(server):
    """CPU of Redis for a publication by how many patterns are heard, as a multiple of that where there are none; what they take."""
    values, alone = {}, 0
    node, process = server.processes[0], server.auxiliary[0]
    with contextlib.closing(Redis(server.redis_port)) as redis:
        redis.publish("other", CHANNELS, CHANNELS)
        for count in COUNTS:
            before, taken, spent = memory(node), memory(process), processor_seconds(process)
            listeners, seconds = open_patterns(server, [f"heard/{number}/**" for number in range(count)])
            spent = processor_seconds(process) - spent
            node_bytes, redis_bytes = memory(node) - before, memory(process) - taken
            with contextlib.closing(listeners):
                others = per_publish(redis, process, "other", CHANNELS)
                if count == 0:
                    values["alone"] = alone = others
                    continue
                values[f"unmatched_{count}"] = others / alone
                values[f"matched_{count}"] = per_publish(redis, process, "heard/0", 1) / alone
        values |= {"open_seconds": seconds, "open_redis": spent}
        values |= {"node_bytes": node_bytes / COUNTS[-1], "redis_bytes": redis_bytes / COUNTS[-1]}
    return values
