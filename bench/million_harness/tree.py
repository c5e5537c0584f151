"""A publication on its way to many nodes: straight from Redis, or through tiers of relays. A simulation of queues.

A server (Redis, or a relay) writes to its receivers one after the other; each receiver wakes and passes it on. What a
write and a wake-up take is drawn from distributions around what was measured."""

import math
import random

from .tables import number, rows

# Waking an idle processor, 40 to 60 µs each way: seen with perf on the machine of RESULTS.md. Spread as queues spread it.
WAKE_MICROSECONDS = 50
# Within a data centre, one way.
NETWORK_MICROSECONDS = 100
SPREAD = 0.5
ROUNDS = 30


def drawn(draw, median):
    return draw.lognormvariate(math.log(median), SPREAD)


def arrivals(draw, start, receivers, write_microseconds):
    """When each of so many receivers has what a server begins to write at `start`."""
    at = start
    for _ in range(receivers):
        at += drawn(draw, write_microseconds)
        yield at + drawn(draw, NETWORK_MICROSECONDS) + drawn(draw, WAKE_MICROSECONDS)


def widths(nodes, tiers):
    """How many receivers each server has, in each tier, so that the tiers are alike."""
    return [math.ceil(nodes ** (1 / (tiers + 1)))] * tiers


def last_node_microseconds(draw, nodes, tiers, write_microseconds):
    """Of one publication: when the last node has it."""
    starts = [0.0]
    for width in widths(nodes, tiers):
        starts = [arrival for start in starts for arrival in arrivals(draw, start, width, write_microseconds)]
    share = math.ceil(nodes / len(starts))
    return max(arrival for start in starts for arrival in arrivals(draw, start, share, write_microseconds))


def simulate(nodes, tiers, write_microseconds, seed=1):
    draw = random.Random(seed)
    found = sorted(last_node_microseconds(draw, nodes, tiers, write_microseconds) for _ in range(ROUNDS))
    return found[ROUNDS // 2], found[-1]


def table(given):
    """For one channel that every node watches."""
    write = given["redis_microseconds_per_publication_heard"]

    def row(nodes, tiers):
        median, worst = simulate(nodes, tiers, write)
        servers = 1 if not tiers else widths(nodes, tiers)[0]
        most = 1e6 / (given["redis_microseconds_per_publication"] + write * (nodes if not tiers else servers))
        relays = sum(servers**tier for tier in range(1, tiers + 1))
        return [number(nodes), tiers, number(relays), number(median / 1e3, 2), number(worst / 1e3, 2), number(most)]

    heads = ["nodes", "tiers of relays", "relays", "ms until the last node has it", "worst of 30", "publications/s that Redis can send"]
    return rows(heads, [row(nodes, tiers) for nodes in [56, 100, 1_000, 10_000] for tiers in [0, 1, 2]])
