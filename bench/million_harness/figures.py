"""Figures that several steps have."""

from . import redis


def shares(used):
    return {f"{name}_cores": used[name] / used["elapsed"] for name in ["nodes", "crowds", "redis", "harness", "others"]}


def commands_per(run, before, divisor):
    """Calls by name; what is rarer than a thousandth is left out."""
    calls = redis.numbers(run.redis.ports)["calls"]
    each = {name: (count - before["calls"].get(name, 0)) / divisor for name, count in calls.items()}
    return {name: round(value, 3) for name, value in sorted(each.items()) if value >= 0.001}


def latencies(run, before, name="delivery"):
    difference = run.board.distribution(name) - before
    return difference.summary() | {"points": [[round(x, 3), round(y, 6)] for x, y in difference.points()]}
