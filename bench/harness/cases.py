"""Cases: the rows of the table that Perseid has to reach."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from . import bayeux, compression, console, failover, front, generator, hooks, keyed_pace, measures, moved_slots, pattern_costs
from . import patterns, polls
from . import security, several_masters, storm, trust, watched_channels
from .bars import AgainstBar, LimitBar, NothingLostBar, RatioBar
from .build import WORK, say
from .measures import BACKGROUND, BYTES, CONNECT, CPU, LATEST, P50, P99, P99_ALONE, P99_EXCESS, P999, PER_CALL
from .measures import BAYEUX, BAYEUX_TIMES, IDLE_BYTES, ONE_CHANNEL, TEN_THOUSAND_TIMES, THOUSAND_TIMES
from .measures import DELIVERY, OPENED, OTHERS, P99_TIMES, PLAIN, POLL, POLL_TIMES, PUBLISHED, RATE, READS, REDIS, RESUMED_SECONDS
from .measures import ALONE, MATCHED, NODE_BYTES, OPEN_REDIS, OPEN_SECONDS, REDIS_BYTES, UNMATCHED
from .measures import CONNECT_ALONE, CONNECT_RATE, KNOWN_RATE, KNOWN_TIMES, UNSEEN_RATE, UNSEEN_TIMES
from .measures import BESIDE, BESIDE_TIMES, HELD, OTHERWISE, REFUSED_SECONDS
from .measures import AFFECTED, BACK_SECONDS, MOVING_SECONDS, PROMOTED_SECONDS, TOLD_SECONDS
from .measures import ALL_SECONDS, CHANNEL_BYTES, FEW_SECONDS, READER_BYTES, RECONNECT_NODE, RECONNECT_REDIS
from .measures import ALONE_RATIO, BUSY_RATIO, IDLE_MORE, PLAIN_WIRE, SHARED_CPU, SHARED_RATIO, SHARED_WIRE
from .measures import LATENESS, PACED_BYTES, PACED_CPU, SNAPSHOT, STOPPED_MEMORY
from .measures import HIGH_CPU, HIGH_P50, LOW_CPU
from .measures import CONSOLE, UNWATCHED, WATCHED
from .measures import FRONT_H1_CPU, FRONT_H1_HELD, FRONT_H2_CPU, FRONT_H2_HELD, FRONT_H2_NODE, FRONT_PLAIN_CPU, FRONT_TIMES, OWN_TLS_CPU
from .measures import HANDSHAKES, HAPROXY_CPU, OFFERED, PLAIN_CPU, QUIET, STORM_TIMES, STORMY, TLS_BYTES, TLS_CPU, TLS_TIMES
from .servers import Floor, Nchan, Perseid

# A server with one thread and the generator get a core each, so that neither takes the other's time; with more
# threads or processes than that the scheduler decides.
SERVER_CORE = "0"
GENERATOR_CORE = "1"

# Enough that a publication seldom waits for the answer to the one before it on the same connection: where a single
# delivery's latency is measured, that wait would be the publisher's.
PUBLISHERS = "10"


@dataclass(frozen=True)
class Contender:
    label: str
    family: str
    start: Callable
    # Perseid may run in several ways; the bar is about one of them.
    is_judged: bool = True
    is_pinned: bool = True


@dataclass
class Standing:
    """What a contender reached."""

    contender: Contender
    middle: dict
    samples: list
    commands: list


@dataclass
class Outcome:
    case: "Case"
    standings: list = field(default_factory=list)
    # Why a contender could not be measured, by its label.
    failures: dict = field(default_factory=dict)

    def judged(self, family):
        found = [one for one in self.standings if one.contender.family == family and one.contender.is_judged]
        return found[0] if found else None

    def best(self, family, measure):
        found = [one for one in self.standings if one.contender.family == family and one.contender.is_judged]
        choose = max if measure.more_is_better else min
        return choose(found, key=lambda one: one.middle[measure.key], default=None)


@dataclass(frozen=True)
class Case:
    name: str
    title: str
    contenders: list
    measure: Callable
    shown: list
    bars: list
    # Publishers go on as soon as they are answered, so something must be the limit.
    is_saturating: bool = False

    def run(self, programs, repetitions, is_quick, without):
        chosen = [one for one in self.contenders if one.family not in without]
        samples = {one.label: [] for one in chosen}
        commands = {}
        failures = {}
        for repetition in range(repetitions):
            # Alternating, so that a noisy minute touches all of them.
            for contender in chosen:
                say(f"{self.name}: {contender.label}, {repetition + 1} of {repetitions}")
                try:
                    sample, commands[contender.label] = self.run_once(programs, contender, is_quick)
                except (RuntimeError, OSError) as error:
                    # The other servers' numbers are still good.
                    failures[contender.label] = str(error)
                    say(f"    failed: {error}")
                    continue
                samples[contender.label].append(sample)
                say("    " + self.summary(sample))
        standings = [
            Standing(one, measures.medians(samples[one.label]), samples[one.label], commands[one.label])
            for one in chosen
            if samples[one.label]
        ]
        return Outcome(self, standings, failures)

    def run_once(self, programs, contender, is_quick):
        with contender.start(programs) as server:
            results = self.measure(programs, server, contender, is_quick)
            raw = {"case": self.name, "contender": contender.label, "server": server.commands, "results": results}
            keep(raw)
            return combined(results), server.commands + [result["command"] for result in results.values() if "command" in result]

    def summary(self, sample):
        parts = [f"{measure.title} {measure.text(sample[measure.key])}" for measure in self.shown]
        return ", ".join(parts) + (f", {sample['wrong']} WRONG" if sample["wrong"] else "")


def keep(raw):
    name = f"{raw['case']}-{raw['contender']}-{time.time_ns() // 1_000_000}".replace(" ", "-").replace(",", "")
    (WORK / f"{name}.json").write_text(json.dumps(raw, indent=1))


def combined(results):
    """One set of values from the runs of a case; only fairness has more than one."""
    values = measures.of(results["main"])
    values |= results.get("more", {})
    if "alone" in results:
        values["p99_alone"] = measures.of(results["alone"])["p99"]
        values["p99_times"] = values["p99"] / values["p99_alone"]
    if "background" in results:
        alone, background = measures.of(results["alone"]), measures.of(results["background"])
        values["p99_alone"] = alone["p99"]
        values["p99_excess"] = values["p99"] - alone["p99"]
        values["background"] = background["rate"]
        values["wrong"] += alone["wrong"] + background["wrong"]
        # The server is busy with the background, so its numbers say what limited the case.
        values |= {key: background[key] for key in ("server_share", "server_cores")}
    return values


def seconds(full, is_quick):
    return str(max(2, full / 4) if is_quick else full)


def cores_of(contender):
    return GENERATOR_CORE if contender.is_pinned else None


def once(*options, full_seconds, is_urgent=False, warms_up=False):
    """A case that is one run of the generator."""

    def measure(programs, server, contender, is_quick):
        if warms_up:
            warm_up(programs, server, contender)
        timed = ["--seconds", seconds(full_seconds, is_quick)] if full_seconds else ["--seconds", "0"]
        asked = list(options) + timed
        return {"main": generator.run(programs, server, asked, cores_of(contender), is_urgent)}

    return measure


def warm_up(programs, server, contender):
    """A server's first connections load code and grow tables; that is not the cost of a connection."""
    options = ["--connections", "200", "--rate", "10", "--warm-up", "0", "--seconds", "1", "--settle", "0.5"]
    generator.run(programs, server, options, cores_of(contender))
    time.sleep(0.5)


