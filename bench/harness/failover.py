"""A master of Redis that is killed under its readers: how long until each of its channels delivers again."""

import contextlib
import heapq
import select
import signal
import socket
import threading
import time

from chaos_harness.cluster_backend import key_slot
from chaos_harness.redis_client import channel_key
from chaos_harness.sentinel_topology import MASTER_NAME

from .polls import HANDSHAKE
from .pattern_costs import Redis

CHANNELS, READERS = 500, 2_000
QUIET_SECONDS, WAIT_SECONDS = 3, 30
# How often a channel is published to: before, so that all is in use, and once another master is there, so that it shows at once.
QUIET_STEP_SECONDS, STEP_SECONDS = 1.0, 0.02
CONNECTS_AT_A_TIME = 100
LOOK_SECONDS = 0.003


class Takeover(threading.Thread):
    """Sees when one of the replicas is a master, and when somebody says so who is asked where the master is."""

    def __init__(self, replicas, sentinels):
        super().__init__(daemon=True)
        self.promoted_at = self.told_at = None
        self.replicas, self.sentinels = replicas, sentinels
        self.is_over = False
        self.start()

    def run(self):
        with contextlib.ExitStack() as stack:
            replicas, sentinels = (
                [stack.enter_context(contextlib.closing(Conversation(server.port))) for server in servers]
                for servers in (self.replicas, self.sentinels)
            )
            while not self.is_over and not self.told_at:
                self.look(replicas, sentinels)
                time.sleep(LOOK_SECONDS)

    def look(self, replicas, sentinels):
        if not self.promoted_at and any(b"master" in one.ask("ROLE") for one in replicas):
            self.promoted_at = time.monotonic()
        told = [one.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER_NAME) for one in sentinels]
        # In a cluster nobody has to be asked: whoever is sent on is sent there.
        if any(str(server.port).encode() in words for words in told for server in self.replicas) or not sentinels:
            self.promoted_at = self.promoted_at or (time.monotonic() if sentinels else None)
            self.told_at = time.monotonic() if sentinels else self.promoted_at


class Conversation:
    """One question after the other, answered by strings and lists of them."""

    def __init__(self, port):
        self.port, self.redis = port, Answers(port)

    def ask(self, *words):
        try:
            return self.redis.send([[word.encode() for word in words]])[0]
        except (OSError, EOFError):
            # Sentinels have a replica that is to be master drop all its clients.
            self.close()
            self.redis = Answers(self.port)
            return []

    def close(self):
        self.redis.close()


class Answers(Redis):
    def reply(self):
        line = self.replies.readline()
        if not line:
            raise EOFError
        if line[:1] == b"$":
            return self.replies.read(int(line[1:]) + 2)[:-2]
        return [self.reply() for _ in range(int(line[1:]))] if line[:1] == b"*" else line[1:-2]


class Channel:
    """One that is published to by a connection of its own, and which of its readers are waited for."""

    def __init__(self, number):
        self.number = number
        self.name = f"bench-{number}"
        # Readers that have nothing yet of what was published since its master is gone.
        self.missing = set()

    @property
    def slot(self):
        return key_slot(channel_key(self.name))


