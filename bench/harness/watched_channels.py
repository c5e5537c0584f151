"""A hundred thousand channels heard by one node: what each takes, and how long it takes to hear them all again."""

import contextlib
import re
import select
import signal
import socket
import time

from .bayeux import memory
from .pattern_costs import BATCH, Redis, publication
from .polls import HANDSHAKE, processor_seconds

CONNECTIONS, EACH = 1_000, 100
CHANNELS = CONNECTIONS * EACH
# Of those that are read while a link is cut, where few publications are missed: one of each connection.
SAMPLE_STEP = EACH
CONNECTS_AT_A_TIME = 25
WAIT_SECONDS = 60
RECONNECTS = 3
# Until tables have grown, counts are told and buffers are given back.
SETTLE_SECONDS = 3
PONG = b"\x8a\x80\0\0\0\0"
SUBSCRIBED, DELIVERED = re.compile(rb'"type":"subscribed"'), re.compile(rb'"type":"message"')


class Readers:
    """WebSockets with a hundred channels each; those of `names` in turn, again from the first after the last."""

    def __init__(self, port, names):
        self.poll, self.connections, self.rests = select.epoll(), {}, {}
        for begin in range(0, CONNECTIONS, CONNECTS_AT_A_TIME):
            for number in range(begin, begin + CONNECTS_AT_A_TIME):
                self.open(port, [names[place % len(names)] for place in range(number * EACH, (number + 1) * EACH)])
            self.wait_for(SUBSCRIBED, CONNECTS_AT_A_TIME * EACH)

    def open(self, port, names):
        connection = socket.create_connection(("127.0.0.1", port))
        query = "&channel=".join(names)
        head = f"GET /ws?session=none&channel={query} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        connection.sendall(f"{head}{HANDSHAKE}\r\n".encode())
        connection.setblocking(False)
        self.connections[connection.fileno()], self.rests[connection.fileno()] = connection, b""
        self.poll.register(connection, select.EPOLLIN)

    def wait_for(self, kind, count):
        """Until so many messages of a kind have come, to all of them together."""
        deadline = time.monotonic() + WAIT_SECONDS
        while count > 0:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{count} messages did not come")
            for number, _ in self.poll.poll(0.2):
                text = self.rests[number] + self.connections[number].recv(1 << 18)
                if not text:
                    raise RuntimeError("a reader was sent away")
                matches = list(kind.finditer(text))
                # What may be the beginning of another one.
                self.rests[number] = text[max(matches[-1].end() if matches else 0, len(text) - 32) :]
                count -= len(matches)

    def say_alive(self):
        """Nobody here answers a ping."""
        for connection in self.connections.values():
            connection.sendall(PONG)

    def close(self):
        for connection in self.connections.values():
            connection.close()
        self.poll.close()


def names(word):
    return [f"{word}/{number}" for number in range(CHANNELS)]


def settled_memory(process):
    time.sleep(SETTLE_SECONDS)
    return memory(process)


def reconnect(server, readers, step):
    """Seconds until every reader has what was published in every n-th channel while no link to Redis was there; and what that
    took of the node's CPU and of Redis'."""
    readers.say_alive()
    node, processes = server.processes[0].child, server.processes + server.auxiliary
    with contextlib.closing(Redis(server.redis_port)) as redis:
        # It must not come back before all is published.
        node.send_signal(signal.SIGSTOP)
        for kind in (b"pubsub", b"normal"):
            redis.send([[b"CLIENT", b"KILL", b"TYPE", kind]])
        numbers = range(0, CHANNELS, step)
        for begin in range(0, len(numbers), BATCH):
            redis.send([publication("wide", number) for number in numbers[begin : begin + BATCH]])
    begin, before = time.monotonic(), [processor_seconds(process) for process in processes]
    node.send_signal(signal.SIGCONT)
    readers.wait_for(DELIVERED, len(numbers))
    spent = [processor_seconds(process) - start for process, start in zip(processes, before)]
    return time.monotonic() - begin, *spent


def measure(server):
    """Bytes of a channel beyond those of its reader, which are those of one who reads the same as a thousand others."""
    port, process = server.ports[0], server.processes[0]
    Readers(port, names("warm")[:EACH]).close()
    before = settled_memory(process)
    with contextlib.closing(Readers(port, names("shared")[:EACH])) as sharing:
        shared = settled_memory(process) - before
        sharing.say_alive()
        readers = Readers(port, names("wide"))
        wide = settled_memory(process) - before - shared
    with contextlib.closing(readers):
        few = sorted(reconnect(server, readers, SAMPLE_STEP) for _ in range(RECONNECTS))
        all_seconds, _, _ = reconnect(server, readers, 1)
    few_seconds, node_seconds, redis_seconds = few[RECONNECTS // 2]
    return {
        "channel_bytes": (wide - shared) / (CHANNELS - EACH),
        "reader_bytes": shared / CONNECTIONS,
        "few_seconds": few_seconds,
        "reconnect_node": node_seconds,
        "reconnect_redis": redis_seconds,
        "all_seconds": all_seconds,
    }
