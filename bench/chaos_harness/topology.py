"""What all topologies of Redis have in common: servers that are done harm one fault after the other, and get well again."""

import asyncio
import signal
import time
from contextlib import asynccontextmanager

from .child import eventually
from .redis_client import RedisError, read_stream

# A replica may be so far behind its master when that comes to harm: what was acknowledged since then can be lost.
LAG_MILLISECONDS = 5_000
HEALTHY_SECONDS = 180
FAILOVER_SECONDS = 90


def now_milliseconds():
    return time.time_ns() // 1_000_000


class Topology:
    """Faults are methods, by their names in the plan; each waits for its turn and leaves everything in order."""

    # By name, how the details of a fault are drawn.
    kinds = {}
    # What nodes are told besides.
    options = ()
    environment = {}

    # Replicas of each master: with as many for whom it waits, a publisher is answered what no takeover loses.
    replica_count = 0

    def __init__(self, directory, say):
        self.directory = directory
        self.say = say
        self.servers = []
        self.lock = asyncio.Lock()
        # Begin and end of each time in which Redis may have lost what it had acknowledged, because a replica took over.
        self.losses = []
        self.takeover_count = 0
        self.moved_count = 0
        self.known_masters = self.agreed_masters = None
        self.known_milliseconds = now_milliseconds()

    # What each has in its own way

    @property
    def url(self):
        """As nodes are told it."""
        raise NotImplementedError

    def backend(self):
        """Someone who publishes straight into it."""
        raise NotImplementedError

    async def start(self):
        await asyncio.gather(*(server.start() for server in self.servers))

    @property
    def processes(self):
        """All that have to be ended."""
        return self.servers

    async def masters(self):
        """Who has the data; None while that is not agreed on, or not everybody is in step."""
        return [server.port for server in self.servers]

    # Harm

    @asynccontextmanager
    async def harm(self, fault, is_lossless=False):
        """Waits for the turn and until all is well, and after the fault again; notes whether others took over."""
        async with self.lock:
            await self.become_healthy()
            self.say(f"{fault.kind}: now")
            yield
            await self.become_healthy(is_lossless)
            self.say(f"{fault.kind}: Redis is whole again")

    async def become_healthy(self, is_lossless=False):
        await eventually("Redis is whole again", self.is_healthy, HEALTHY_SECONDS)
        masters, now = self.agreed_masters, now_milliseconds()
        if self.known_masters not in (None, masters):
            self.takeover_count += 1
            self.say("another took over")
            if not is_lossless:
                self.losses.append((self.known_milliseconds - LAG_MILLISECONDS, now))
        self.known_masters, self.known_milliseconds = masters, now

    async def is_healthy(self):
        return await self.holds(self.agree())

    async def agree(self):
        self.agreed_masters = await self.masters()
        return self.agreed_masters is not None

    async def holds(self, question):
        """Not, if somebody who was asked is not there, or was cut off, or does not know enough yet."""
        try:
            return await question
        except (OSError, EOFError, RedisError, KeyError, IndexError, ValueError):
            return False

    async def end_for_a_while(self, processes, number, down_seconds):
        """Ends them all at once, and starts them again at once."""
        await asyncio.gather(*(process.end(number) for process in processes))
        await asyncio.sleep(down_seconds)
        await asyncio.gather(*(process.start() for process in processes))

    async def fail_over(self, ask, is_done, patience_seconds):
        """Asks, and once more after each time of patience, as an operator would: who is asked may say yes and give up later, in silence."""
        until = time.monotonic() + FAILOVER_SECONDS
        while not await self.holds(is_done()):
            if time.monotonic() >= until:
                raise RuntimeError(f"nobody took over within {FAILOVER_SECONDS} s")
            # Refused while one is on its way, or while no replica is known to be well.
            await self.holds(ask())
            await self.turns_true(is_done, patience_seconds)

    async def turns_true(self, question, within_seconds):
        until = time.monotonic() + within_seconds
        while not (is_true := await self.holds(question())) and time.monotonic() < until:
            await asyncio.sleep(0.05)
        return is_true

    async def stop_for_a_while(self, server, down_seconds):
        server.child.signal(signal.SIGSTOP)
        await asyncio.sleep(down_seconds)
        server.child.signal(signal.SIGCONT)

    async def subscriptions_killed(self, fault, times):
        await self.kill_links("pubsub", times)

    async def commands_killed(self, fault, times):
        await self.kill_links("normal", times)

    async def kill_links(self, kind, times):
        for _ in range(times):
            await asyncio.gather(*(self.kill_links_of(process, kind) for process in self.processes))
            await asyncio.sleep(0.3)

    async def kill_links_of(self, server, kind):
        try:
            await server.command("CLIENT", "KILL", "TYPE", kind)
        except (OSError, EOFError, RedisError) as error:
            self.say(f"no links killed at {server.name}: {error}")

    # The end

    async def heal(self):
        async with self.lock:
            await self.become_healthy()

    async def streams(self, channels):
        """All that it has of each channel, at whoever has the channel now."""
        backend = self.backend()
        try:
            return {channel: await read_stream(await backend.stream_client(channel), channel) for channel in channels}
        finally:
            backend.close()
