"""From runs to coefficients."""

from . import tls
from .coefficients import (
    HALF,
    Coefficient,
    difference,
    least_squares,
    of_deliveries,
    of_publications,
    pairs,
    renewals_per_second,
)

THOUSANDS, TENS = "subscribe: channels of 1,000", "subscribe: channels of 10"


def fit(groups):
    """`groups`: runs by what was varied: `few` and `many` nodes, `sessions`, `events`, and what was measured of `tls`; one of each for a
    repetition."""
    few, many, sessions, events = (groups[name] for name in ["few", "many", "sessions", "events"])
    found = {}
    plain = few + many

    def note(name, samples, how):
        found[name] = Coefficient.of(list(samples), how)

    alone = [of_base(two) for two in zip(few, many)]
    note("node_bytes_base", (one for one, _ in alone), "PSS of an empty node, less what all share")
    note("nodes_bytes_shared", (other for _, other in alone), "what all nodes of a machine share, few and many nodes")
    for name, runs in [("websocket", plain), ("sessions", sessions)]:
        each = [run["steps"]["connect"]["bytes_per_client"]["nodes"] for run in runs]
        note(f"node_bytes_per_client_{name}", each, "PSS, less empty nodes")
    for name, runs in [("websocket", plain), ("sessions", sessions), ("events", events)]:
        each = [run["steps"]["connect"]["nodes_microseconds_per_client"] for run in runs]
        note(f"node_microseconds_per_connect_{name}", each, "connects; of event streams to three channels at once")
    kernel = (run["steps"]["connect"]["bytes_per_client"]["kernel"] / HALF for run in plain)
    note("kernel_bytes_per_socket", kernel, "half of what slabs and tables grew by with a pair of sockets")
    of_memory(note, plain)
    note("node_bytes_per_client_events", (stream_bytes(run, found) for run in events), "PSS, less nodes and channels")
    of_work(note, few, many)
    of_resting(note, few + many, sessions)
    of_sessions(note, few, sessions)
    for name in tls.NAMES:
        note(name, [each[name] for each in groups["tls"]], "2,000 readers of one node with TLS, less without")
    return found


def of_base(runs):
    """Of an empty node, and of all nodes together: PSS divides what they share by how many they are."""
    return least_squares([([1.0, 1 / run["nodes"]], run["steps"]["connect"]["base_bytes_per_node"]) for run in runs])


def stream_bytes(run, found):
    """An event stream comes with its three channels, which count apart."""
    channels = found["node_bytes_per_channel"].value * pairs(run, "connect") / run["clients"]
    whole = run["steps"]["connect"]["bytes_per_client"]["nodes"]
    return whole - 2 * found["node_bytes_per_subscription"].value - channels


def of_memory(note, runs):
    each = [difference(run, THOUSANDS, "connect", "nodes") / run["clients"] for run in runs]
    note("node_bytes_per_subscription", each, "one more channel for each client, of channels that are few")

    def channel(run):
        without = difference(run, TENS, THOUSANDS, "nodes") - difference(run, THOUSANDS, "connect", "nodes")
        return without / max(1, pairs(run, TENS) - pairs(run, THOUSANDS))

    note("node_bytes_per_channel", map(channel, runs), "channels of ten, less their subscriptions")
    redis = [difference(run, "idle", THOUSANDS, "redis_used") / (run["clients"] / 10) for run in runs]
    note("redis_bytes_per_channel", redis, "channels of ten that had a publication, and their counts of readers")


def of_work(note, few, many):
    how = "steps with different channels and rates, few and many nodes, least squares"
    names = ["node_microseconds_per_delivery", "node_microseconds_per_publication_heard", "node_microseconds_per_wake"]
    for name, samples in zip(names, zip(*(of_deliveries(two) for two in zip(few, many)))):
        note(name, samples, how)
    each = [run["steps"]["publish to all"]["nodes_own_microseconds_per_delivery"] for run in few + many]
    note("node_microseconds_per_delivery_to_all", each, "one channel that all read: its readers are awake already")
    names = [
        "redis_microseconds_per_publication",
        "redis_microseconds_per_publication_heard",
        "redis_microseconds_per_wake",
    ]
    for name, samples in zip(names, zip(*(of_publications(two) for two in zip(few, many)))):
        note(name, samples, how)
    each = [
        run["steps"][TENS]["redis_microseconds_per_client"]
        * run["clients"]
        / (pairs(run, TENS) - pairs(run, THOUSANDS))
        for run in few + many
    ]
    note("redis_microseconds_per_channel_heard", each, "subscribing to channels of ten")


def heartbeat_microseconds(run):
    step = run["steps"]
    more = step["rest"]["nodes_cores"] - step["empty"]["nodes_cores"]
    return more * 1e6 / max(1.0, step["rest"]["pings_per_second"])


def renewal_microseconds(run, part):
    """What renewals cost while idle: the difference of many channels and one, less that of the heartbeats."""
    rest, idle = run["steps"]["rest"], run["steps"]["idle"]
    more = max(1.0, renewals_per_second(run, "idle") - renewals_per_second(run, "rest"))
    beats = (
        (idle["pings_per_second"] - rest["pings_per_second"]) * heartbeat_microseconds(run) if part == "nodes" else 0
    )
    return ((idle[f"{part}_cores"] - rest[f"{part}_cores"]) * 1e6 - beats) / more


def of_resting(note, runs, sessions):
    """An empty cluster, one with a channel, one with many: each adds something to the one before."""
    note("node_cores_idle", (run["steps"]["empty"]["nodes_cores"] / run["nodes"] for run in runs), "empty nodes")
    idle = (run["steps"]["empty"]["redis_cores"] / run["nodes"] for run in runs)
    note("redis_cores_idle_per_node", idle, "Redis beside empty nodes")
    note(
        "node_microseconds_per_heartbeat", map(heartbeat_microseconds, runs), "idle with one channel, less empty nodes"
    )
    rates = [
        (renewals_per_second(run, "idle") - renewals_per_second(run, "empty")) / max(1, pairs(run, "idle"))
        for run in runs
    ]
    note("renewals_per_channel_and_second", rates, "functions called in Redis while idle, for each channel and node")
    redis = [renewal_microseconds(run, "redis") for run in runs + sessions]
    note("redis_microseconds_per_renewal", redis, "idle with many channels, less with one")
    note("node_microseconds_per_renewal", [renewal_microseconds(run, "nodes") for run in runs], "the same")


def of_sessions(note, few, sessions):
    def both(step, key):
        return [
            with_them["steps"][step][key] - without["steps"][step][key] for with_them, without in zip(sessions, few)
        ]

    opened = both("connect", "redis_microseconds_per_client")
    note("redis_microseconds_per_session_opened", opened, "connects with sessions, less without")

    def used(run):
        return run["steps"]["connect"]["bytes_per_client"]["redis_used"]

    used = [used(with_them) - used(without) for with_them, without in zip(sessions, few)]
    note("redis_bytes_per_session", used, "used memory of Redis, less without sessions")
    rates = [
        (renewals_per_second(with_them, "idle") - renewals_per_second(without, "idle")) / with_them["clients"]
        for with_them, without in zip(sessions, few)
    ]
    note("renewals_per_session_and_second", rates, "calls of functions while idle, less without sessions")
    # `checkpoint-milliseconds`, 5 s: a session that always has something new is written so often.
    note("checkpoints_per_second_max", [0.2], "a setting of the node")
