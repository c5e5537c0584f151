"""Backends that publish straight into Redis, with as little as such a client needs: one for each topology.

`publish` returns the position, or raises RedisError for a refusal and OSError or EOFError if it is not known what became
of it; then the next attempt looks anew for who is to be asked.
"""

import time

from .redis_client import RedisClient, RedisError, channel_key
from .shard_place import place

# Sentinels are asked again after so long: a master that was replaced may go on as one for many seconds.
SENTINEL_SECONDS = 0.5
# From one master to another, before it is given up for this time.
REDIRECTS_MAX = 5
SLOT_COUNT = 16_384


def keys(channel, once=None):
    """All keys that a publish touches, as a cluster wants them named."""
    key = channel_key(channel)
    return [key, f"{key}:head"] + ([f"{key}:once:{once}"] if once else [])


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


class ClusterBackend:
    """Knows which master has which slot, and is told when that changes."""

    def __init__(self, ports):
        self.ports = ports
        self.clients = {}
        # Ports of masters by slot; empty until it was asked for.
        self.slots = {}

    async def publish(self, channel, payload, options):
        once = dict(zip(options[::2], options[1::2])).get("ONCE")
        named = keys(channel, once)
        words = ["FCALL", "perseid_publish", len(named), *named, payload, *options]
        return await self.command(channel, words)

    async def command(self, channel, words):
        try:
            if not self.slots:
                await self.learn_slots()
            slot = key_slot(channel_key(channel))
            # Where nobody has the slot, any of them says so.
            return await self.follow(slot, self.slots.get(slot, self.ports[0]), words)
        except (OSError, EOFError):
            self.close()
            raise

    async def follow(self, slot, port, words):
        is_asking = False
        for _ in range(REDIRECTS_MAX):
            try:
                return await self.client(port).command(*words, is_asking=is_asking)
            except RedisError as error:
                kind, *rest = str(error).split(" ")
                if kind not in ("MOVED", "ASK"):
                    raise
                port, is_asking = int(rest[1].rpartition(":")[2]), kind == "ASK"
                if not is_asking:
                    self.slots[slot] = port
        raise RedisError("REDIRECTED too often")

    async def stream_client(self, channel):
        """Of the master that has it; for when nothing moves."""
        await self.learn_slots()
        return self.client(self.slots[key_slot(channel_key(channel))])

    async def learn_slots(self):
        for port in self.ports:
            try:
                ranges = await self.client(port).command("CLUSTER", "SLOTS")
            except (OSError, EOFError, RedisError):
                continue
            self.slots = {slot: master[1] for first, last, master, *_ in ranges for slot in range(first, last + 1)}
            return
        raise ConnectionError("no node of the cluster answers")

    def client(self, port):
        return self.clients.setdefault(port, RedisClient(port))

    def close(self):
        for client in self.clients.values():
            client.close()
        self.slots = {}


def key_slot(key):
    """The slot of a key by its tag: CRC16 of the XMODEM kind, as the specification of Redis Cluster has it."""
    tag = key[key.index("{") + 1 : key.index("}")]
    crc = 0
    for byte in tag.encode():
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc % SLOT_COUNT
