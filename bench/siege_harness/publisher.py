"""The live publisher: so many a second over HTTP, each when it is due, whether the ones before are answered or not."""

import re
import time
from collections import deque

from .frames import post
from .socket_client import SocketClient

# Opened at the beginning, and used in turn: so that it need not ask for one where there may be no room for more.
CONNECTIONS_KEPT = 20
CONNECTIONS_MAX = 200
LATE_NANOSECONDS = 1_000_000_000
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Publisher:
    def __init__(self, live, rate):
        self.live = live
        self.period = int(1e9 / rate)
        # The readers come first.
        self.due = time.monotonic_ns() + 1_000_000_000
        self.number = 0
        self.acknowledged = []
        self.idle = deque()
        self.busy = set()
        self.is_over = False

    def work(self, now):
        """Publishes what is due; returns when it wants to be called again."""
        while not self.is_over and now >= self.due:
            self.publish(self.due)
            self.due += self.period
        return now + 1_000_000_000 if self.is_over else self.due

    def publish(self, due):
        tally = self.live.tally
        tally.now.counts["published"] += 1
        if not self.idle and len(self.busy) >= CONNECTIONS_MAX:
            # All wait for answers that are long overdue.
            tally.now.counts["late"] += 1
            return
        is_beginning = self.number < CONNECTIONS_KEPT
        connection = self.idle.popleft() if self.idle and not is_beginning else Connection(self)
        self.busy.add(connection)
        connection.publish(self.number, due, tally.name)
        self.number += 1

    @property
    def is_idle(self):
        return not self.busy

    def give_up(self):
        for connection in list(self.busy):
            connection.end("never answered")


class Connection(SocketClient):
    def __init__(self, publisher):
        super().__init__(publisher.live)
        self.publisher = publisher

    def publish(self, number, due, phase):
        # What becomes of it counts in the phase in which it was due.
        self.number, self.due, self.phase = number, due, self.live.tally.now
        if self.socket is None:
            self.connect(self.live.ports[number % len(self.live.ports)], self.live.address)
        self.send(post(f"/channels/{self.live.channel}", b"%d %d %s" % (number, due, phase.encode())))

    def take(self):
        end = self.input.find(b"\r\n\r\n")
        if end < 0:
            return
        length = LENGTH.search(self.input, 0, end)
        if len(self.input) < end + 4 + (int(length[1]) if length else 0):
            return
        status = int(self.input[9:12])
        is_last = b"\r\nconnection: close" in self.input[:end].lower()
        self.input.clear()
        if self in self.publisher.busy:
            self.finish(status == 200, f"status {status}")
        if is_last:
            self.end("closed in order")
        elif self.socket:
            self.publisher.idle.append(self)

    def finish(self, is_done, outcome):
        self.publisher.busy.discard(self)
        if time.monotonic_ns() - self.due > LATE_NANOSECONDS:
            self.phase.counts["late"] += 1
        if is_done:
            self.publisher.acknowledged.append(self.number)
        else:
            self.phase.counts["refused"] += 1
            self.phase.counts[f"refused: {outcome}"] += 1

    def ended(self, reason):
        if self in self.publisher.busy:
            self.finish(False, reason)
        if self in self.publisher.idle:
            self.publisher.idle.remove(self)