def cross_node(programs, server, contender, is_quick):
    publisher, subscriber = (f"127.0.0.1:{port}" for port in server.ports)
    options = ["--subscribe", subscriber, "--publish", publisher, "--connections", "10", "--rate", "200"]
    options += ["--publishers", PUBLISHERS]
    options += ["--settle", "2", "--seconds", seconds(10, is_quick)]
    return {"main": generator.run(programs, server, options, cores_of(contender), is_urgent=True)}


def fairness(programs, server, contender, is_quick):
    length = float(seconds(10, is_quick))
    small = ["--channel-prefix", "small", "--connections", "10", "--rate", "50", "--seconds", str(length)]
    small += ["--publishers", PUBLISHERS]
    flood = ["--connections", "10000", "--publishers", "1", "--latency-sampling", "256"]
    flood += ["--seconds", str(length + 5), "--warm-up", "0.5"]
    alone = generator.run(programs, server, small, cores_of(contender), is_urgent=True)
    main, background = generator.run_beside(programs, server, flood, small, cores_of(contender))
    return {"main": main, "alone": alone, "background": background}


def session_storm(programs, server, contender, is_quick):
    """A live channel while sessions are opened one after the other, and kept: no longer than they keep coming."""
    live = ["--channel-prefix", "live", "--connections", "10", "--rate", "200", "--publishers", PUBLISHERS]
    live += ["--seconds", "1.5", "--warm-up", "0"]
    alone = generator.run(programs, server, live, cores_of(contender), is_urgent=True)
    measured = generator.Generator(programs, server, live, cores_of(contender), is_urgent=True)
    try:
        measured.wait_until("measuring")
        with storm.Opening(programs, server, cores_of(contender)) as opening:
            main = measured.result()
    finally:
        measured.stop()
    return {"main": main, "alone": alone, "more": {"opened": opening.rate}}


