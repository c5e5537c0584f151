"""The file that the crowds share: `Sources/Crowd/Board.swift` is its other half."""

import mmap
import os
from array import array

MAGIC = 0x4D494C31
NODE_CAPACITY = 512
CROWD_CAPACITY = 512
NODES_OFFSET = 4096
NODE_BYTES = 16
CROWDS_OFFSET = NODES_OFFSET + NODE_CAPACITY * NODE_BYTES
CROWD_BYTES = 16_384
HISTOGRAMS_OFFSET = 512
CHANNELS_OFFSET = CROWDS_OFFSET + CROWD_CAPACITY * CROWD_BYTES
PUBLICATION_BYTES = 16
BUCKETS = 512
BUCKETS_PER_DOUBLE = 8

COUNTERS = [
    "ready",
    "begun",
    "waiting",
    "delivered",
    "lost",
    "doubled",
    "reordered",
    "foreign",
    "gaps",
    "malformed",
    "errors",
    "dismissed",
    "broken",
    "refused",
    "unconnected",
    "pings",
    "returned",
    "missing",
    "checks",
    "confirmed",
    "receiveCalls",
    "receivedBytes",
]
# Each of these is one too many, at any time.
OFFENCES = ["lost", "doubled", "reordered", "foreign", "gaps", "malformed", "missing"]
# What clients were refused and asked for again, which costs time and nothing else.
REFUSALS = ["errors", "refused", "unconnected"]
HISTOGRAMS = ["delivery", "delivery_after_loss", "absence", "connect"]


def bucket_begin(bucket):
    """The least number of microseconds in a bucket."""
    if bucket < BUCKETS_PER_DOUBLE:
        return bucket
    exponent, part = divmod(bucket, BUCKETS_PER_DOUBLE)
    return (BUCKETS_PER_DOUBLE + part) << (exponent - 1)


class Distribution:
    """Counts by bucket; can be subtracted, so a part of a run is the difference of two."""

    def __init__(self, counts):
        self.counts = counts

    def __sub__(self, earlier):
        return Distribution([now - then for now, then in zip(self.counts, earlier.counts)])

    def __add__(self, other):
        return Distribution([one + two for one, two in zip(self.counts, other.counts)])

    @property
    def count(self):
        return sum(self.counts)

    def milliseconds(self, share):
        """The end of the bucket in which the share is reached; None without any."""
        wanted = self.count * share
        if not wanted:
            return None
        seen = 0
        for bucket, count in enumerate(self.counts):
            seen += count
            if seen >= wanted:
                return bucket_begin(bucket + 1) / 1e3
        return None

    def summary(self):
        shares = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999, "max": 1}
        return {"count": self.count} | {name: self.milliseconds(share) for name, share in shares.items()}

    def points(self):
        """For a picture: milliseconds, and the share that took no longer."""
        seen, total = 0, max(1, self.count)
        for bucket, count in enumerate(self.counts):
            if count:
                seen += count
                yield bucket_begin(bucket + 1) / 1e3, seen / total


class Board:
    def __init__(self, path, ports, crowd_count, thousand_count, ten_count, publication_capacity):
        self.path = path
        self.crowd_count = crowd_count
        self.node_count = len(ports)
        self.channel_counts = [1, thousand_count, ten_count]
        self.publication_capacity = publication_capacity
        channel_bytes = 4 * sum(self.channel_counts)
        self.publications_offset = CHANNELS_OFFSET + (channel_bytes + 15) // 16 * 16
        self.byte_count = self.publications_offset + publication_capacity * PUBLICATION_BYTES
        with open(path, "wb") as file:
            os.truncate(file.fileno(), self.byte_count)
        self.file = open(path, "r+b")
        self.memory = mmap.mmap(self.file.fileno(), self.byte_count)
        self.bytes = memoryview(self.memory)
        head = self.bytes[:20].cast("I")
        head[0], head[1] = MAGIC, self.node_count
        head[2], head[3], head[4] = thousand_count, ten_count, publication_capacity
        self.nodes = self.bytes[NODES_OFFSET : NODES_OFFSET + NODE_CAPACITY * NODE_BYTES].cast("i")
        for node, port in enumerate(ports):
            self.nodes[4 * node] = port
        self.published = self.bytes[CHANNELS_OFFSET : CHANNELS_OFFSET + channel_bytes].cast("I")
        self.publications = self.bytes[self.publications_offset :].cast("Q")
        self.used_publications = 0

    def close(self):
        for view in [self.nodes, self.published, self.publications, self.bytes]:
            view.release()
        self.memory.close()
        self.file.close()
        os.unlink(self.path)

    def clients_of(self, node):
        return self.nodes[4 * node + 1]

    def place(self, kind, number):
        """A channel's, among those of all kinds."""
        return sum(self.channel_counts[:kind]) + number

    # What the crowds count

    def counters(self):
        """Sums over all crowds."""
        sums = [0] * len(COUNTERS)
        for crowd in range(self.crowd_count):
            values = self.crowd_words(crowd, "q", 0, 8 * len(COUNTERS))
            sums = [one + two for one, two in zip(sums, values)]
        return dict(zip(COUNTERS, sums))

    def of_each(self, counter):
        place = COUNTERS.index(counter)
        return [self.crowd_words(crowd, "q", 8 * place, 8)[0] for crowd in range(self.crowd_count)]

    def total(self, counter):
        return sum(self.of_each(counter))

    def distribution(self, name):
        sums = [0] * BUCKETS
        for crowd in range(self.crowd_count):
            begin = HISTOGRAMS_OFFSET + HISTOGRAMS.index(name) * BUCKETS * 4
            values = self.crowd_words(crowd, "I", begin, BUCKETS * 4)
            sums = [one + two for one, two in zip(sums, values)]
        return Distribution(sums)

    def crowd_words(self, crowd, kind, begin, byte_count):
        start = CROWDS_OFFSET + crowd * CROWD_BYTES + begin
        return array(kind, self.memory[start : start + byte_count])

    # Publications

    def take_publications(self, count):
        """Numbers of their own; what there is no room for is checked all the same, but its last delivery is not known."""
        first = self.used_publications
        self.used_publications += count
        return first

    def last_nanoseconds(self, publication):
        return self.publications[2 * publication]

    def delivered_count(self, publication):
        return self.publications[2 * publication + 1] & 0xFFFFFFFF
