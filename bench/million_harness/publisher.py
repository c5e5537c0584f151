"""Publishes over HTTP, many in one request, and writes on the board what there is to be received."""

import http.client
import json
import threading
import time

KINDS = ["all", "thousand", "ten"]
# What is due within one is published together: publications come to nodes in bursts of so long.
TICK_SECONDS = 0.005
# Below `keep-alive-milliseconds` of the nodes, 75 s.
LINK_IDLE_SECONDS_MAX = 30


def channel_name(kind, number):
    return "all" if kind == 0 else f"{KINDS[kind]}/{number}"


class Publisher:
    def __init__(self, board, ports, payload_bytes):
        self.board = board
        self.ports = ports
        self.payload_bytes = payload_bytes
        self.links = {}
        self.next_node = 0
        # Nodes that are not to be published over: those about to end.
        self.avoided = set()

    def line(self, kind, number, publication, due_nanoseconds):
        sequence = self.board.published[self.board.place(kind, number)] + 1
        self.board.published[self.board.place(kind, number)] = sequence
        data = f"{publication:08x}{sequence:08x}{due_nanoseconds:016x}".ljust(self.payload_bytes, "x")
        return json.dumps({"channel": channel_name(kind, number), "data": data})

    def publish(self, channels, due_nanoseconds=None):
        """One publication to each channel, in one request; returns the number of the first."""
        first = self.board.take_publications(len(channels))
        due = due_nanoseconds or time.monotonic_ns()
        lines = [self.line(kind, number, first + place, due) for place, (kind, number) in enumerate(channels)]
        answers = self.send("\n".join(lines)).splitlines()
        refused = [answer for answer in answers if b'"position"' not in answer]
        if len(answers) != len(lines) or refused:
            raise RuntimeError(f"of {len(lines)} publications {len(answers)} were answered: {refused[:1]}")
        return first

    def send(self, body):
        port = self.choose()
        link = self.link(port)
        link.request("POST", "/publish", body=body)
        answer = link.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"a publish was answered with {answer.status}: {text[:200]!r}")
        return text

    def link(self, port):
        """One that was used lately: nodes close links that have idled for long."""
        link, used = self.links.get(port, (None, 0))
        now = time.monotonic()
        if link is None or now - used > LINK_IDLE_SECONDS_MAX:
            if link:
                link.close()
            link = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.links[port] = link, now
        return link

    def choose(self):
        for _ in self.ports:
            self.next_node = (self.next_node + 1) % len(self.ports)
            if self.next_node not in self.avoided:
                break
        return self.ports[self.next_node]

    def avoid(self, node):
        self.avoided.add(node)
        link, _ = self.links.pop(self.ports[node], (None, 0))
        if link:
            link.close()

    def use_again(self, node):
        self.avoided.discard(node)

    def spread(self, channels, per_second):
        """All of them at a rate: what answers took is made up for. Returns the number of the first, and when each was due."""
        begin = time.monotonic()
        sent = 0
        first = None
        dues = []
        while sent < len(channels):
            wanted = min(len(channels), int((time.monotonic() - begin) * per_second) + 1)
            if wanted > sent:
                due = time.monotonic_ns()
                number = self.publish(channels[sent:wanted], due)
                first = number if first is None else first
                dues += [due] * (wanted - sent)
                sent = wanted
            time.sleep(TICK_SECONDS)
        return first, dues


class Traffic:
    """Goes on in a thread of its own: so many publications a second to channels of a kind, in turn."""

    def __init__(self, publisher, per_second):
        """`per_second`: by kind."""
        self.publisher = publisher
        self.per_second = per_second
        self.count = 0
        self.latest_milliseconds = 0.0
        self.error = None
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.thread.join()

    def verify(self):
        if self.error:
            raise RuntimeError(f"the traffic ended: {self.error}")

    def run(self):
        try:
            self.go_on()
        except (OSError, RuntimeError, http.client.HTTPException) as error:
            self.error = error

    def go_on(self):
        begin = time.monotonic_ns()
        sent = {kind: 0 for kind in self.per_second}
        while not self.is_over.wait(TICK_SECONDS):
            now = time.monotonic_ns()
            channels = []
            for kind, rate in self.per_second.items():
                wanted = int((now - begin) / 1e9 * rate)
                count = self.publisher.board.channel_counts[kind]
                channels += [(kind, number % count) for number in range(sent[kind], wanted)]
                sent[kind] = wanted
            if channels:
                self.publisher.publish(channels, now)
                self.count += len(channels)
                self.latest_milliseconds = max(self.latest_milliseconds, (time.monotonic_ns() - now) / 1e6)
