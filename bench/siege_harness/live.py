"""The live clients: 200 readers, a publisher and a newcomer, in one process with one clock.

A publication says its number, when it was due and in which phase that was; each reader notes the time from then on, and
the number. So a pause of the node shows in everything that was due meanwhile. The newcomer comes back with its session
twice a second, as somebody's browser would. Orders are lines of JSON on standard input: a phase begins, or all ends.
"""

import json
import os
import selectors
import sys
import time

from .newcomer import Newcomer
from .publisher import Publisher
from .reader import Reader
from .tally import Tally

CHANNEL = "live"
OPENING = "opening"
# Another address than the hostile clients', unless they stand behind the same balancer.
ADDRESS = "127.0.0.3"
LAST_SECONDS = 30
URGENT_PRIORITY = 10


class Live:
    channel = CHANNEL
    address = ADDRESS

    def __init__(self, order):
        self.tally = Tally()
        self.selector = selectors.DefaultSelector()
        self.ports = order["ports"]
        self.readers = [self.make_reader(number) for number in range(order["readers"])]
        self.publisher = Publisher(self, order["rate"])
        self.newcomer = Newcomer(self)
        self.input = bytearray()
        self.is_over = False
        os.set_blocking(0, False)
        self.selector.register(0, selectors.EVENT_READ, self.take_order)

    def make_reader(self, number):
        return Reader(self, self.ports[number % len(self.ports)])

    def run(self):
        while not self.is_over:
            now = time.monotonic_ns()
            wait = min(self.publisher.work(now), self.newcomer.work(now)) - now
            for key, _ in self.selector.select(max(0, wait / 1e9)):
                key.data()

    # Orders

    def take_order(self):
        data = os.read(0, 65_536)
        self.input += data
        while (end := self.input.find(b"\n")) >= 0:
            order = json.loads(self.input[:end])
            del self.input[: end + 1]
            getattr(self, order.pop("do"))(**order)
        self.is_over = self.is_over or not data

    def phase(self, name):
        self.tally.begin(name)
        if name == OPENING:
            for reader in self.readers:
                if reader.socket is None:
                    reader.come()
        self.answer({"subscribed": sum(reader.is_subscribed for reader in self.readers)})

    def finish(self):
        """No more publications; once the last has come to all, or its time is over, the result."""
        self.publisher.is_over = self.newcomer.is_over = True
        deadline = time.monotonic() + LAST_SECONDS
        while time.monotonic() < deadline and not self.is_complete:
            for key, _ in self.selector.select(0.1):
                if key.fd != 0:
                    key.data()
        self.publisher.give_up()
        lost = sum(reader.lost(self.publisher.acknowledged) for reader in self.readers)
        cut = sum(not reader.is_subscribed for reader in self.readers)
        doubled = sum(reader.doubled for reader in self.readers)
        gaps = sum(reader.gaps for reader in self.readers)
        totals = {"lost": lost, "doubled": doubled, "cut": cut, "gaps": gaps, "processor": time.process_time()}
        self.answer(totals | {"phases": self.tally.phases()})

    @property
    def is_complete(self):
        return self.publisher.is_idle and not any(map(self.is_behind, self.readers))

    def is_behind(self, reader):
        return reader.is_subscribed and reader.lost(self.publisher.acknowledged) > 0

    def answer(self, values):
        print(json.dumps(values), flush=True)


def become_urgent():
    """Its own waiting for the processor is not the node's latency."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(URGENT_PRIORITY))
    except PermissionError:
        pass


if __name__ == "__main__":
    live = Live(json.loads(sys.argv[1]))
    become_urgent()
    live.run()
