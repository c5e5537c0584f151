"""A backend that publishes straight into a Redis Cluster."""

from .redis_client import RedisClient, RedisError, channel_key

# From one master to another, before it is given up for this time.
REDIRECTS_MAX = 5
SLOT_COUNT = 16_384


def keys(channel, once=None, is_keyed=False):
    """All keys that a publish touches, as a cluster wants them named."""
    key = channel_key(channel)
    return [key, f"{key}:head"] + [f"{key}:keys"] * is_keyed + ([f"{key}:once:{once}"] if once else [])


class ClusterBackend:
    """Knows which master has which slot, and is told when that changes."""

    def __init__(self, ports):
        self.ports = ports
        self.clients = {}
        # Ports of masters by slot; empty until it was asked for.
        self.slots = {}

    async def publish(self, channel, payload, options):
        given = dict(zip(options[::2], options[1::2]))
        named = keys(channel, given.get("ONCE"), "KEYED" in given)
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
