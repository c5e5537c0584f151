"""A publication on its way to many nodes: straight from Redis, or through tiers of relays. A simulation.

A server (Redis, or a relay) writes to its receivers one after the other, each write as long as Redis was measured to need
for one more node. What passes until a receiver has it and passes it on is drawn from what was measured from publishing to
a client, with little traffic: that way goes over Redis and a node, so it is longer than a relay's."""

import bisect
import math
import random

from .tables import number, rows

# Within a data centre, one way, which loopback does not have. An assumption, not a measurement.
NETWORK_MILLISECONDS = 0.1
ROUNDS = 30
NODES = [56, 100, 1_000, 10_000]


class Way:
    """Draws how long it takes, from milliseconds and the shares that took no longer."""

    def __init__(self, points):
        self.milliseconds = [milliseconds for milliseconds, _ in points]
        self.shares = [share for _, share in points]

    def draw(self, source):
        place = bisect.bisect_left(self.shares, source.random())
        return self.milliseconds[min(place, len(self.milliseconds) - 1)] + NETWORK_MILLISECONDS


def arrivals(source, way, start, receivers, write_milliseconds):
    """When each of so many receivers has what a server begins to write at `start`."""
    for place in range(1, receivers + 1):
        yield start + place * write_milliseconds + way.draw(source)


def width(nodes, tiers):
    """How many receivers each server has, so that all tiers are alike."""
    return math.ceil(round(nodes ** (1 / (tiers + 1)), 6))


def last_node_milliseconds(source, way, nodes, tiers, write_milliseconds):
    """Of one publication: when the last node has it."""
    starts = [0.0]
    for _ in range(tiers):
        each = width(nodes, tiers)
        starts = [at for start in starts for at in arrivals(source, way, start, each, write_milliseconds)]
    share = math.ceil(nodes / len(starts))
    return max(at for start in starts for at in arrivals(source, way, start, share, write_milliseconds))


def simulate(way, nodes, tiers, write_milliseconds, seed=1):
    source = random.Random(seed)
    found = sorted(last_node_milliseconds(source, way, nodes, tiers, write_milliseconds) for _ in range(ROUNDS))
    return found[ROUNDS // 2], found[-1]


def table(measured):
    """For one channel that every node watches."""
    given, way = measured.values, Way(measured.way)
    # What is published alone: each node is written to for it alone.
    write = given["redis_microseconds_per_publication_heard"] + given["redis_microseconds_per_wake"]

    def row(nodes, tiers):
        median, worst = simulate(way, nodes, tiers, write / 1e3)
        each = width(nodes, tiers)
        # Of Redis, as of each relay.
        most = 1e6 / (given["redis_microseconds_per_publication"] + write * each)
        relays = sum(each**tier for tier in range(1, tiers + 1))
        return [number(nodes), tiers, number(relays), number(median, 2), number(worst, 2), number(most)]

    heads = ["nodes", "tiers of relays", "relays", "ms until the last node has it", f"worst of {ROUNDS}"]
    return rows(
        heads + ["publications/s of such channels a master"],
        [row(nodes, tiers) for nodes in NODES for tiers in [0, 1, 2]],
    )
