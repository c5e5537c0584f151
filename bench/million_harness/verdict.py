"""The bars of a million clients, held against what was measured."""

from dataclasses import dataclass

MILLION = 1_000_000


@dataclass(frozen=True)
class Bar:
    case: str
    bar: str
    value: str
    # None where it was not measured, or with so few clients that it says nothing.
    is_reached: bool | None

    @property
    def word(self):
        return {True: "pass", False: "**fail**", None: "not judged"}[self.is_reached]


def judged(results, case, bar, value, limit, unit, is_scaled=False):
    """`is_scaled`: a bar for a million clients, which fewer must not be judged by."""
    if value is None:
        return Bar(case, bar, "not measured", None)
    is_reached = None if is_scaled and results["clients"] < MILLION else value <= limit
    return Bar(case, bar, f"{value:,.2f} {unit}".strip(), is_reached)


def bars(results):
    steps = results["steps"]
    yield from coming(results, steps)
    yield from resting(results, steps)
    yield from harm(results, steps)
    if {"publish to all", "publish: channels of 1,000", "publish: channels of 10"} <= steps.keys():
        yield flatness(results, steps)
    yield nothing_wrong(results, steps)


def coming(results, steps):
    found = steps.get("connect", {})
    seconds = results["clients"] / found["per_second"] if found else None
    yield judged(results, "all are connected", "≤ 600 s for a million", seconds, 600, "s", is_scaled=True)
    found = steps.get("publish to all", {})
    milliseconds = found.get("last_milliseconds_each")
    worst = max(milliseconds) / 1e3 if milliseconds else None
    yield judged(results, "one publication has come to all", "≤ 12 s for a million", worst, 12, "s", is_scaled=True)
    limit = 700 if results["carrier"] == "sessions" else 300
    found = steps.get("connect", {}).get("bytes_per_client", {})
    bar = f"≤ {limit} bytes"
    yield judged(
        results, "node memory per client, all in", bar, found.get("nodes_all_in"), limit, "bytes", is_scaled=True
    )
    yield Bar("of that, above empty nodes", "–", f"{found['nodes']:,.0f} bytes" if found else "not measured", None)


def resting(results, steps):
    found = steps.get("idle") or steps.get("rest") or {}
    name = "idle" if "idle" in steps else "idle for half a minute, one channel"
    nodes, servers = found.get("nodes_cores"), found.get("redis_cores")
    percent = [value * 100 if value is not None else None for value in (nodes, servers)]
    yield judged(results, f"{name}: all nodes", "≤ 15 % of a core", percent[0], 15, "%", is_scaled=True)
    yield judged(results, f"{name}: Redis", "≤ 5 % of a core", percent[1], 5, "%", is_scaled=True)


def harm(results, steps):
    found = steps.get("kill", {})
    case = f"a node killed: its {found['clients']:,} clients back" if found else "a node killed: its clients back"
    yield judged(results, case, "≤ 10 s", found.get("all_back_seconds"), 10, "s")
    yield judged(results, "the others' p99 meanwhile", "≤ 3 × quiet", found.get("times_quiet_p99"), 3, "×")


def flatness(results, steps):
    kinds = ["publish to all", "publish: channels of 1,000", "publish: channels of 10"]
    costs = [steps[kind]["nodes_own_microseconds_per_delivery"] for kind in kinds]
    case = f"node CPU per delivery, all / 1,000 / 10 readers: {' / '.join(f'{cost:.1f}' for cost in costs)} µs"
    return judged(results, case, "within 20 %", max(costs) / min(costs), 1.2, "×", is_scaled=True)


def nothing_wrong(results, steps):
    sums = {}
    for step in steps.values():
        sums |= step["offences"]
    text = ", ".join(f"{count:,} {name}" for name, count in sums.items()) or "nothing"
    return Bar("lost, doubled, out of order, foreign, gaps", "nothing", text, not sums)
