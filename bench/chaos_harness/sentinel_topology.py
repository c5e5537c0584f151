"""A master, two replicas of it, and three Sentinels that see to it that there is always a master."""

import asyncio
import signal

from .sentinel_backend import SentinelBackend
from .redis_server import Redis
from .topology import Topology

MASTER_NAME = "main"
QUORUM = 2
# Without an answer for so long, a master is down: not so short that a busy machine is enough for that.
DOWN_AFTER_MILLISECONDS = 1_500
FAILOVER_MILLISECONDS = 3_000
# A master that is away for less is waited for; one that is away for longer is replaced.
SHORT_SECONDS, LONG_SECONDS = (0.1, 0.8), (3, 8)


def away(draw):
    return {"down_seconds": draw.uniform(*draw.choice([SHORT_SECONDS, LONG_SECONDS]))}


class WatchedRedis(Redis):
    """Sentinels write into its file whose replica it is, if anybody's: so it is the same again when it comes back. Two that come back
    as what they were long ago may be replicas of each other, which no Sentinel puts right."""

    def __init__(self, directory, name, options, is_durable=True):
        super().__init__(directory, is_durable, name=name, options=options)
        self.file = directory / f"{name}.conf"
        _, *words = super().command_line
        empty = '""'
        lines = [f"{option.removeprefix('--')} {value or empty}" for option, value in zip(words[::2], words[1::2])]
        self.file.write_text("\n".join(lines) + "\n")

    @property
    def command_line(self):
        return ["redis-server", self.file]


class Sentinel(Redis):
    """Keeps what it learns in its configuration file, so that it knows that again when it comes back."""

    def __init__(self, directory, name, master_port):
        super().__init__(directory, is_durable=False, name=name)
        self.file = directory / f"{name}.conf"
        lines = [
            f"port {self.port}",
            "bind 127.0.0.1",
            f"dir {directory}",
            f"sentinel monitor {MASTER_NAME} 127.0.0.1 {master_port} {QUORUM}",
            f"sentinel down-after-milliseconds {MASTER_NAME} {DOWN_AFTER_MILLISECONDS}",
            f"sentinel failover-timeout {MASTER_NAME} {FAILOVER_MILLISECONDS}",
            f"sentinel parallel-syncs {MASTER_NAME} 2",
        ]
        self.file.write_text("\n".join(lines) + "\n")

    @property
    def command_line(self):
        return ["redis-server", self.file, "--sentinel"]

    async def master(self):
        """What it knows of the master, by name."""
        words = await self.command("SENTINEL", "MASTER", MASTER_NAME)
        return dict(zip(words[::2], words[1::2]))


class SentinelTopology(Topology):
    kinds = {
        "master killed": away,
        "master stopped": away,
        "sentinels killed": lambda draw: {"count": draw.randint(1, 3), "down_seconds": draw.uniform(1, 5)},
        "failover asked for": lambda draw: {"sentinel": draw.randrange(3)},
        "all redis killed": lambda draw: {"down_seconds": draw.uniform(0.1, 1)},
    }

    replica_count = 2

    def __init__(self, directory, say, is_durable=True):
        super().__init__(directory, say)
        options = ["--repl-diskless-sync-delay", "0"]
        first = WatchedRedis(directory, "redis-1", options, is_durable)
        options = options + ["--replicaof", f"127.0.0.1 {first.port}"]
        replicas = [WatchedRedis(directory, f"redis-{number}", options, is_durable) for number in (2, 3)]
        self.servers = [first] + replicas
        self.sentinels = [Sentinel(directory, f"sentinel-{number}", first.port) for number in (1, 2, 3)]

    @property
    def url(self):
        places = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels[:2])
        return f"redis+sentinel://{places}/{MASTER_NAME}"

    @property
    def processes(self):
        return self.servers + self.sentinels

    def backend(self):
        return SentinelBackend([sentinel.port for sentinel in self.sentinels], MASTER_NAME)

    async def start(self):
        await super().start()
        await asyncio.gather(*(sentinel.start() for sentinel in self.sentinels))
        await self.become_healthy()

    async def masters(self):
        """The master's port, and the epoch since which it is one, once the Sentinels agree and know of all, and the others
        follow it. A master may have been replaced and be one again."""
        told = [await sentinel.master() for sentinel in self.sentinels]
        masters = {(int(facts["port"]), int(facts["config-epoch"])) for facts in told}
        if len(masters) != 1 or any(facts["flags"] != "master" for facts in told):
            return None
        if any(facts["num-other-sentinels"] != "2" or facts["num-slaves"] != "2" for facts in told):
            return None
        [(port, epoch)] = masters
        for server in self.servers:
            facts = await server.facts("replication")
            if server.port == port and facts["role"] != "master":
                return None
            if server.port != port and (facts["role"], facts.get("master_port")) != ("slave", str(port)):
                return None
            if server.port != port and facts["master_link_status"] != "up":
                return None
        for sentinel in self.sentinels:
            replicas = await sentinel.command("SENTINEL", "REPLICAS", MASTER_NAME)
            if any(dict(zip(words[::2], words[1::2]))["flags"] != "slave" for words in replicas):
                return None
        return port, epoch

    def master(self):
        return next(server for server in self.servers if server.port == self.known_masters[0])

    async def master_killed(self, fault, down_seconds):
        async with self.harm(fault):
            await self.end_for_a_while([self.master()], signal.SIGKILL, down_seconds)

    async def master_stopped(self, fault, down_seconds):
        async with self.harm(fault):
            await self.stop_for_a_while(self.master(), down_seconds)

    async def sentinels_killed(self, fault, count, down_seconds):
        async with self.harm(fault):
            await self.end_for_a_while(self.sentinels[:count], signal.SIGKILL, down_seconds)

    async def failover_asked_for(self, fault, sentinel):
        async with self.harm(fault):
            before, _ = self.known_masters
            asked = self.sentinels[sentinel]
            await self.fail_over(
                ask=lambda: asked.command("SENTINEL", "FAILOVER", MASTER_NAME),
                is_done=lambda: self.has_moved(before),
                # It gives up after its own time, as when a replica that it promoted is slow to say so.
                patience_seconds=FAILOVER_MILLISECONDS / 1_000 + 1,
            )

    async def has_moved(self, before):
        told = [await sentinel.master() for sentinel in self.sentinels]
        return any(int(facts["port"]) != before for facts in told)

    async def all_redis_killed(self, fault, down_seconds):
        async with self.harm(fault):
            await self.end_for_a_while(self.servers, signal.SIGKILL, down_seconds)