def mass_resume(programs, server, contender, is_quick):
    """Clients that missed the same publications come back at once."""
    position = storm.publish_and_miss(server, "bench-0")
    before = storm.metric(server, "perseid_history_reads_total")
    options = ["--connections", "10000", "--seconds", "0"]
    path = ["--subscribe-path", server.subscribe_path + f"&cursor=bench-0@{position}"]
    main = generator.run(programs, server, options + path, cores_of(contender))
    reads = storm.metric(server, "perseid_history_reads_total") - before
    return {"main": main, "more": {"reads": reads}}


def held_polls(programs, server, contender, is_quick):
    """Without `load`, which asks nothing twice."""
    spent = polls.measure(server)
    return {"main": measures.nothing(), "more": spent | {"poll_times": spent["poll"] / (spent["plain"] + spent["delivery"])}}


def bayeux_polls(programs, server, contender, is_quick):
    return {"main": measures.nothing(), "more": bayeux.measure(server)}


def pattern_readers(programs, server, contender, is_quick):
    return {"main": measures.nothing(), "more": patterns.measure(server)}


def costs_of_patterns(programs, server, contender, is_quick):
    return {"main": measures.nothing(), "more": pattern_costs.measure(server)}


def connects_with_tokens(programs, server, contender, is_quick):
    return {"main": measures.nothing(), "more": trust.measure(programs, server, cores_of(contender))}


def silent_hook(programs, server, contender, is_quick):
    return {"main": measures.nothing(), "more": hooks.measure(server)}


def watched(programs, server, contender, is_quick):
    return {"main": measures.nothing(), "more": console.measure(server, is_quick)}


def master_killed(programs, server, contender, is_quick):
    return {"main": measures.nothing(), "more": failover.measure(server)}


def slots_moved(programs, server, contender, is_quick):
    return moved_slots.measure(programs, server)


def over_several_masters(programs, server, contender, is_quick):
    return several_masters.measure(programs, server, seconds(10, is_quick))


def many_watched(programs, server, contender, is_quick):
    return {"main": measures.nothing(), "more": watched_channels.measure(server)}


def tls(programs, server, contender, is_quick):
    return {"main": measures.nothing(), "more": security.measure(server)}


def behind_http_2(programs, server, contender, is_quick):
    return {"main": measures.nothing(), "more": front.measure(server)}


def compressed(programs, server, contender, is_quick):
    another = lambda: contender.start(programs)  # noqa: E731
    return {"main": measures.nothing(), "more": compression.measure(server, another)}


def keyed(programs, server, contender, is_quick):
    return {"main": measures.nothing(), "more": keyed_pace.measure(server)}


def floor(label="floor", is_pinned=True, **options):
    cores = SERVER_CORE if is_pinned else None
    start = lambda programs: Floor(programs, cores=cores, **options)  # noqa: E731
    return Contender(label, "floor", start, is_pinned=is_pinned)


def nchan(label="nchan, 1 worker", is_pinned=True, is_judged=True, **options):
    cores = SERVER_CORE if is_pinned else None
    return Contender(label, "nchan", lambda programs: Nchan(programs, cores=cores, **options), is_judged, is_pinned)


def perseid(label="perseid, 1 reactor, raw", is_pinned=True, is_judged=True, **options):
    cores = SERVER_CORE if is_pinned else None
    start = lambda programs: Perseid(programs, cores=cores, **options)  # noqa: E731
    return Contender(label, "perseid", start, is_judged, is_pinned)


