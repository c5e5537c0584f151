"""A backend that publishes straight into one Redis, with as little as such a client needs.

`publish` returns the position, or raises RedisError for a refusal and OSError or EOFError if it is not known what became
of it; then the next attempt looks anew for who is to be asked.
"""

from .redis_client import RedisClient, channel_key


class ServerBackend:
    def __init__(self, port):
        self.client = RedisClient(port)

    async def publish(self, channel, payload, options):
        return await self.client.command("FCALL", "perseid_publish", 1, channel_key(channel), payload, *options)

    async def stream_client(self, channel):
        """The client to read a channel with."""
        return self.client

    def close(self):
        self.client.close()
