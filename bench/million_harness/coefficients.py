"""Coefficients of the model: taken from runs, each with its spread."""

import json
import statistics
from dataclasses import asdict, dataclass

from harness import build

from .model import Channels

PATH = build.BENCH / "coefficients.json"
HALF = 2


@dataclass
class Coefficient:
    value: float
    low: float
    high: float
    samples: int
    how: str

    @classmethod
    def of(cls, samples, how):
        # Noise may make a difference of two measures negative; no cost is.
        found = [max(0.0, sample) for sample in samples]
        return cls(statistics.median(found), min(found), max(found), len(found), how)


@dataclass
class Measured:
    """What was measured, and on which machine."""

    facts: dict
    coefficients: dict
    # Milliseconds from a publication's being due to a client's having it, with little traffic, and the share that took
    # no longer.
    way: list

    def save(self, path=PATH):
        found = {name: asdict(each) for name, each in sorted(self.coefficients.items())}
        text = {"facts": self.facts, "coefficients": found, "way": self.way}
        path.write_text(json.dumps(text, indent=1) + "\n")

    @property
    def values(self):
        return {name: each.value for name, each in self.coefficients.items()}


def load(path=PATH):
    text = json.loads(path.read_text())
    found = {name: Coefficient(**each) for name, each in text["coefficients"].items()}
    return Measured(text["facts"], found, text["way"])


def two_unknowns(equations):
    """Least squares of x·a + y·b = z, each equation weighed so that its relative error counts."""
    xx = xy = yy = xz = yz = 0.0
    for x, y, z in equations:
        x, y = x / z, y / z
        xx, xy, yy, xz, yz = xx + x * x, xy + x * y, yy + y * y, xz + x, yz + y
    divisor = xx * yy - xy * xy
    if abs(divisor) < 1e-12 * xx * yy:
        raise ValueError("the measurements do not tell the two apart")
    return (xz * yy - yz * xy) / divisor, (yz * xx - xz * xy) / divisor


# What a run says


def kinds(run):
    """Its channels and, for each kind, what one publication cost the nodes and Redis."""
    clients = run["clients"]
    counts = {"publish to all": 1, "publish: channels of 1,000": max(1, clients // 1_000)}
    counts["publish: channels of 10"] = max(1, clients // 10)
    for name, count in counts.items():
        if name in run["steps"]:
            step = run["steps"][name]
            node = step["nodes_own_microseconds_per_delivery"] * step["deliveries"] / step["publications"]
            redis = step["redis_own_microseconds_per_delivery"] * step["deliveries"] / step["publications"]
            yield name, Channels(count, clients / count), node, redis


def of_deliveries(run):
    """Node microseconds of a delivery, and of a publication that a node hears."""
    return two_unknowns([(one.readers, one.hearing(run["nodes"]), node) for _, one, node, _ in kinds(run)])


def of_publications(runs):
    """Redis microseconds of a publication, and of each node that hears it. Five to all are too few to tell."""
    equations = [
        (1.0, one.hearing(run["nodes"]), redis)
        for run in runs
        for name, one, _, redis in kinds(run)
        if name != "publish to all" and redis > 0
    ]
    return two_unknowns(equations)


def pairs(run, step):
    return run["steps"][step]["metrics"].get("perseid_channels", 0)


def difference(run, later, earlier, key):
    def whole(step):
        return run["steps"][step]["bytes_per_client"][key] * run["clients"]

    return whole(later) - whole(earlier)


def renewals_per_second(run, step):
    """Calls of functions: with nothing to publish all of them are renewals."""
    return run["steps"][step]["redis_commands_per_second"].get("fcall", 0)