ENVELOPE = perseid("perseid, 1 reactor, envelope", is_judged=False, envelope=True)

FANOUT_RATE = Case(
    "fanout-rate",
    "5,000 WebSockets on one channel, 10 publishes/s",
    [floor(), nchan(), perseid(), ENVELOPE],
    once("--connections", "5000", "--rate", "10", full_seconds=10),
    [CPU, P50, P99, P999, LATEST, OTHERS],
    [RatioBar(CPU, "floor", 1.15), RatioBar(CPU, "nchan", 0.8), NothingLostBar()],
)

FANOUT_SATURATED = Case(
    "fanout-saturated",
    "1,000 WebSockets on one channel, 64 HTTP publishers flat out, 64-byte payload, in memory",
    [
        floor("floor, coalescing", coalesces=True),
        nchan(),
        nchan("nchan, 2 workers", is_pinned=False, workers=2),
        perseid(),
        perseid("perseid, 2 reactors, raw", is_pinned=False, is_judged=False, reactors=2),
        ENVELOPE,
    ],
    once("--connections", "1000", "--publishers", "64", "--latency-sampling", "64", "--warm-up", "2", full_seconds=8),
    [RATE, PUBLISHED, CPU, P50, P99, PER_CALL, OTHERS],
    [RatioBar(RATE, "nchan", 15), NothingLostBar()],
    is_saturating=True,
)

FANOUT_SATURATED_REDIS = Case(
    "fanout-saturated-redis",
    "the same through Redis with history, two nodes with half of the subscribers and publishers each",
    [
        nchan("nchan distributed, 2 nodes", is_pinned=False, nodes=2, over_redis=True),
        perseid("perseid, 2 nodes, raw", is_pinned=False, nodes=2, over_redis=True),
        perseid("perseid, 2 nodes, envelope", is_pinned=False, is_judged=False, nodes=2, over_redis=True, envelope=True),
    ],
    once(
        *["--connections", "1000", "--publishers", "64", "--latency-sampling", "16"],
        *["--warm-up", "2", "--settle", "2", "--drain", "15"],
        full_seconds=8,
    ),
    [RATE, PUBLISHED, CPU, REDIS, P50, P99, PER_CALL, OTHERS],
    [RatioBar(RATE, "nchan", 5), NothingLostBar()],
    is_saturating=True,
)

STREAMS = {
    "event stream": "/sse?channel=%c",
    "JSON stream": "/stream?channel=%c",
    "multipart": "/multipart?channel=%c",
    "forever frame": "/frame?channel=%c&callback=f",
}

TRANSPORTS = Case(
    "transports",
    "5,000 readers on one channel, 10 publishes/s, by each transport that is a stream",
    [perseid("WebSocket", envelope=True)]
    + [perseid(label, is_judged=False, envelope=True, path=path) for label, path in STREAMS.items()],
    once("--connections", "5000", "--rate", "10", full_seconds=10),
    [CPU, P50, P99, P999, LATEST, OTHERS],
    [AgainstBar(CPU, label, "WebSocket", 1.15) for label in STREAMS] + [NothingLostBar()],
)

BAYEUX_POLLS = Case(
    "bayeux-polls",
    "5,000 long-polling clients of Bayeux on one channel, beside polls; and what one takes that waits",
    [perseid("perseid, 1 reactor", envelope=True)],
    bayeux_polls,
    [BAYEUX, POLL, BAYEUX_TIMES, IDLE_BYTES],
    [LimitBar(BAYEUX_TIMES, 2), LimitBar(IDLE_BYTES, 1_000)],
)

PATTERNS = Case(
    "patterns",
    "100 readers of a pattern, 2,000 publishes/s over its channels, beside as many readers of one channel",
    [perseid("perseid, 1 reactor", envelope=True)],
    pattern_readers,
    [ONE_CHANNEL, THOUSAND_TIMES, TEN_THOUSAND_TIMES],
    [LimitBar(THOUSAND_TIMES, 1.5)],
)

