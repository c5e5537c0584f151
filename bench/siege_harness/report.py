"""The report: one Markdown table, a row for each siege."""

import time

from harness.machine import commit, memory_gibibytes, output, processor

from . import cores
from .behaviour import ALL

SATURATED = 0.9
DISTURBED = 0.15

TITLES = ["behaviour", "p50 / p99 / max ms", "p99 × quiet", "publishes refused, late", "newcomers turned away, late"]
TITLES += ["lost, cut", "MB in all", "MB a connection", "connections", "turns p99.9 ms", "longest turn ms", "deaths"]
TITLES += ["log lines", "cores: node, live, hostile, others", "limited by", ""]


def number(value, decimals=1):
    return "–" if value is None else f"{value:,.{decimals}f}"


def cells(outcome):
    live = outcome.live
    failures = list(outcome.failures())
    yield outcome.name
    yield " / ".join(number(live.get(name), 2) for name in ("p50", "p99", "max"))
    yield number(outcome.p99_times)
    yield f"{outcome.count('refused'):,}, {outcome.count('late'):,}"
    yield f"{outcome.count('turned away'):,}, {outcome.count('came late'):,}"
    yield f"{outcome.lost:,}, {outcome.cut:,}"
    yield number(outcome.growth_bytes / 1e6)
    yield number(outcome.connection_bytes / 1e6, 3)
    yield f"{outcome.connections:,}"
    yield number(outcome.turns_p999_milliseconds)
    yield number(outcome.longest_milliseconds)
    yield f"{len(outcome.deaths)}"
    yield f"{outcome.log_lines:,}"
    yield ", ".join(number(share, 2) for share in shares(outcome))
    yield limited_by(outcome)
    yield "**" + "; ".join(failures) + "**" if failures else "pass"


def shares(outcome):
    used = outcome.cores
    node = sum(share for name, share in used.items() if name.startswith("node"))
    known = node + used["live"] + used["hostile"] + used.get("redis", 0)
    return node, used["live"], used["hostile"], max(0, used["all"] - known)


def limited_by(outcome):
    """What kept the hostile clients from more, and the live ones from less latency."""
    used = outcome.cores
    _, live, hostile, others = shares(outcome)
    beside = live + hostile + used.get("redis", 0) + used.get("node 1", 0)
    limits = []
    if used["node 0"] > SATURATED:
        limits.append("the node's core")
    if beside > SATURATED * max(1, cores.COUNT - 1):
        limits.append("the generator's core")
    if others > DISTURBED:
        limits.append("other work on the machine")
    return " and ".join(limits) or "what was offered"


def row(values):
    return "| " + " | ".join(values) + " |"


METHOD = """\
A fresh node for each behaviour, with one reactor on core 0 unless `--reactors` says otherwise; 200 WebSockets on one
channel at 100 publications a second, published over HTTP, half of both on a second node where there is Redis. Latency
runs from when a publication was due until it is read, on one clock. Live clients share the other cores with the hostile
ones, with real-time priority where that is allowed; hostile ones are processes of their own at nice 19. A newcomer
comes with its session twice a second. *Quiet* is measured right before, on the same node. Memory is what the nodes'
anonymous memory grew by at most, all together; *a connection* is that, divided by the most hostile connections at a
time. Turns are counted by the node under siege itself; the other one shares its core. The bars: p99 ≤ 3 × quiet,
≤ 2 MiB a connection, ≤ 64 MiB in all, nothing refused, late, lost or cut, no death, ≤ 10 log lines a second, turns p99.9
≤ 20 ms (the longest turn, where a node has no histogram).
"""


def facts(options, given):
    return [
        ("run", " ".join(["bench/siege", *given])),
        ("date", time.strftime("%Y-%m-%d %H:%M")),
        ("machine", f"{processor()}, {cores.COUNT} cores, {memory_gibibytes():.0f} GiB, loopback only"),
        ("perseid", output([options.binary, "version"])),
        ("commit", commit()),
        ("backplane", "Redis, two nodes" if options.redis else "embedded, one node"),
    ]


def markdown(options, given, outcomes, problems):
    lines = ["# What hostile clients reach", "", "| | |", "| --- | --- |"]
    lines += [row(fact) for fact in facts(options, given)]
    lines += ["", METHOD, row(TITLES), row(["---"] * len(TITLES))]
    lines += [row(cells(outcome)) for outcome in outcomes]
    lines += [f"\n{name} could not be measured: {problem}" for name, problem in problems.items()]
    passed = sum(not list(outcome.failures()) for outcome in outcomes)
    lines += ["", f"{passed} of {len(outcomes) + len(problems)} reach every bar.", "", *details(outcomes)]
    return "\n".join(lines) + "\n"


def details(outcomes):
    """What each behaviour is, and what came of it on its own side."""
    for outcome in outcomes:
        title = ALL[outcome.name].title if outcome.name in ALL else "hostile clients of mixed behaviours"
        said = ", ".join(f"{what} {count:,}" for what, count in sorted(outcome.counted.items()) if what != "names")
        troubles = ", ".join(f"{what} {count}" for what, count in outcome.counts.items() if ": " in what)
        quiet = number(outcome.quiet.get("p99"), 2)
        yield f"- **{outcome.name}**: {title}. Quiet p99 {quiet} ms. Hostile: {said or 'nothing counted'}." + (
            f" Live: {troubles}." if troubles else ""
        )
        yield from (f"  - {death}" for death in outcome.deaths)
