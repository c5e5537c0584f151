"""A live reader: a WebSocket of one channel, which never comes back once it was subscribed and is cut."""

import re
import time

from .frames import upgrade
from .socket_client import SocketClient
from .tally import STEP_NANOSECONDS

PUBLICATION = re.compile(rb'"data":"(\d+) (\d+) (\w+)"')
FINAL_TEXT, FINAL_PING, FINAL_CLOSE = 0x81, 0x89, 0x88


def frames(data):
    """The whole frames at the front, taken out of it: first byte and payload."""
    start, size = 0, len(data)
    while size - start >= 2:
        count, head = data[start + 1], 2
        if count >= 126:
            head = 4 if count == 126 else 10
            count = int.from_bytes(data[start + 2 : start + head], "big")
        if size - start < head + count:
            break
        yield data[start], bytes(data[start + head : start + head + count])
        start += head + count
    del data[:start]


class Reader(SocketClient):
    def __init__(self, live, port):
        super().__init__(live)
        self.port = port
        self.is_subscribed = False
        # By number of the publication: how often it came.
        self.seen = bytearray()
        self.doubled = 0
        self.gaps = 0
        self.come()

    def come(self):
        self.is_open = False
        self.connect(self.port, self.live.address)
        self.send(upgrade(f"channel={self.live.channel}"))

    def take(self):
        if not self.is_open:
            end = self.input.find(b"\r\n\r\n")
            if end < 0:
                return
            self.is_open = True
            del self.input[: end + 4]
        now = time.monotonic_ns()
        data = self.input
        # Nearly always there is one frame, and it is short.
        if len(data) > 1 and data[0] == FINAL_TEXT and data[1] == len(data) - 2 < 126:
            self.take_text(bytes(data[2:]), now)
            data.clear()
            return
        for first, payload in frames(self.input):
            if first == FINAL_TEXT:
                self.take_text(payload, now)
            elif first == FINAL_PING:
                self.send(bytes([0x8A, 0x80 | len(payload)]) + bytes(4) + payload)
            elif first == FINAL_CLOSE:
                self.end("close frame")
            if self.socket is None:
                return

    def take_text(self, text, now):
        found = PUBLICATION.search(text)
        if found:
            self.note(int(found[1]))
            self.live.tally.note(found[3], (now - int(found[2])) // STEP_NANOSECONDS)
        elif text.startswith(b'{"type":"subscribed"'):
            self.is_subscribed = True
        elif text.startswith(b'{"type":"error"'):
            self.end("refused")
        elif text.startswith(b'{"type":"gap"'):
            self.gaps += 1

    def note(self, number):
        if number >= len(self.seen):
            self.seen.extend(bytes(number + 1 - len(self.seen)))
        self.doubled += self.seen[number]
        self.seen[number] = 1

    def lost(self, acknowledged):
        """How many of these it does not have."""
        size = len(self.seen)
        return sum(number >= size or not self.seen[number] for number in acknowledged)

    def ended(self, reason):
        self.is_subscribed = False
        self.live.tally.now.counts[f"readers cut: {reason}"] += 1
