"""Measures: what is taken from a result, and how it is written."""

import statistics
from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    key: str
    title: str
    decimals: int = 1
    # Whether more of it is better; only where servers are ranked by it.
    more_is_better: bool = False

    def text(self, value):
        return "–" if value is None else f"{value:,.{self.decimals}f}"


CPU = Measure("cpu", "server CPU µs per delivery", 2)
RATE = Measure("rate", "deliveries/s", 0, more_is_better=True)
PUBLISHED = Measure("published", "publishes/s", 0, more_is_better=True)
P50 = Measure("p50", "p50 ms", 2)
P99 = Measure("p99", "p99 ms", 2)
P999 = Measure("p999", "p99.9 ms", 2)
LATEST = Measure("max", "max ms", 2)
P99_ALONE = Measure("p99_alone", "p99 ms alone", 2)
P99_EXCESS = Measure("p99_excess", "p99 ms added", 2)
BACKGROUND = Measure("background", "background deliveries/s", 0, more_is_better=True)
BYTES = Measure("bytes", "bytes per connection", 0)
CONNECT = Measure("connect", "server CPU µs per connect", 1)
OTHERS = Measure("others", "cores used by others", 2)
P99_TIMES = Measure("p99_times", "p99 with the storm / without", 2)
OPENED = Measure("opened", "sessions opened/s", 0, more_is_better=True)
READS = Measure("reads", "history reads", 0)
RESUMED_SECONDS = Measure("resumed_seconds", "s until all have resumed", 2)
PER_CALL = Measure("per_call", "deliveries per recv", 1)
POLL = Measure("poll", "server CPU µs per held poll", 1)
PLAIN = Measure("plain", "per plain request", 1)
DELIVERY = Measure("delivery", "per delivery", 1)
POLL_TIMES = Measure("poll_times", "held poll / (request + delivery)", 2)
BAYEUX = Measure("bayeux", "server CPU µs per delivery to Bayeux", 1)
BAYEUX_TIMES = Measure("bayeux_times", "Bayeux / poll", 2)
IDLE_BYTES = Measure("idle_bytes", "bytes per idle client", 0)
ONE_CHANNEL = Measure("one", "server CPU µs per delivery, one channel", 2)
THOUSAND_TIMES = Measure("thousand_times", "1,000 channels / one", 2)
TEN_THOUSAND_TIMES = Measure("ten_thousand_times", "10,000 channels / one", 2)
ALONE = Measure("alone", "Redis CPU µs per publication, no pattern", 1)
UNMATCHED = [Measure(f"unmatched_{count}", f"beside {count:,} other patterns, ×", 2) for count in (1, 100, 10_000)]
MATCHED = [Measure(f"matched_{count}", f"heard by one of {count:,}, ×", 2) for count in (1, 100, 10_000)]
NODE_BYTES = Measure("node_bytes", "node bytes per pattern", 0)
REDIS_BYTES = Measure("redis_bytes", "Redis bytes per pattern", 0)
OPEN_SECONDS = Measure("open_seconds", "s until 10,000 are heard", 1)
OPEN_REDIS = Measure("open_redis", "of which CPU of Redis", 2)
PROMOTED_SECONDS = Measure("promoted_seconds", "s until a replica is master", 2)
TOLD_SECONDS = Measure("told_seconds", "s until that is told", 2)
BACK_SECONDS = Measure("back_seconds", "from then s until all deliver", 2)
AFFECTED = Measure("affected", "channels of it", 0)
MOVING_SECONDS = Measure("moving_seconds", "s that slots moved", 1)
CHANNEL_BYTES = Measure("channel_bytes", "bytes per channel", 0)
READER_BYTES = Measure("reader_bytes", "bytes per reader of 100", 0)
FEW_SECONDS = Measure("few_seconds", "s until all are heard and filled, 1 % missed something", 2)
ALL_SECONDS = Measure("all_seconds", "the same, all missed something", 2)
RECONNECT_NODE = Measure("reconnect_node", "of the former CPU s of the node", 2)
RECONNECT_REDIS = Measure("reconnect_redis", "and of Redis", 2)
LOW_CPU = Measure("low_cpu", "node CPU µs per publication at 200/s", 1)
HIGH_CPU = Measure("high_cpu", "at 2,000/s", 1)
HIGH_P50 = Measure("high_p50", "p50 ms at 2,000/s", 2)
CONNECT_ALONE = Measure("connect_alone", "server CPU µs per connect, no token", 1)
CONNECT_RATE = Measure("connect_rate", "connects/s", 0, more_is_better=True)
KNOWN_RATE = Measure("known_rate", "a token that is known: rate ×", 2, more_is_better=True)
UNSEEN_RATE = Measure("unseen_rate", "ES256 never seen: rate ×", 2, more_is_better=True)
KNOWN_TIMES = Measure("known_times", "a token that is known: CPU ×", 2)
UNSEEN_TIMES = Measure("unseen_times", "ES256 never seen: CPU ×", 2)
TLS_BYTES = Measure("tls_bytes", "bytes per idle WebSocket with TLS", 0)
PLAIN_CPU = Measure("plain_cpu", "server CPU µs per delivery in plain", 2)
TLS_CPU = Measure("tls_cpu", "with TLS", 2)
HAPROXY_CPU = Measure("haproxy_cpu", "with HAProxy's", 2)
TLS_TIMES = Measure("tls_times", "TLS / HAProxy's", 2)
OWN_TLS_CPU = Measure("own_tls_cpu", "CPU µs per delivery, node's own TLS", 2)
FRONT_PLAIN_CPU = Measure("front_plain_cpu", "node and HAProxy, plain", 2)
FRONT_H1_CPU = Measure("front_h1_cpu", "HTTP/1.1 with TLS", 2)
FRONT_H2_CPU = Measure("front_h2_cpu", "HTTP/2 with TLS", 2)
FRONT_H2_NODE = Measure("front_h2_node", "of that the node's", 2)
FRONT_TIMES = Measure("front_times", "HTTP/2 / HTTP/1.1", 2)
FRONT_H1_HELD = Measure("front_h1_held", "HAProxy's bytes per stream, HTTP/1.1", 0)
FRONT_H2_HELD = Measure("front_h2_held", "HTTP/2", 0)
QUIET = Measure("quiet", "p99 ms in peace", 2)
STORMY = Measure("stormy", "p99 ms while others shake hands", 2)
STORM_TIMES = Measure("storm_times", "×", 2)
BESIDE = Measure("beside", "p99 ms beside those who wait", 2)
BESIDE_TIMES = Measure("beside_times", "×", 2)
REFUSED_SECONDS = Measure("refused_seconds", "seconds until refused, p99", 2)
OTHERWISE = Measure("otherwise", "otherwise refused", 0)
UNWATCHED = Measure("unwatched", "node CPU, % of a core", 2)
WATCHED = Measure("watched", "with a console open", 2)
CONSOLE = Measure("console", "of that the console's", 2)
PLAIN_WIRE = Measure("plain_wire", "bytes on the wire per delivery", 1)
SHARED_WIRE = Measure("shared_wire", "compressed together", 1)
SHARED_RATIO = Measure("shared_ratio", "fewer, ×", 2, more_is_better=True)
ALONE_RATIO = Measure("alone_ratio", "fewer than each alone, ×", 2, more_is_better=True)
BUSY_RATIO = Measure("busy_ratio", "fewer with 10 newcomers/s, ×", 2, more_is_better=True)
SHARED_CPU = Measure("shared_cpu", "server CPU, compressed / plain", 2)
IDLE_MORE = Measure("idle_more", "more bytes per idle client", 0)
PACED_BYTES = Measure("paced_bytes", "bytes, paced / unpaced", 3)
PACED_CPU = Measure("paced_cpu", "server CPU, paced / unpaced", 3)
SNAPSHOT = Measure("snapshot", "a newcomer knows every key, ms", 1)
LATENESS = Measure("lateness", "latest message, ms", 0)
STOPPED_MEMORY = Measure("stopped_memory", "KB for 100 that stand still", 0)
HELD = Measure("held", "bytes per waiting connect", 0)
OFFERED = Measure("offered", "handshakes begun/s", 0)
HANDSHAKES = Measure("handshakes", "answered/s", 0)
REDIS = Measure("redis", "Redis CPU µs per publish", 1)


