"""Long-polling clients of Bayeux beside polls: what a delivery costs, and what an idle client takes."""

import contextlib
import json
import time
from pathlib import Path

from . import polls
from .polls import Readers, processor_seconds, publish

READERS = polls.READERS
ROUNDS = 8
CHANNEL, POLLED = "bench-bayeux", "bench-polls"
# A storm would leave buffers behind that no idle client needs.
CLIENTS_AT_A_TIME = 100
PAUSE_SECONDS = 0.03
ANSWER_SECONDS = 60


def memory(process):
    """Bytes of a process that no other has, and its share of what others have, too."""
    for line in Path(f"/proc/{process.id}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1_024
    raise RuntimeError("no Pss")


class Clients(Readers):
    """Clients with a session each; one connection does for all that they say here."""

    def __init__(self, port, count=READERS):
        super().__init__(port, count)
        self.identifiers = {}
        # As a balancer has it that knows the node.
        self.cookie = ""

    def post(self, message, is_paced=False):
        for number, (descriptor, connection) in enumerate(self.connections.items()):
            named = {"clientId": self.identifiers[descriptor]} if self.identifiers else {}
            body = json.dumps([message | named])
            head = f"POST /bayeux HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nContent-Type: application/json\r\n"
            connection.send(f"{head}{self.cookie}Content-Length: {len(body)}\r\n\r\n{body}".encode())
            if is_paced and number % CLIENTS_AT_A_TIME == CLIENTS_AT_A_TIME - 1:
                time.sleep(PAUSE_SECONDS)

    def answers(self):
        """What each is answered."""
        missing, told = {number: b"" for number in self.connections}, {}
        deadline = time.monotonic() + ANSWER_SECONDS
        while missing:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{len(missing)} are not answered")
            for number, _ in self.poll.poll(0.2):
                missing[number] = text = missing.get(number, b"") + self.connections[number].recv(65_536)
                body = text.partition(b"\r\n\r\n")[2]
                if body.endswith(b"]"):
                    told[number] = json.loads(body)
                    del missing[number]
        return told

    def begin(self):
        """Shakes hands, connects for the first time, and subscribes."""
        types = {"version": "1.0", "supportedConnectionTypes": ["long-polling"]}
        self.post({"channel": "/meta/handshake"} | types, is_paced=True)
        self.identifiers = {number: told[0]["clientId"] for number, told in self.answers().items()}
        self.connect(is_paced=True)
        self.answers()
        self.post({"channel": "/meta/subscribe", "subscription": f"/{CHANNEL}"}, is_paced=True)
        self.answers()

    def connect(self, is_paced=False):
        self.post({"channel": "/meta/connect", "connectionType": "long-polling", "id": "1"}, is_paced)


def warm_up(port):
    """The first clients load code and grow tables; that is not what a client takes."""
    with contextlib.closing(Clients(port, CLIENTS_AT_A_TIME)) as clients:
        clients.begin()
        clients.connect()
        time.sleep(polls.HOLD_SECONDS)
        publish(port, CHANNEL)
        clients.answers()


def measure(server):
    """Server CPU in microseconds of a delivery to a client of Bayeux and by a poll; bytes of an idle client."""
    port, process = server.ports[0], server.processes[0]
    warm_up(port)
    with contextlib.ExitStack() as stack:
        polling = stack.enter_context(contextlib.closing(Readers(port)))
        time.sleep(1)
        before = memory(process)
        clients = stack.enter_context(contextlib.closing(Clients(port)))
        clients.begin()
        clients.connect(is_paced=True)
        time.sleep(1)
        idle = (memory(process) - before) / READERS
        publish(port, CHANNEL)
        clients.answers()
        position = publish(port, POLLED)
        spent = {"bayeux": [], "poll": []}
        for _ in range(ROUNDS):
            start = processor_seconds(process)
            clients.connect()
            time.sleep(polls.HOLD_SECONDS)
            publish(port, CHANNEL)
            if any(len(told) != 2 for told in clients.answers().values()):
                raise RuntimeError("not one delivery and one reply")
            spent["bayeux"].append(processor_seconds(process) - start)

            start = processor_seconds(process)
            polling.ask(f"/poll?channel={POLLED}&cursor={POLLED}@{position}&session=none")
            time.sleep(polls.HOLD_SECONDS)
            position = publish(port, POLLED)
            polling.read(polls.END_OF_POLL)
            spent["poll"].append(processor_seconds(process) - start)
    middle = {kind: sorted(times)[len(times) // 2] * 1e6 / READERS for kind, times in spent.items()}
    return middle | {"bayeux_times": middle["bayeux"] / middle["poll"], "idle_bytes": idle}
