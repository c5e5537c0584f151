"""The model: what a load costs, from coefficients. Arithmetic and nothing else."""

import math
from dataclasses import dataclass, field

HEARTBEAT_SECONDS = 25
# Ethernet, IPv4 and TCP with timestamps, and the acknowledgement of every second segment.
WIRE_BYTES_PER_SEND = 66 + 33
# The JSON around a payload: type, channel's and position's names, a position of 15 characters, quotation marks.
ENVELOPE_BYTES = 75
FRAME_BYTES = {"websocket": 4, "sessions": 4, "events": 60}
# A record of TLS 1.3 around each send: header, type and tag, RFC 8446 §5.2.
TLS_BYTES_PER_SEND = 5 + 1 + 16
# So long a client waits before it comes back, at most, when its connection broke.
RETURN_SPREAD_SECONDS = 1.0
SECONDS_PER_DAY = 86_400


# Publishers' bursts: what a node hears within one costs it, and Redis, one wake-up.
BURST_SECONDS = 0.005


def wakes(heard_per_second, nodes):
    """How often a second nodes are written to, all together, where publications come to them at random."""
    each = heard_per_second / nodes * BURST_SECONDS
    return nodes * (1 - math.exp(-each)) / BURST_SECONDS


@dataclass(frozen=True)
class Channels:
    """Channels of one kind."""

    count: float
    readers: float
    # Of each channel.
    publications_per_second: float = 0.0

    @property
    def publication_rate(self):
        return self.count * self.publications_per_second

    def hearing(self, nodes):
        """At how many nodes a channel has a reader, where readers are spread at random."""
        return nodes * (1 - (1 - 1 / nodes) ** self.readers) if nodes > 1 else min(1.0, self.readers)


@dataclass(frozen=True)
class Load:
    clients: float
    carrier: str
    channels: tuple[Channels, ...]
    payload_bytes: int = 64
    channel_name_bytes: int = 12
    reconnects_per_client_and_day: float = 0.0
    # Bytes on the wire are divided by it.
    compression: float = 1.0
    # At the nodes, not at a balancer.
    has_tls: bool = False

    @property
    def deliveries_per_second(self):
        return sum(kind.publication_rate * kind.readers for kind in self.channels)

    @property
    def publications_per_second(self):
        return sum(kind.publication_rate for kind in self.channels)

    @property
    def subscriptions(self):
        """All of them, beyond the first of each client."""
        return max(0.0, sum(kind.count * kind.readers for kind in self.channels) - self.clients)

    @property
    def connects_per_second(self):
        return self.clients * self.reconnects_per_client_and_day / SECONDS_PER_DAY

    def pairs(self, nodes):
        """Channels watched, summed over nodes."""
        return sum(kind.count * kind.hearing(nodes) for kind in self.channels)

    def heard_per_second(self, nodes):
        return sum(kind.publication_rate * kind.hearing(nodes) for kind in self.channels)

    @property
    def heartbeats_per_second(self):
        """A client that was sent something within the interval gets none."""
        each = self.deliveries_per_second / max(1, self.clients)
        return self.clients / HEARTBEAT_SECONDS * math.exp(-each * HEARTBEAT_SECONDS)


@dataclass
class Cost:
    """Cores, or bytes, by what they are for."""

    parts: dict[str, float] = field(default_factory=dict)

    @property
    def total(self):
        return sum(self.parts.values())

    @property
    def greatest(self):
        return max(self.parts, key=self.parts.get)


def cores(rate, microseconds):
    return rate * microseconds / 1e6


def node_cores(load, nodes, given):
    """Of all nodes together; `given`: coefficients by name."""
    return Cost(
        {
            "deliveries": cores(load.deliveries_per_second, given["node_microseconds_per_delivery"]),
            "publications heard": cores(load.heard_per_second(nodes), given["node_microseconds_per_publication_heard"]),
            "wake-ups": cores(wakes(load.heard_per_second(nodes), nodes), given["node_microseconds_per_wake"]),
            "connects": cores(load.connects_per_second, given[f"node_microseconds_per_connect_{load.carrier}"]),
            "heartbeats": cores(load.heartbeats_per_second, given["node_microseconds_per_heartbeat"]),
            "renewals": cores(renewals(load, nodes, given), given["node_microseconds_per_renewal"]),
            "idle": nodes * given["node_cores_idle"],
        }
        | tls_cores(load, given)
    )


def tls_cores(load, given):
    """A heartbeat is a record like any other."""
    if not load.has_tls:
        return {}
    records = load.deliveries_per_second + load.heartbeats_per_second
    return {
        "TLS": cores(records, given["node_microseconds_per_delivery_tls"]),
        "handshakes": cores(load.connects_per_second, given["node_microseconds_per_connect_tls"]),
    }


def connect_microseconds(load, given):
    """Of a node, for a client that comes; with TLS by a whole handshake, though many will resume theirs."""
    handshake = given["node_microseconds_per_connect_tls"] if load.has_tls else 0
    return given[f"node_microseconds_per_connect_{load.carrier}"] + handshake


