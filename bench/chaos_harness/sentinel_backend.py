"""A backend that publishes straight into the master that the Sentinels name."""

import time

from .redis_client import RedisClient, RedisError
from .server_backend import ServerBackend

# Sentinels are asked again after so long: a master that was replaced may go on as one for many seconds.
SENTINEL_SECONDS = 0.5


class SentinelBackend:
    """Asks all Sentinels, and believes the one whose word is the newest: one that was away knows the master of before."""

    def __init__(self, sentinel_ports, master_name):
        self.sentinel_ports = sentinel_ports
        self.master_name = master_name
        self.master = None
        self.asked_at = 0

    async def publish(self, channel, payload, options):
        try:
            master = await self.find_master()
            return await master.publish(channel, payload, options)
        except RedisError as error:
            if str(error).startswith("READONLY"):
                self.close()
            raise
        except (OSError, EOFError):
            self.close()
            raise

    async def stream_client(self, channel):
        return (await self.find_master()).client

    async def find_master(self):
        if self.master is None or time.monotonic() - self.asked_at > SENTINEL_SECONDS:
            told = [facts async for facts in self.masters_told()]
            if not told:
                raise ConnectionError("no Sentinel answers")
            self.asked_at = time.monotonic()
            _, port = max(told)
            if self.master is None or self.master.client.port != port:
                await self.go_to(port)
        return self.master

    async def go_to(self, port):
        self.close()
        master = ServerBackend(port)
        role = await master.client.command("ROLE")
        if role[0] != "master":
            master.close()
            raise ConnectionError(f"the Sentinels name a {role[0]}")
        self.master = master

    async def masters_told(self):
        """Configuration epoch and port, of each Sentinel that answers."""
        for port in self.sentinel_ports:
            client = RedisClient(port)
            try:
                words = await client.command("SENTINEL", "MASTER", self.master_name)
                facts = dict(zip(words[::2], words[1::2]))
                yield int(facts["config-epoch"]), int(facts["port"])
            except (OSError, EOFError, RedisError):
                pass
            finally:
                client.close()

    def close(self):
        if self.master:
            self.master.close()
        self.master = None
