"""A backend that publishes straight into several masters."""

from .redis_client import RedisError
from .server_backend import ServerBackend
from .shard_place import place


class ShardsBackend:
    """Knows the names of all masters, and so where each channel is. While channels are on their way it asks at the former master of one,
    and at the new one where it is told so."""

    def __init__(self, topology):
        self.topology = topology
        self.backends = {name: ServerBackend(server.port) for name, server in topology.by_name.items()}

    def backend(self, channel, names):
        return self.backends[names[place(names, channel)]]

    async def publish(self, channel, payload, options):
        *others, first = self.topology.lists
        try:
            return await self.backend(channel, first).publish(channel, payload, options)
        except RedisError as error:
            if not others or not str(error).startswith("ELSEWHERE "):
                raise
        return await self.backend(channel, others[0]).publish(channel, payload, options)

    async def stream_client(self, channel):
        return self.backend(channel, self.topology.lists[0]).client

    def close(self):
        for backend in self.backends.values():
            backend.close()