def renewals(load, nodes, given):
    """What nodes tell Redis again and again, a second: counts of channels, and sessions."""
    sessions = load.clients * given["renewals_per_session_and_second"] if load.carrier == "sessions" else 0
    return load.pairs(nodes) * given["renewals_per_channel_and_second"] + sessions


def node_bytes(load, nodes, given, machines=None):
    """Of all nodes together, each on a machine of its own if nothing else is said."""
    machines = machines or nodes
    return Cost(
        {
            # Each on a machine of its own shares with nobody.
            "nodes without clients": nodes * given["node_bytes_base"] + machines * given["nodes_bytes_shared"],
            "clients": load.clients * given[f"node_bytes_per_client_{load.carrier}"],
            "further subscriptions": load.subscriptions * given["node_bytes_per_subscription"],
            "channels": load.pairs(nodes) * given["node_bytes_per_channel"],
            "kernel": load.clients * given["kernel_bytes_per_socket"],
        }
        | ({"TLS": load.clients * given["node_bytes_per_client_tls"]} if load.has_tls else {})
    )


def redis_cores(load, nodes, given):
    """Of all masters together."""
    own = cores(load.publications_per_second, given["redis_microseconds_per_publication"])
    sessions = load.connects_per_second if load.carrier == "sessions" else 0
    # A session that got something is written down once in a while, however much it got.
    each = load.deliveries_per_second / max(1, load.clients)
    changed = load.clients * min(each, given["checkpoints_per_second_max"]) if load.carrier == "sessions" else 0
    return Cost(
        {
            "publications": own,
            "their way to nodes": cores(
                load.heard_per_second(nodes), given["redis_microseconds_per_publication_heard"]
            ),
            "writing to nodes": cores(wakes(load.heard_per_second(nodes), nodes), given["redis_microseconds_per_wake"]),
            "renewals": cores(renewals(load, nodes, given), given["redis_microseconds_per_renewal"]),
            "sessions opened": cores(sessions, given["redis_microseconds_per_session_opened"]),
            "checkpoints": cores(changed, given["redis_microseconds_per_renewal"]),
            "idle": nodes * given["redis_cores_idle_per_node"],
        }
    )


def redis_bytes(load, given):
    sessions = load.clients * given["redis_bytes_per_session"] if load.carrier == "sessions" else 0
    channels = sum(kind.count for kind in load.channels) * given["redis_bytes_per_channel"]
    return Cost({"sessions": sessions, "channels": channels})


def wire_bits_per_second(load):
    message = (
        load.payload_bytes + load.channel_name_bytes + ENVELOPE_BYTES + FRAME_BYTES[load.carrier]
    ) / load.compression
    around = WIRE_BYTES_PER_SEND + (TLS_BYTES_PER_SEND if load.has_tls else 0)
    beats = load.heartbeats_per_second * (2 + around)
    return 8 * (load.deliveries_per_second * (message + around) + beats)


# What is bought


@dataclass(frozen=True)
class Machine:
    """One node's: how much of it may be used when all is well."""

    cores: float = 4
    bytes: float = 8 << 30
    clients: float = 100_000
    share: float = 0.6


def nodes_needed(load, machine, given, zones=3):
    """How many nodes, and what asks for the most of them. With one zone gone the others have room for all."""
    most = "clients of a node"
    count = math.ceil(load.clients / machine.clients)
    for _ in range(20):
        wanted = {
            "clients of a node": load.clients / machine.clients,
            "cores": node_cores(load, max(1, count), given).total / (machine.cores * machine.share),
            "memory": node_bytes(load, max(1, count), given).total / (machine.bytes * machine.share),
        }
        most = max(wanted, key=wanted.get)
        again = max(1, math.ceil(wanted[most]))
        if again <= count:
            break
        count = again
    return max(zones, math.ceil(count * zones / max(1, zones - 1))), most


def masters_needed(load, nodes, given, share=0.5):
    return max(1, math.ceil(redis_cores(load, nodes, given).total / share))


def storm_seconds(load, nodes, lost, machine, given):
    """How long until the clients of so many nodes are back at the others, whose spare cores they take."""
    rest = nodes - lost
    if rest < 1:
        return math.inf
    used = node_cores(load, nodes, given).total
    spare = rest * machine.cores - used
    returning = load.clients * lost / nodes
    work = cores(returning, connect_microseconds(load, given))
    redis = cores(returning, given["redis_microseconds_per_session_opened"]) if load.carrier == "sessions" else 0
    masters = masters_needed(load, nodes, given)
    return math.inf if spare <= 0 else RETURN_SPREAD_SECONDS + max(work / spare, redis / masters)


def master_loss_seconds(load, nodes, masters, given, detection_seconds=15.0):
    """Until a replica has taken over and every node listens there to the channels of the one that is gone."""
    heard = load.pairs(nodes) / masters
    return detection_seconds + 1 + cores(heard, given["redis_microseconds_per_channel_heard"])