PATTERN_COSTS = Case(
    "pattern-costs",
    "0, 1, 100 and 10,000 patterns heard by one node, and 10,000 other channels: what a publication and a pattern cost",
    [perseid("perseid, 1 reactor, Redis", is_pinned=False, over_redis=True, envelope=True)],
    costs_of_patterns,
    [ALONE, *UNMATCHED, *MATCHED, NODE_BYTES, REDIS_BYTES, OPEN_SECONDS, OPEN_REDIS],
    [LimitBar(UNMATCHED[1], 1.25)],
)

HELD_POLLS = Case(
    "held-polls",
    "5,000 polls held on one channel and answered by one publish, beside plain requests and deliveries by WebSocket",
    [perseid("perseid, 1 reactor", envelope=True)],
    held_polls,
    [POLL, PLAIN, DELIVERY, POLL_TIMES],
    [LimitBar(POLL_TIMES, 1.5)],
)

IDLE_MEMORY = Case(
    "idle-memory",
    "15,000 idle WebSockets: the server's PSS with them, less without",
    [floor(), nchan(), perseid()],
    once("--connections", "15000", "--settle", "2", full_seconds=0, warms_up=True),
    [BYTES],
    [LimitBar(BYTES, 500)],
)

CROSS_NODE_LATENCY = Case(
    "cross-node-latency",
    "publish on A, delivery on B through Redis, 10 subscribers, 200/s",
    [
        floor("floor over Redis, 2 nodes", is_pinned=False, nodes=2, over_redis=True),
        nchan("nchan distributed, 2 nodes", is_pinned=False, nodes=2, over_redis=True, prelude=True),
        perseid("perseid, 2 nodes, raw", is_pinned=False, nodes=2, over_redis=True),
    ],
    cross_node,
    [P50, P99, P999, LATEST, OTHERS],
    # The floor is there to say how much of the latency is Redis and the kernel.
    [
        RatioBar(P50, "floor", 1.15),
        RatioBar(P99, "floor", 1.1),
        RatioBar(P50, "nchan", 0.6),
        RatioBar(P99, "nchan", 0.6),
        NothingLostBar(),
    ],
)

SENTINEL, CLUSTER = {"kind": "sentinel"}, {"kind": "cluster"}
CLUSTER_OF_MASTERS = {"kind": "cluster", "has_replicas": False}
SHOWN_OF_TAKEOVERS = [PROMOTED_SECONDS, TOLD_SECONDS, BACK_SECONDS, AFFECTED]

SENTINEL_FAILOVER = Case(
    "sentinel-failover",
    "a master killed under 2,000 readers of 500 channels at two nodes: seconds until each delivers again",
    [perseid("perseid, 2 nodes, Sentinels", is_pinned=False, nodes=2, deployment=SENTINEL)],
    master_killed,
    SHOWN_OF_TAKEOVERS,
    [LimitBar(BACK_SECONDS, 1)],
)

CLUSTER_FAILOVER = Case(
    "cluster-failover",
    "one of three masters of a Redis Cluster killed under 2,000 readers of 500 channels at two nodes, likewise",
    [perseid("perseid, 2 nodes, Redis Cluster", is_pinned=False, nodes=2, deployment=CLUSTER)],
    master_killed,
    SHOWN_OF_TAKEOVERS,
    [LimitBar(BACK_SECONDS, 1)],
)

SLOTS_MOVED = Case(
    "slots-moved",
    "1,000 slots moved under 2,000 publishes/s to 1,000 channels with a reader at each of two nodes",
    [perseid("perseid, 2 nodes, Redis Cluster", is_pinned=False, nodes=2, deployment=CLUSTER_OF_MASTERS)],
    slots_moved,
    [P50, P99, P999, LATEST, MOVING_SECONDS, OTHERS],
    [LimitBar(P99, 50), NothingLostBar()],
)

SEVERAL_MASTERS = Case(
    "several-masters",
    "30 channels with a reader each at one node: over one Redis, and over a Redis Cluster of three masters",
    [
        perseid("three masters", is_pinned=False, deployment=CLUSTER_OF_MASTERS),
        perseid("one Redis", is_pinned=False, is_judged=False, over_redis=True),
    ],
    over_several_masters,
    [P50, P99, LOW_CPU, HIGH_P50, HIGH_CPU, OTHERS],
    [AgainstBar(measure, "three masters", "one Redis", 1.1) for measure in (P50, LOW_CPU, HIGH_CPU)] + [NothingLostBar()],
)

