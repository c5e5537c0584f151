"""Servers that know nothing of each other and share the channels out among them: three, and sometimes one more. None of them loses
anything."""

import asyncio
import signal

from .shards_backend import ShardsBackend
from .redis_server import Redis
from .topology import Topology

NAMES = ["blue", "green", "red"]
MORE = "white"


class ShardsTopology(Topology):
    kinds = {
        "shard restarted": lambda draw: {"shard": draw.choice(NAMES), "down_seconds": draw.uniform(0.1, 3)},
        "shard killed": lambda draw: {"shard": draw.choice(NAMES), "down_seconds": draw.uniform(0.1, 3)},
        "shard stopped": lambda draw: {"shard": draw.choice(NAMES), "down_seconds": draw.uniform(0.5, 6)},
        "masters changed": lambda draw: {},
        "all redis killed": lambda draw: {"down_seconds": draw.uniform(0.1, 2)},
    }

    def __init__(self, directory, say):
        super().__init__(directory, say)
        self.by_name = {name: Redis(directory, name=name) for name in [*NAMES, MORE]}
        self.servers = list(self.by_name.values())
        # Those that share the channels, and behind them those that did before, while channels are on their way.
        self.lists = [NAMES]
        self.change = asyncio.Lock()

    # A move begins when all nodes have known of it for twice as long.
    environment = {"PERSEID_LIMITS_NODE_LEASE_MILLISECONDS": "5000"}

    def urls(self, names):
        return " ".join(f"redis://127.0.0.1:{self.by_name[name].port}#{name}" for name in names)

    @property
    def url(self):
        return self.urls(self.lists[0])

    @property
    def options(self):
        return ["--redis-former", self.urls(self.lists[1])] if len(self.lists) > 1 else []

    def backend(self):
        return ShardsBackend(self)

    def plan_change(self):
        """One more, or one less."""
        former = self.lists[0]
        self.lists = [NAMES if MORE in former else [*NAMES, MORE], former]

    def end_change(self):
        self.lists = self.lists[:1]

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
