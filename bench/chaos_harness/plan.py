"""The plan of faults: the same for the same seed, length and number of nodes."""

import random
from dataclasses import dataclass, field

# Seconds before the first fault, and between the last one's beginning and the end.
QUIET_SECONDS = (1, 3)
# On average from one fault to the next; most take longer than that, so they overlap.
STEP_SECONDS = 2.8

# What is done whatever the topology; each adds what is done to its Redis.
KINDS = {
    "node killed": lambda draw, nodes: {"node": draw.choice(nodes), "down_seconds": draw.uniform(0.2, 3)},
    "node stopped": lambda draw, nodes: {"node": draw.choice(nodes), "down_seconds": draw.uniform(1, 6)},
    "nodes deployed": lambda draw, nodes: {"order": draw.sample(nodes, len(nodes))},
    "clients reset": lambda draw, nodes: {"share": draw.uniform(0.05, 0.4)},
    "slow readers": lambda draw, nodes: {"share": draw.uniform(0.05, 0.2), "slow_seconds": draw.uniform(3, 6)},
    "subscriptions killed": lambda draw, nodes: {"times": draw.randint(1, 3)},
    "commands killed": lambda draw, nodes: {"times": draw.randint(1, 3)},
}


@dataclass(order=True)
class Fault:
    at_seconds: float
    kind: str
    seed: int
    details: dict = field(compare=False)

    def __str__(self):
        rounded = {name: round(value, 2) if isinstance(value, float) else value for name, value in self.details.items()}
        return f"{self.kind} ({', '.join(f'{name} {value}' for name, value in rounded.items())})"


def plan_faults(seed, seconds, nodes, redis_kinds):
    """Rounds of all kinds, each in an order of its own; the first round fits into half a minute, except that what is done to
    a Redis that fails over takes its time."""
    draw = random.Random(f"{seed}/plan")
    all_kinds = list(KINDS) + list(redis_kinds)
    first, last = QUIET_SECONDS[0], seconds - QUIET_SECONDS[1]
    count = max(len(all_kinds), int((last - first) / STEP_SECONDS))
    step = (last - first) / count
    kinds = []
    while len(kinds) < count:
        kinds += draw.sample(all_kinds, len(all_kinds))
    faults = []
    for number, kind in enumerate(kinds[:count]):
        at_seconds = first + step * (number + draw.random())
        own_seed = draw.getrandbits(32)
        details = KINDS[kind](draw, nodes) if kind in KINDS else redis_kinds[kind](draw)
        faults.append(Fault(at_seconds, kind, own_seed, details))
    return sorted(faults)


# Masters come and go only with nodes that all know how channels move to another: not while nodes are of two releases.
KINDS_OF_ONE_RELEASE = {"masters changed"}
# When each rollout begins, as a share of the whole time: the current release, the previous one again, and the current one.
ROLLOUTS = [(0.05, "nodes upgraded"), (0.4, "nodes taken back"), (0.75, "nodes upgraded")]


def plan_upgrade(seed, seconds, nodes, redis_kinds):
    """What is done otherwise, while each node in turn is replaced by one of the other release, there and back and there again."""
    draw = random.Random(f"{seed}/rollouts")
    kinds = {kind: details for kind, details in redis_kinds.items() if kind not in KINDS_OF_ONE_RELEASE}
    rollouts = []
    for share, kind in ROLLOUTS:
        details = {"order": draw.sample(nodes, len(nodes)), "pause_seconds": draw.uniform(0.5, 3)}
        rollouts.append(Fault(seconds * share, kind, draw.getrandbits(32), details))
    return sorted(plan_faults(seed, seconds, nodes, kinds) + rollouts)


def plan_failover(seed, seconds, nodes, redis_kinds):
    """One node is killed and stays away."""
    draw = random.Random(f"{seed}/plan")
    at_seconds = seconds / 3
    details = {"node": draw.choice(nodes), "down_seconds": seconds - at_seconds}
    return [Fault(at_seconds, "node killed", draw.getrandbits(32), details)]