WATCHED_CHANNELS = Case(
    "watched-channels",
    "100,000 channels read by 1,000 WebSockets at one node, which loses its links to Redis",
    [perseid("perseid, 1 reactor, Redis", envelope=True, over_redis=True)],
    many_watched,
    [CHANNEL_BYTES, READER_BYTES, FEW_SECONDS, RECONNECT_NODE, RECONNECT_REDIS, ALL_SECONDS],
    [LimitBar(CHANNEL_BYTES, 600), LimitBar(FEW_SECONDS, 3)],
)

FAIRNESS = Case(
    "fairness",
    "10 members at 50/s while another channel fans out to 10,000 without a pause",
    [floor(), nchan(prelude=True), perseid()],
    fairness,
    [P99_ALONE, P99, P99_EXCESS, LATEST, BACKGROUND, OTHERS],
    [LimitBar(P99_EXCESS, 5), NothingLostBar()],
)

MANY_CHANNELS = Case(
    "many-channels",
    "500 channels × 10 members, 2,000 publishes/s",
    [floor(), nchan(), perseid(), ENVELOPE],
    once(
        *["--connections", "5000", "--channels", "500", "--publishers", "20", "--rate", "2000"],
        full_seconds=8,
    ),
    [CPU, P50, P99, P999, OTHERS],
    [RatioBar(CPU, "nchan", 0.7), NothingLostBar()],
)

CONNECTS = Case(
    "connects",
    "10,000 WebSocket connects: accept, handshake, subscribe",
    [floor(), nchan(), perseid(), ENVELOPE],
    once("--connections", "10000", full_seconds=0, warms_up=True),
    [CONNECT],
    [RatioBar(CONNECT, "floor", 1.5), RatioBar(CONNECT, "nchan", 0.9), NothingLostBar()],
)

TOKEN_CONNECTS = Case(
    "token-connects",
    "5,000 WebSocket connects, 256 at a time: without a token, with one HS256 token, with an ES256 token each",
    [
        perseid("perseid, 1 reactor, rules", envelope=True, has_rules=True, is_pinned=False),
        perseid("the same on one core", envelope=True, has_rules=True, is_judged=False),
    ],
    connects_with_tokens,
    [CONNECT_ALONE, CONNECT_RATE, KNOWN_TIMES, KNOWN_RATE, UNSEEN_TIMES, UNSEEN_RATE],
    [LimitBar(KNOWN_RATE, 0.9), LimitBar(UNSEEN_RATE, 0.6)],
)

TLS = Case(
    "tls",
    "TLS: 2,000 idle WebSockets; the same at 10/s beside plain and HAProxy's TLS; 10 readers at 200/s in a storm of handshakes",
    [perseid("perseid, 1 reactor, TLS", envelope=True, has_tls=True)],
    tls,
    [TLS_BYTES, PLAIN_CPU, TLS_CPU, HAPROXY_CPU, TLS_TIMES, QUIET, STORMY, STORM_TIMES, OFFERED, HANDSHAKES],
    [LimitBar(TLS_BYTES, 12_288), LimitBar(TLS_TIMES, 1.1), LimitBar(STORM_TIMES, 3)],
)

H2_FRONT = Case(
    "h2-front",
    "HAProxy in front: 1,000 event streams at 10/s, each on a connection of HTTP/1.1, and 20 on each of HTTP/2",
    [perseid("perseid, 1 reactor, and HAProxy, 1 thread", envelope=True, has_tls=True)],
    behind_http_2,
    [OWN_TLS_CPU, FRONT_PLAIN_CPU, FRONT_H1_CPU, FRONT_H2_CPU, FRONT_H2_NODE, FRONT_TIMES, FRONT_H1_HELD, FRONT_H2_HELD],
    [LimitBar(FRONT_TIMES, 1)],
)

SILENT_HOOK = Case(
    "silent-hook",
    "10 readers at 200/s, while 1,000 connects wait a second each for a backend that never answers, again and again",
    [perseid("perseid, 1 reactor, hook", envelope=True, has_silent_hook=True)],
    silent_hook,
    [QUIET, BESIDE, BESIDE_TIMES, REFUSED_SECONDS, OTHERWISE, HELD],
    [LimitBar(BESIDE_TIMES, 1.5), LimitBar(REFUSED_SECONDS, 1.5), LimitBar(OTHERWISE, 0)],
)

