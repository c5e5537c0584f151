"""Three servers that know nothing of each other and share the channels out among them. None of them loses anything."""

import signal

from .shards_backend import ShardsBackend
from .redis_server import Redis
from .topology import Topology

NAMES = ["blue", "green", "red"]


class ShardsTopology(Topology):
    kinds = {
        "shard restarted": lambda draw: {"shard": draw.choice(NAMES), "down_seconds": draw.uniform(0.1, 3)},
        "shard killed": lambda draw: {"shard": draw.choice(NAMES), "down_seconds": draw.uniform(0.1, 3)},
        "shard stopped": lambda draw: {"shard": draw.choice(NAMES), "down_seconds": draw.uniform(0.5, 6)},
        "all redis killed": lambda draw: {"down_seconds": draw.uniform(0.1, 2)},
    }

    def __init__(self, directory, say):
        super().__init__(directory, say)
        self.by_name = {name: Redis(directory, name=name) for name in NAMES}
        self.servers = list(self.by_name.values())

    @property
    def url(self):
        return " ".join(f"redis://127.0.0.1:{server.port}#{name}" for name, server in self.by_name.items())

    def backend(self):
        return ShardsBackend({name: server.port for name, server in self.by_name.items()})

    async def shard_restarted(self, fault, shard, down_seconds):
        async with self.harm(fault):
            await self.end_for_a_while([self.by_name[shard]], signal.SIGTERM, down_seconds)

    async def shard_killed(self, fault, shard, down_seconds):
        async with self.harm(fault):
            await self.end_for_a_while([self.by_name[shard]], signal.SIGKILL, down_seconds)

    async def shard_stopped(self, fault, shard, down_seconds):
        async with self.harm(fault):
            await self.stop_for_a_while(self.by_name[shard], down_seconds)

    async def all_redis_killed(self, fault, down_seconds):
        async with self.harm(fault):
            await self.end_for_a_while(self.servers, signal.SIGKILL, down_seconds)
