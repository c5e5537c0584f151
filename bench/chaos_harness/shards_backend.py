"""A backend that publishes straight into several masters."""

from .server_backend import ServerBackend
from .shard_place import place


class ShardsBackend:
    """Knows the names of all masters, and so where each channel is."""

    def __init__(self, ports):
        self.names = list(ports)
        self.backends = [ServerBackend(port) for port in ports.values()]

    def backend(self, channel):
        return self.backends[place(self.names, channel)]

    async def publish(self, channel, payload, options):
        return await self.backend(channel).publish(channel, payload, options)

    async def stream_client(self, channel):
        return self.backend(channel).client

    def close(self):
        for backend in self.backends:
            backend.close()
