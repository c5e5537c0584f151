"""The live newcomer: comes with its session twice a second, is welcomed, and goes."""

import re
import time

from .frames import upgrade
from .reader import FINAL_TEXT, frames
from .socket_client import SocketClient

PERIOD_NANOSECONDS = 500_000_000
LATE_NANOSECONDS = 2_000_000_000
GIVE_UP_NANOSECONDS = 10_000_000_000
SESSION = re.compile(rb'"session":"([^"]+)"')


class Newcomer(SocketClient):
    def __init__(self, live):
        super().__init__(live)
        self.due = time.monotonic_ns() + PERIOD_NANOSECONDS
        self.session = b""
        self.is_waiting = False
        self.is_over = False

    def work(self, now):
        """Comes if it is time; returns when it wants to be called again."""
        if self.is_waiting and now - self.began > GIVE_UP_NANOSECONDS:
            self.end("no welcome")
        if not self.is_over and not self.is_waiting and now >= self.due:
            self.due = now + PERIOD_NANOSECONDS
            self.come(now)
        return max(self.due, now + 1_000_000)

    def come(self, now):
        self.began = now
        self.is_waiting = True
        self.is_upgraded = False
        self.phase = self.live.tally.now
        self.phase.counts["came"] += 1
        session = f"&session={self.session.decode()}" if self.session else ""
        self.connect(self.live.ports[0], self.live.address)
        self.send(upgrade(f"channel=newcomers{session}"))

    def take(self):
        if not self.is_upgraded:
            end = self.input.find(b"\r\n\r\n")
            if end < 0:
                return
            status = int(self.input[9:12])
            if status != 101:
                self.end(f"status {status}")
                return
            self.is_upgraded = True
            del self.input[: end + 4]
        for first, payload in frames(self.input):
            if first == FINAL_TEXT and payload.startswith(b'{"type":"welcome"'):
                self.welcomed(SESSION.search(payload))
                return
            if first != FINAL_TEXT or payload.startswith(b'{"type":"bye"'):
                self.end(payload.decode(errors="replace"))
                return

    def welcomed(self, session):
        self.session = session[1] if session else b""
        self.is_waiting = False
        if time.monotonic_ns() - self.began > LATE_NANOSECONDS:
            self.phase.counts["came late"] += 1
        self.end("welcome")

    def ended(self, reason):
        if self.is_waiting:
            self.is_waiting = False
            # Not with the same token again and again.
            self.session = b""
            self.phase.counts["turned away"] += 1
            self.phase.counts[f"turned away: {reason}"] += 1
