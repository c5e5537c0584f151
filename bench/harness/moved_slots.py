"""Slots that move from one master of a Redis Cluster to another, each with a channel in it, while it is published."""

import asyncio
import time

from chaos_harness.cluster_backend import key_slot
from chaos_harness.redis_client import RedisClient, channel_key

from . import generator

SLOTS = 1_000
CHANNELS = 1_000
RATE = 2_000
# Evenly over nearly all of what is measured; the rest is for a machine that is slower.
SECONDS, MOVING_SECONDS = 24, 20


class Master:
    """One that is told all over one connection: a new one for each word would take longer than the word."""

    def __init__(self, server):
        self.identifier, self.port = server.identifier, server.port
        self.client = RedisClient(server.port)

    async def insistently(self, *words):
        return await self.client.command(*words)


async def move(topology, slots, seconds):
    """One after the other, evenly over so long; returns how long it took."""
    masters = [Master(topology.server(identifier)) for identifier in topology.known_masters]
    owners = {}
    for first, last, owner, *_ in await masters[0].insistently("CLUSTER", "SLOTS"):
        owners |= dict.fromkeys(range(first, last + 1), next(one for one in masters if one.identifier == owner[2]))
    begin = time.monotonic()
    for number, slot in enumerate(slots):
        await asyncio.sleep(max(0, begin + number * seconds / len(slots) - time.monotonic()))
        place = masters.index(owners[slot])
        source, target, *others = masters[place:] + masters[:place]
        await topology.transfer(slot, source, target, others)
    for master in masters:
        master.client.close()
    return time.monotonic() - begin


def slots_of(channels):
    """Those of the channels, and as many others as are missing."""
    used = sorted({key_slot(channel_key(channel)) for channel in channels})
    others = [slot for slot in range(0, 16_384, 7) if slot not in set(used)]
    return (used + others)[:SLOTS]


def measure(programs, server):
    slots = slots_of([f"bench-{number}" for number in range(CHANNELS)])
    options = ["--channels", str(CHANNELS), "--connections", str(2 * CHANNELS), "--publishers", "20"]
    options += ["--rate", str(RATE), "--settle", "2", "--seconds", str(SECONDS)]
    load = generator.Generator(programs, server, options, is_urgent=True)
    try:
        load.wait_until("measuring")
        begin = time.monotonic()
        moving_seconds = server.deployment.run(move(server.deployment.topology, slots, MOVING_SECONDS))
        if time.monotonic() - begin > SECONDS:
            raise RuntimeError(f"{len(slots)} slots took {moving_seconds:.1f} s to move")
        main = load.result()
    finally:
        load.stop()
    return {"main": main, "more": {"moving_seconds": moving_seconds}}
