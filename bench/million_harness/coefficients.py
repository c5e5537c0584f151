"""Coefficients of the model: taken from runs, each with its spread."""

import json
import statistics
from dataclasses import asdict, dataclass

from harness import build

from . import model
from .harm import TRAFFIC
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
    if not path.exists():
        raise SystemExit(f"{path} is not there: bench/capacity --measure makes it")
    text = json.loads(path.read_text())
    found = {name: Coefficient(**each) for name, each in text["coefficients"].items()}
    return Measured(text["facts"], found, text["way"])


def least_squares(equations):
    """The unknowns x of Σ a·x = b, given as lists of a and b. Each equation is weighed so that its relative error counts, and
    an unknown that would be negative is none: no cost is."""
    count = len(equations[0][0])
    kept = list(range(count))
    while kept:
        rows = [[factors[place] / result for place in kept] for factors, result in equations]
        found = solved(rows)
        if min(found) >= 0:
            values = dict(zip(kept, found))
            return [values.get(place, 0.0) for place in range(count)]
        kept.remove(kept[found.index(min(found))])
    return [0.0] * count


def solved(rows):
    """The normal equations of rows whose sums are to be 1, by elimination."""
    count = len(rows[0])
    matrix = [
        [sum(row[i] * row[j] for row in rows) for j in range(count)] + [sum(row[i] for row in rows)]
        for i in range(count)
    ]
    for place in range(count):
        pivot = max(range(place, count), key=lambda row: abs(matrix[row][place]))
        matrix[place], matrix[pivot] = matrix[pivot], matrix[place]
        if abs(matrix[place][place]) < 1e-12 * abs(sum(rows[0])):
            raise ValueError("the measurements do not tell the parts of a cost apart")
        for row in range(count):
            if row != place:
                factor = matrix[row][place] / matrix[place][place]
                matrix[row] = [one - factor * other for one, other in zip(matrix[row], matrix[place])]
    return [matrix[place][count] / matrix[place][place] for place in range(count)]


# What a run says


def counts(run):
    clients = run["clients"]
    return [1, max(1, clients // 1_000), max(1, clients // 10)]


def phases(run):
    """Name, channels with their rates, and the microseconds a second that nodes and Redis spent on them."""
    clients, steps = run["clients"], run["steps"]
    thousand, ten = (
        lambda rate, count=count: Channels(count, clients / count, rate / count) for count in counts(run)[1:]
    )
    rates = [
        ("publish: channels of 1,000", "rest", lambda step: [thousand(step["publications_per_second"])]),
        ("publish: channels of 10", "idle", lambda step: [ten(step["publications_per_second"])]),
        ("quiet", "idle", lambda step: [thousand(TRAFFIC[1]), ten(TRAFFIC[2])]),
    ]
    for name, idle, channels in rates:
        # With many channels nodes have something to say to Redis all the time.
        if name in steps and idle in steps:
            own = [steps[name][f"{part}_cores"] - steps[idle][f"{part}_cores"] for part in ["nodes", "redis"]]
            yield name, channels(steps[name]), own[0] * 1e6, own[1] * 1e6


def node_factors(channels, nodes):
    """Deliveries, publications heard and wake-ups a second."""
    deliveries = sum(kind.publication_rate * kind.readers for kind in channels)
    return [deliveries] + heard(channels, nodes)


def redis_factors(channels, nodes):
    return [sum(kind.publication_rate for kind in channels)] + heard(channels, nodes)


def heard(channels, nodes):
    all_heard = sum(kind.publication_rate * kind.hearing(nodes) for kind in channels)
    return [all_heard, model.wakes(all_heard, nodes)]


def of_deliveries(runs):
    """Node microseconds of a delivery, of a publication that a node hears, and of a node's waking for some of them."""
    return least_squares(
        [
            (node_factors(channels, run["nodes"]), node)
            for run in runs
            for _, channels, node, _ in phases(run)
            if node > 0
        ]
    )


def of_publications(runs):
    """Redis microseconds of a publication, of each node that hears it, and of writing to a node."""
    return least_squares(
        [
            (redis_factors(channels, run["nodes"]), redis)
            for run in runs
            for _, channels, _, redis in phases(run)
            if redis > 0
        ]
    )


def pairs(run, step):
    return run["steps"][step]["metrics"].get("perseid_channels", 0)


def difference(run, later, earlier, key):
    def whole(step):
        return run["steps"][step]["bytes_per_client"][key] * run["clients"]

    return whole(later) - whole(earlier)


def renewals_per_second(run, step):
    """Calls of functions: with nothing to publish all of them are renewals."""
    return run["steps"][step]["redis_commands_per_second"].get("fcall", 0)