class Crowd:
    """Readers and publishers of all channels, those of one channel at every node."""

    def __init__(self, ports):
        self.poll, self.handlers = select.epoll(), {}
        self.channels = [Channel(number) for number in range(CHANNELS)]
        # When each channel is published to next, with its number; not those of which the answer is awaited.
        self.due = []
        self.cut_at, self.hurries, self.lost = 0, False, set()
        for number in range(READERS):
            channel, port = self.channels[number % CHANNELS], ports[number // CHANNELS % len(ports)]
            self.open(port, self.take_message, channel, f"GET /ws?channel={channel.name}&session=none&format=raw HTTP/1.1")
            if number % CONNECTS_AT_A_TIME == 0:
                self.work(0.02)
        for channel in self.channels:
            channel.publisher = self.open(ports[channel.number % len(ports)], self.take_answer, channel)
            self.publish_at(time.monotonic() + QUIET_STEP_SECONDS * channel.number / CHANNELS, channel)

    def open(self, port, take, channel, request=None):
        connection = socket.create_connection(("127.0.0.1", port))
        if request:
            connection.sendall(f"{request}\r\nHost: 127.0.0.1\r\n{HANDSHAKE}\r\n".encode())
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.handlers[connection.fileno()] = (connection, take, channel)
        self.poll.register(connection, select.EPOLLIN)
        return connection

    def close(self):
        for connection, _, _ in self.handlers.values():
            connection.close()
        self.poll.close()

    def work(self, seconds):
        """Publishes what is due and takes what comes, for so long."""
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end:
            while self.due and self.due[0][0] <= now:
                self.publish(self.channels[heapq.heappop(self.due)[1]])
            for number, _ in self.poll.poll(0.002):
                connection, take, channel = self.handlers[number]
                text = connection.recv(65_536)
                if not text:
                    raise RuntimeError(f"a connection of {channel.name} was closed")
                take(text, number, channel)

    def publish_at(self, moment, channel):
        heapq.heappush(self.due, (moment, channel.number))

    def publish(self, channel):
        body = b"<%d>" % time.monotonic_ns()
        head = f"POST /channels/{channel.name} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n"
        channel.publisher.sendall(head.encode() + body)

    def take_answer(self, text, number, channel):
        """The next one soon, where it shows that the channel is back."""
        step = STEP_SECONDS if self.hurries and channel in self.lost else QUIET_STEP_SECONDS
        self.publish_at(time.monotonic() + step, channel)

    def take_message(self, text, number, channel):
        if channel not in self.lost:
            return
        newest = text.rpartition(b"<")[2].partition(b">")[0]
        if newest.isdigit() and int(newest) > self.cut_at:
            channel.missing.discard(number)
            if not channel.missing:
                self.lost.discard(channel)

    def lose(self, channels):
        """Their master is gone: from now on what is published there shows whether they are back."""
        self.cut_at = time.monotonic_ns()
        self.lost = set(channels)
        for number, (_, take, channel) in self.handlers.items():
            if take == self.take_message:
                channel.missing.add(number)

    def hurry(self):
        """Another master is there: from now on every channel that is not back is tried again and again."""
        self.hurries, now = True, time.monotonic()
        self.due = [(now if self.channels[number] in self.lost else at, number) for at, number in self.due]
        heapq.heapify(self.due)


async def masters_slots(topology, server):
    """Those that a master of a cluster has; `None` of one that has all."""
    if not hasattr(server, "identifier"):
        return None
    ranges = await server.command("CLUSTER", "SLOTS")
    return {slot for first, last, master, *_ in ranges if master[2] == server.identifier for slot in range(first, last + 1)}


def measure(server):
    deployment, topology = server.deployment, server.deployment.topology
    sentinels = getattr(topology, "sentinels", [])
    victim = topology.master() if sentinels else topology.master(0)
    slots = deployment.run(masters_slots(topology, victim))
    with contextlib.closing(Crowd(server.ports)) as crowd:
        crowd.work(QUIET_SECONDS)
        takeover = Takeover(replicas_of(topology, victim, deployment), sentinels)
        victim.child.signal(signal.SIGKILL)
        killed_at = time.monotonic()
        crowd.lose([channel for channel in crowd.channels if slots is None or channel.slot in slots])
        affected = len(crowd.lost)
        while crowd.lost:
            crowd.work(0.01)
            if takeover.told_at and not crowd.hurries:
                crowd.hurry()
            if time.monotonic() - killed_at > WAIT_SECONDS:
                raise RuntimeError(f"{len(crowd.lost)} of {affected} channels do not deliver again")
        back_at = time.monotonic()
        takeover.is_over = True
    return {
        "promoted_seconds": takeover.promoted_at - killed_at,
        "told_seconds": takeover.told_at - killed_at,
        "back_seconds": back_at - takeover.told_at,
        "affected": affected,
    }


def replicas_of(topology, victim, deployment):
    others = [server for server in topology.servers if server is not victim]
    return [server for server in others if not deployment.run(is_master(server))]


async def is_master(server):
    return (await server.facts("replication"))["role"] == "master"