def of(result):
    """All that one result of `load` says, by key."""
    values = {
        "connect": result["connecting"]["serverMicrosecondsPerConnect"],
        "bytes": result["connecting"]["proportionalBytesPerConnection"],
        "wrong": wrong(result),
    }
    window = result.get("window")
    if window:
        values |= of_window(window)
        values["per_call"] = result["checks"]["delivered"] / max(1, result["checks"]["receiveCalls"])
    return values


def nothing():
    """What a case has for a result of `load` that is not one."""
    checks = dict.fromkeys(["lost", "doubled", "foreign", "gaps", "protocolErrors", "closed", "failed"], 0)
    return {"connecting": {"serverMicrosecondsPerConnect": 0, "proportionalBytesPerConnection": 0}, "checks": checks}


def of_window(window):
    latency = window["latencyMicroseconds"]
    return {
        "cpu": window["serverMicrosecondsPerDelivery"],
        "rate": window["deliveriesPerSecond"],
        "published": window["publications"] / window["seconds"],
        "redis": window["auxiliarySeconds"] * 1e6 / max(1, window["publications"]),
        "p50": latency["p50"] / 1e3,
        "p99": latency["p99"] / 1e3,
        "p999": latency["p999"] / 1e3,
        "max": latency["max"] / 1e3,
        "server_share": window["serverBusiestThreadShare"],
        "server_cores": window["serverSeconds"] / window["elapsedSeconds"],
        "generator_cores": window["generatorSeconds"] / window["elapsedSeconds"],
        "redis_cores": window["auxiliarySeconds"] / window["elapsedSeconds"],
        "generator_share": window["generatorBusiestThreadShare"],
        "machine_cores": window["machineSeconds"] / window["elapsedSeconds"],
        "others": others_seconds(window) / window["elapsedSeconds"],
        "lateness": window["latenessMicroseconds"]["p99"] / 1e3,
    }


def others_seconds(window):
    ours = window["serverSeconds"] + window["generatorSeconds"] + window["auxiliarySeconds"]
    return max(0, window["machineSeconds"] - ours)


def wrong(result):
    """How many deliveries were missing, doubled or misplaced, and connections or publishes refused."""
    checks = result["checks"]
    kinds = ["lost", "doubled", "foreign", "gaps", "protocolErrors", "closed", "failed"]
    window = result.get("window") or {}
    return sum(checks[kind] for kind in kinds) + window.get("refused", 0)


def medians(samples):
    """The median of each measure; wrong deliveries are summed, since one is too many."""
    keys = samples[0].keys()
    middle = {key: statistics.median(sample[key] for sample in samples) for key in keys}
    middle["wrong"] = sum(sample["wrong"] for sample in samples)
    return middle