CONSOLE_OPEN = Case(
    "console",
    "1,000 publications a second to ten channels with a reader each, over Redis: without and with a console open",
    [perseid("perseid, 1 reactor, Redis", envelope=True, over_redis=True)],
    watched,
    [UNWATCHED, WATCHED, CONSOLE, PUBLISHED],
    [LimitBar(CONSOLE, 1)],
)

COMPRESSION = Case(
    "compression",
    "1,000 WebSockets, ticks of 170 bytes at 20/s: as they are, compressed together, each alone, and with 10 newcomers a second",
    [perseid("perseid, 1 reactor, compression", envelope=True, compresses=True)],
    compressed,
    [PLAIN_WIRE, SHARED_WIRE, SHARED_RATIO, ALONE_RATIO, BUSY_RATIO, SHARED_CPU, IDLE_MORE],
    [
        LimitBar(SHARED_RATIO, 4),
        LimitBar(ALONE_RATIO, 3.5),
        LimitBar(BUSY_RATIO, 3),
        LimitBar(SHARED_CPU, 1),
        LimitBar(IDLE_MORE, 32),
    ],
)

KEYED_PACE = Case(
    "keyed-pace",
    "500 keys × 20 updates/s: 1,000 WebSockets of max-rate=2 against those who want all, newcomers, and 100 who stand still for a minute",
    [perseid("perseid, 1 reactor, keyed", envelope=True, is_keyed=True)],
    keyed,
    [PACED_BYTES, PACED_CPU, SNAPSHOT, LATENESS, STOPPED_MEMORY],
    [
        LimitBar(PACED_BYTES, 0.2),
        LimitBar(PACED_CPU, 0.2),
        LimitBar(SNAPSHOT, 50),
        # Half a second from batch to batch, and the time that it takes to send one to a thousand readers.
        LimitBar(LATENESS, 600),
        # 500 keys of 170 bytes, with what a feed and a hundred connections keep.
        LimitBar(STOPPED_MEMORY, 2_000),
    ],
)

SESSIONS = perseid(
    "perseid, 1 reactor, Redis, sessions", over_redis=True, envelope=True, sessions=True
)

IDLE_SESSIONS = Case(
    "idle-sessions",
    "15,000 idle WebSockets with a session in Redis each: the server's PSS with them, less without",
    [SESSIONS],
    once("--connections", "15000", "--settle", "2", full_seconds=0, warms_up=True),
    [BYTES, CONNECT],
    [LimitBar(BYTES, 1_000), NothingLostBar()],
)

SESSION_STORM = Case(
    "session-storm",
    "10 members at 200/s on one node over Redis, while 15,000 sessions are opened, four at a time",
    [SESSIONS],
    session_storm,
    [OPENED, P99_ALONE, P99, P99_TIMES, LATEST, OTHERS],
    [LimitBar(OPENED, 5_000), LimitBar(P99_TIMES, 3), NothingLostBar()],
)

MASS_RESUME = Case(
    "mass-resume",
    "10,000 clients of one channel come back to one node at once, each with a cursor 50 publications old",
    [SESSIONS],
    mass_resume,
    [READS, CONNECT],
    [LimitBar(READS, 5), NothingLostBar()],
)

ALL = [
    IDLE_SESSIONS,
    SESSION_STORM,
    MASS_RESUME,
    FANOUT_RATE,
    FANOUT_SATURATED,
    FANOUT_SATURATED_REDIS,
    TRANSPORTS,
    HELD_POLLS,
    BAYEUX_POLLS,
    PATTERNS,
    PATTERN_COSTS,
    IDLE_MEMORY,
    CROSS_NODE_LATENCY,
    SENTINEL_FAILOVER,
    CLUSTER_FAILOVER,
    SLOTS_MOVED,
    SEVERAL_MASTERS,
    WATCHED_CHANNELS,
    FAIRNESS,
    MANY_CHANNELS,
    CONNECTS,
    TOKEN_CONNECTS,
    TLS,
    H2_FRONT,
    SILENT_HOOK,
    CONSOLE_OPEN,
    COMPRESSION,
    KEYED_PACE,
]
