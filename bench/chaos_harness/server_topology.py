"""One Redis, which loses nothing."""

import signal

from .server_backend import ServerBackend
from .redis_server import Redis
from .topology import Topology


class ServerTopology(Topology):
    kinds = {
        "redis restarted": lambda draw: {"down_seconds": draw.uniform(0.1, 2)},
        "redis killed": lambda draw: {"down_seconds": draw.uniform(0.1, 2)},
    }

    def __init__(self, directory, say):
        super().__init__(directory, say)
        self.redis = Redis(directory)
        self.servers = [self.redis]

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.redis.port}"

    def backend(self):
        return ServerBackend(self.redis.port)

    async def redis_restarted(self, fault, down_seconds):
        async with self.harm(fault):
            await self.end_for_a_while([self.redis], signal.SIGTERM, down_seconds)

    async def redis_killed(self, fault, down_seconds):
        async with self.harm(fault):
            await self.end_for_a_while([self.redis], signal.SIGKILL, down_seconds)
